"""Which values get memory, under which names.

A value gets memory where it must: results, sums, matrix products, whatever would otherwise be computed again for every
element that repeats it.  All others are written into the expressions that use them.
"""

from collections.abc import Sequence

from .names import fresh, unique
from .primitives.base import Leaf, Value, topological
from .primitives.literal import Literal, Size
from .primitives.map import FUNCTIONS, Map
from .primitives.reduce import Reduce
from .primitives.reshape import Reshape
from .primitives.view import View
from .procedure import Named

Consumers = dict[int, list[Value]]


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
    exact = _exact(order)
    for value in order:
        needed = id(value) in aliases or id(value) in exact or _read_whole(value, consumers, aliases)
        if id(value) in names or not (needed or _needs_memory(value, consumers)):
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
    return isinstance(value.primitive, (Map, View, Reduce, Literal, Size, Leaf))


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
            while isinstance(source.primitive, View):
                source = source.inputs[0]
            exact.add(id(source))
    return exact


def _read_whole(value: Value, consumers: Consumers, aliases: set[int]) -> bool:
    """Whether something reads the value as an array and not element by element."""
    return any(not is_loop(reader) or id(reader) in aliases for reader in consumers.get(id(value), []))


def _needs_memory(value: Value, consumers: Consumers) -> bool:
    if not isinstance(value.primitive, Map):
        return not isinstance(value.primitive, (View, Literal, Size))
    readers = consumers.get(id(value), [])
    repeated = any(isinstance(reader.primitive, View) and reader.primitive.repeats for reader in readers)
    return repeated or (len(readers) > 1 and FUNCTIONS[value.primitive.function].transcendental)
