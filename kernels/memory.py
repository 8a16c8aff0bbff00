"""Which values get memory, under which names.

A value gets memory where it must: results, sums, matrix products, whatever would otherwise be computed again for every
element that repeats it.  All others are written into the expressions that use them.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from .names import fresh, unique
from .primitives.base import Leaf, Value, topological
from .primitives.concat import Concat
from .primitives.iota import Iota
from .primitives.literal import Literal, Size
from .primitives.map import FUNCTIONS, Map
from .primitives.reduce import Reduce
from .primitives.reshape import Reshape
from .primitives.slice import Pad, Slice
from .primitives.view import View
from .procedure import Named
from .reads import MOVES

Consumers = dict[int, list[Value]]

# An expression that moves indices more often is cut by putting a value into memory: what is read at several places is
# said once for each, so that expressions of expressions would grow without bound.
MOST_MOVES = 32


@dataclass(frozen=True)
class Cost:
    """What the expression for a value that is not in memory says: moved reads, by the value that moves, and whether
    there is anything dearer than arithmetic."""

    moved: frozenset[tuple[int, int]] = frozenset()
    transcendental: bool = False

    @property
    def moves(self) -> int:
        """The number of moved reads."""
        return sum(count for _, count in self.moved)


def memory(inputs: Named, outputs: Named) -> tuple[dict[int, str], dict[str, Value]]:
    """The names of all values in memory, by identity, and those among them that are temporaries, by name."""
    order = topological([value for _, value in outputs])
    consumers: Consumers = {}
    for value in order:
        for source in value.inputs:
            consumers.setdefault(id(source), []).append(value)
    names = {id(value): value.primitive.name for value in order if isinstance(value.primitive, Leaf)}
    for name, value in outputs:
        if not is_alias(value):
            names.setdefault(id(value), name)
    taken = {name for name, _ in (*inputs, *outputs)}
    temporaries: dict[str, Value] = {}
    aliases = _aliases(order, consumers)
    together = _exact(order) | _repeated(order)
    costs: dict[int, Cost] = {}
    for value in order:
        cost = _cost(value, costs)
        needed = id(value) in aliases or id(value) in together or _read_whole(value, consumers, aliases)
        needed = needed or cost.moves > MOST_MOVES or _needs_memory(value, consumers, cost)
        costs[id(value)] = Cost() if needed or id(value) in names else cost
        if id(value) in names or not needed:
            continue
        name = _name(value, taken)
        names[id(value)] = name
        if not is_alias(value):
            temporaries[name] = value
    return names, temporaries


def values_in_memory(outputs: Sequence[Value]) -> set[int]:
    """The identities of all values that a computation of ``outputs`` has in memory at some time."""
    names, _ = memory((), tuple((f"output{position}", value) for position, value in enumerate(outputs)))
    return set(names)


def is_alias(value: Value) -> bool:
    """Whether a value in memory is its source's memory under another shape."""
    if isinstance(value.primitive, View):
        sources = [source for source in value.primitive.sources if source is not None]
        return not value.primitive.repeats and sources == sorted(sources)
    return isinstance(value.primitive, Reshape)


def is_loop(value: Value) -> bool:
    """Whether a value is computed element by element."""
    return isinstance(value.primitive, (Map, Reduce, Literal, Size, Iota, Leaf, *MOVES))


def _name(value: Value, taken: set[str]) -> str:
    stem = value.name or getattr(value.primitive, "function", type(value.primitive).__name__.lower())
    name = unique(stem, taken) if stem.startswith("d_") else fresh(stem, taken)
    taken.add(name)
    return name


def _aliases(order: Sequence[Value], consumers: Consumers) -> set[int]:
    """Values that something reads as an array of another shape."""
    aliases: set[int] = set()
    for value in reversed(order):
        if is_alias(value) and (isinstance(value.primitive, Reshape) or _read_whole(value, consumers, aliases)):
            aliases.add(id(value))
    return aliases


def _exact(order: Sequence[Value]) -> set[int]:
    """What a largest or smallest element is chosen from.

    The backward pass asks which elements are equal to it; computed again elsewhere they may differ in the last bit.
    """
    exact: set[int] = set()
    for value in order:
        if isinstance(value.primitive, Reduce) and value.primitive.combination in ("largest", "smallest"):
            source = value.inputs[0]
            while isinstance(source.primitive, (View, Slice)):
                source = source.inputs[0]
            exact.add(id(source))
    return exact


def _read_whole(value: Value, consumers: Consumers, aliases: set[int]) -> bool:
    """Whether something reads the value as an array and not element by element."""
    return any(not is_loop(reader) or id(reader) in aliases for reader in consumers.get(id(value), []))


def _cost(value: Value, known: Mapping[int, Cost]) -> Cost:
    sources = [known[id(source)] for source in value.inputs]
    moved = frozenset[tuple[int, int]]().union(*(source.moved for source in sources))
    if isinstance(value.primitive, (Slice, Pad, Concat)):
        moved = frozenset([(id(value), sum(max(source.moves, 1) for source in sources))])
    dear = isinstance(value.primitive, Map) and FUNCTIONS[value.primitive.function].transcendental
    return Cost(moved, dear or any(source.transcendental for source in sources))


def _needs_memory(value: Value, consumers: Consumers, cost: Cost) -> bool:
    """Whether computing a value where it is read would compute something dear more than once."""
    if not isinstance(value.primitive, Map):
        return not isinstance(value.primitive, (Literal, Size, Iota, *MOVES))
    readers = consumers.get(id(value), [])
    moved = any(isinstance(reader.primitive, (Slice, Pad, Concat)) for reader in readers)
    dear = cost.transcendental if moved else FUNCTIONS[value.primitive.function].transcendental
    return len(readers) > 1 and dear


def _repeated(order: Sequence[Value]) -> set[int]:
    """Values of which a view, or a move of them that a view reads, says some element more than once."""
    repeated: set[int] = set()
    for value in reversed(order):
        if isinstance(value.primitive, MOVES):
            repeats = isinstance(value.primitive, View) and value.primitive.repeats
            if repeats or id(value) in repeated:
                repeated.update(id(source) for source in value.inputs)
    return {id(value) for value in order if id(value) in repeated and isinstance(value.primitive, Map)}
