"""What a layer does besides computing: it draws random numbers, and training moves its running statistics."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from .extent import Shape
from .names import fresh
from .primitives.base import Leaf, Value, leaf, topological


@dataclass(frozen=True)
class Draw:
    """Random numbers that MXNet draws anew for each call: ``value``, a leaf, is ``operator`` with ``attributes``."""

    value: Value
    operator: str
    attributes: tuple[tuple[str, float], ...]


@dataclass(frozen=True)
class Move:
    """A statistic that the backward pass of an operator moves in place: the leaf ``old`` becomes ``new``.

    ``needs`` are the leaves of which one must have asked for a gradient: without it MXNet never goes back through the
    operator.
    """

    old: Value
    new: Value
    needs: frozenset[str]


@dataclass
class Effects:
    """What the rules of one graph ask for.

    ``taken``: names that mean something else in that graph.  ``inputs``: the leaves that each call brings.
    """

    taken: set[str] = field(default_factory=set)
    inputs: frozenset[str] = frozenset()
    draws: list[Draw] = field(default_factory=list)
    _moves: list[tuple[Value, Callable[[Value], Value], frozenset[str]]] = field(default_factory=list)

    def draw(self, operator: str, attributes: dict[str, float], shape: Shape, dtype: str) -> Value:
        """Numbers of this shape that ``operator`` draws, without a gradient."""
        name = fresh("drawn", self.taken)
        self.taken.add(name)
        value = leaf(name, shape, dtype)
        self.draws.append(Draw(value, operator, tuple(attributes.items())))
        return value

    def move(self, old: Value, step: Callable[[Value], Value], sources: list[Value]) -> None:
        """Let backward through an operator of ``sources`` replace ``old``, a leaf, by ``step`` of it."""
        needs = frozenset(value.primitive.name for value in topological(sources) if isinstance(value.primitive, Leaf))
        self._moves.append((old, step, needs))

    def moves(self) -> Iterator[Move]:
        """One move a statistic.  Of several calls the last comes first, because backward goes through it first."""
        joined: dict[int, Move] = {}
        for old, step, needs in reversed(self._moves):
            known = joined.get(id(old), Move(old, old, frozenset()))
            joined[id(old)] = Move(old, step(known.new), known.needs | needs)
        yield from joined.values()
