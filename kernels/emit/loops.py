"""Print a fused loop: one nest that computes several values element by element, sums along the way included.

``shares.py`` prints those that several threads share.
"""

import ast
from collections.abc import Container, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType

import numpy as np

from ..dtypes import FLOATS
from ..extent import ONE, Shape
from ..fuse import Loop, Schedule, is_identity
from ..indices import Indices, identity
from ..primitives.base import Value
from ..primitives.reduce import COMBINATIONS, Reduce
from .expressions import LOOP_NAMES, Expressions, fill, length, number_text, occurrences
from .subscripts import place

NOTHING: Mapping[str, str] = MappingProxyType({})


@dataclass(frozen=True)
class Sum:
    """A reduction in the loop.  ``depth`` loops run around its accumulator, or None if it accumulates in its array."""

    target: Value
    depth: int | None

    @property
    def code(self) -> str:
        return COMBINATIONS[self.target.primitive.combination].step  # type: ignore[attr-defined]

    @property
    def neutral(self) -> float:
        return COMBINATIONS[self.target.primitive.combination].neutral  # type: ignore[attr-defined]

    @property
    def kept(self) -> tuple[int, ...]:
        rank = len(self.target.inputs[0].shape)
        return tuple(axis for axis in range(rank) if axis not in self.target.primitive.axes)  # type: ignore[attr-defined]


def print_loop(plan: Schedule, stage: Loop, main: str) -> tuple[list[str], list[str]]:
    """The flat views that one fused loop works on, if any, and the loop."""
    if collapses(plan, stage):
        flat, views = flattened(plan, stage)
        return views, Nest(plan, stage, main, [elements(stage.domain)], flat).lines()
    return [], Nest(plan, stage, main, [str(extent) for extent in stage.domain]).lines()


def sums_of(stage: Loop) -> dict[int, Sum]:
    """The reductions among the targets, by identity."""
    return {id(target): _sum_of(target) for target in stage.targets if isinstance(target.primitive, Reduce)}


def elements(domain: Shape) -> str:
    """The number of elements of a domain, as text."""
    return " * ".join(length(extent) for extent in domain if extent != ONE)


def _sum_of(target: Value) -> Sum:
    depth = len(target.shape)
    prefix = tuple(range(depth))
    axes = target.primitive.axes  # type: ignore[attr-defined]
    kept = tuple(axis for axis in range(len(target.inputs[0].shape)) if axis not in axes)
    return Sum(target, depth if kept == prefix else None)


def collapses(plan: Schedule, stage: Loop) -> bool:
    """Whether every array is read and written in memory order, so that one loop over all elements will do."""
    if sum(extent != ONE for extent in stage.domain) < 2:
        return False
    if any(isinstance(target.primitive, Reduce) and target.shape for target in stage.targets):
        return False
    if any(plan.asks_where(target) for target in stage.targets):
        return False
    reads = [read for target in stage.targets for read in plan.reads(target)]
    return all(not value.shape or is_identity(value, indices, stage.domain) for value, indices in reads)


def flattened(plan: Schedule, stage: Loop) -> tuple[dict[str, str], list[str]]:
    """The flat names of all arrays that a collapsed loop touches, by their own, and the lines that make them."""
    values = [value for target in stage.targets for value, _ in plan.reads(target)]
    values += [target for target in stage.targets if not isinstance(target.primitive, Reduce)]
    names = dict.fromkeys(plan.names[id(value)] for value in values if value.shape)
    flat = {name: f"{name}_flat" for name in names}
    return flat, [f"{flat[name]} = {name}.ravel()" for name in names]


class Nest:
    """Prints the nest: what opens before each loop, the innermost body, what closes after.

    ``bounds`` are what the loops' ``range`` is called with.  ``rows`` says which rows of the domain they cover, all or
    some; ``partial`` are the sums over rows, by identity, of which there is one for each ``part`` of them.  ``before``
    are lines for other rows, which come before the loops.
    """

    def __init__(
        self,
        plan: Schedule,
        stage: Loop,
        main: str,
        bounds: Sequence[str],
        flat: Mapping[str, str] = NOTHING,
        rows: str = ":",
        partial: Container[int] = (),
        before: Sequence[str] = (),
    ) -> None:
        self._plan, self._stage, self._sums, self._main = plan, stage, sums_of(stage), main
        self._bounds, self._flat, self._rows, self._partial, self._before = bounds, flat, rows, partial, before
        self._held = False  # whether sums over rows are held in scalars
        self._indices: list[ast.expr] = [
            ast.Constant(0) if bound == "1" else ast.Name(LOOP_NAMES[axis]) for axis, bound in enumerate(bounds)
        ]
        self._expressions = Expressions(plan, main, self._indices, flat)

    def lines(self) -> list[str]:
        """The whole nest."""
        return self._open_arrays() + self._level(0)

    def block(self, rows: str) -> list[str]:
        """The body for a few rows at every place of the other loops, sums over rows held in scalars meanwhile."""
        self._held = True
        sums = [one for one in self._sums.values() if one.depth is None and id(one.target) in self._partial]
        held = [(self._accumulator(one), self._store(one.target)) for one in sums]
        lines = [f"for {LOOP_NAMES[0]} in range({rows}):", *(f"    {line}" for line in self._body())]
        lines = [*(f"{name} = {sum_}" for name, sum_ in held), *lines, *(f"{sum_} = {name}" for name, sum_ in held)]
        for loop, bound in reversed(list(zip(LOOP_NAMES, self._bounds, strict=False))[1:]):
            if bound != "1":
                lines = [f"for {loop} in range({bound}):", *(f"    {line}" for line in lines)]
        return lines

    def _level(self, depth: int) -> list[str]:
        here = [one for one in self._sums.values() if one.depth == depth]
        opening = [f"{self._accumulator(one)} = {self._neutral(one)}" for one in here]
        kept = [one for one in here if depth or id(one.target) in self._partial]
        closing = [f"{self._store(one.target)} = {self._accumulator(one)}" for one in kept]
        if depth == len(self._bounds):
            return opening + self._body() + closing
        inner = self._level(depth + 1)
        if self._bounds[depth] == "1":
            return opening + inner + closing
        loop = f"for {LOOP_NAMES[depth]} in range({self._bounds[depth]}):"
        before = [] if depth else self._before
        return [*opening, *before, loop, *(f"    {line}" for line in inner), *closing]

    def _open_arrays(self) -> list[str]:
        return [f"{self._opened(one)} = {self._neutral(one)}" for one in self._sums.values() if one.depth is None]

    def _opened(self, one: Sum) -> str:
        name = self._plan.names[id(one.target)]
        if id(one.target) in self._partial:
            return f"{name}_parts[{', '.join(['part', *':' * len(one.kept)])}]"
        return f"{name}[{self._rows}]"

    def _body(self) -> list[str]:
        for target in self._stage.targets:
            one = self._sums.get(id(target))
            self._expressions.count(self._computed(target), target, occurrences(one.code)["a"] if one else 1)
        lines: list[str] = []
        for target in self._stage.targets:
            text = self._expressions.text(self._computed(target), target)
            lines += self._expressions.lines
            self._expressions.lines = []
            lines.append(self._assign(target, text))
        return lines

    @staticmethod
    def _computed(target: Value) -> Value:
        return target.inputs[0] if isinstance(target.primitive, Reduce) else target

    def _assign(self, target: Value, text: str) -> str:
        one = self._sums.get(id(target))
        if one is None:
            return f"{self._store(target)} = {text}"
        held = one.depth is not None or (self._held and id(target) in self._partial)
        return combined(one, self._accumulator(one) if held else self._store(target), text, self._main)

    def _store(self, target: Value) -> str:
        if isinstance(target.primitive, Reduce):
            everywhere = identity(target.inputs[0].shape)
            indices = tuple(everywhere[axis] for axis in self._sums[id(target)].kept)
            if id(target) in self._partial:
                return self._partial_sum(target, indices)
        else:
            indices = identity(target.shape)
        return ast.unparse(self._expressions.element(target, indices))

    def _partial_sum(self, target: Value, indices: Indices) -> str:
        loops = [ast.unparse(index) for index in self._indices]
        places = ", ".join(["part", *(place(index, loops) for index in indices)])
        return f"{self._plan.names[id(target)]}_parts[{places}]"

    def _accumulator(self, one: Sum) -> str:
        name = self._plan.names[id(one.target)]
        return f"{name}_here" if one.depth or id(one.target) in self._partial else name

    def _neutral(self, one: Sum) -> str:
        return neutral(one, self._main)


def combined(one: Sum, total: str, term: str, main: str) -> str:
    """The statement that adds a term to a sum, or what else the reduction does."""
    dtype = one.target.dtype
    if one.code == "total + a" and dtype in FLOATS:
        return f"{total} = plus({total}, {term})"
    operands = {"total": ast.parse(total, mode="eval").body, "a": ast.parse(term, mode="eval").body}
    return f"{total} = {fill(one.code, operands, dtype, main)}"


def neutral(one: Sum, main: str) -> str:
    """What a reduction begins with."""
    dtype, infinite = one.target.dtype, one.neutral in (float("inf"), float("-inf"))
    if infinite and dtype in FLOATS:
        return f"{dtype}({'-' if one.neutral < 0 else ''}inf)"
    bounds = None if dtype in FLOATS or not infinite else np.iinfo(dtype)
    number = one.neutral if bounds is None else bounds.min if one.neutral < 0 else bounds.max
    return number_text(number, dtype, main)
