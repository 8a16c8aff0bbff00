"""Print a fused loop: one nest that computes several values element by element, sums along the way included."""

import ast
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ..dtypes import FLOATS
from ..extent import ONE
from ..fuse import Loop, Schedule, is_identity
from ..indices import identity
from ..primitives.base import Value
from ..primitives.reduce import COMBINATIONS, Reduce
from .expressions import LOOP_NAMES, Expressions, fill, length, number_text, occurrences


@dataclass(frozen=True)
class _Sum:
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
    sums = {id(target): _sum(target) for target in stage.targets if isinstance(target.primitive, Reduce)}
    if _collapses(plan, stage):
        names = _arrays(plan, stage)
        flat = {name: f"{name}_flat" for name in names}
        views = [f"{flat[name]} = {name}.ravel()" for name in names]
        bound = " * ".join(length(extent) for extent in stage.domain if extent != ONE)
        return views, _Nest(plan, stage, sums, main, [bound], flat).lines()
    return [], _Nest(plan, stage, sums, main, [str(extent) for extent in stage.domain], {}).lines()


def _sum(target: Value) -> _Sum:
    depth = len(target.shape)
    prefix = tuple(range(depth))
    axes = target.primitive.axes  # type: ignore[attr-defined]
    kept = tuple(axis for axis in range(len(target.inputs[0].shape)) if axis not in axes)
    return _Sum(target, depth if kept == prefix else None)


def _collapses(plan: Schedule, stage: Loop) -> bool:
    """Whether every array is read and written in memory order, so that one loop over all elements will do."""
    if sum(extent != ONE for extent in stage.domain) < 2:
        return False
    if any(isinstance(target.primitive, Reduce) and target.shape for target in stage.targets):
        return False
    if any(plan.asks_where(target) for target in stage.targets):
        return False
    reads = [read for target in stage.targets for read in plan.reads(target)]
    return all(not value.shape or is_identity(value, indices, stage.domain) for value, indices in reads)


def _arrays(plan: Schedule, stage: Loop) -> list[str]:
    """The names of all arrays that a collapsed loop touches, each once."""
    values = [value for target in stage.targets for value, _ in plan.reads(target)]
    values += [target for target in stage.targets if not isinstance(target.primitive, Reduce)]
    return list(dict.fromkeys(plan.names[id(value)] for value in values if value.shape))


class _Nest:
    """Prints the nest: what opens before each loop, the innermost body, what closes after."""

    def __init__(
        self,
        plan: Schedule,
        stage: Loop,
        sums: dict[int, _Sum],
        main: str,
        bounds: Sequence[str],
        flat: dict[str, str],
    ) -> None:
        self._plan, self._stage, self._sums, self._main = plan, stage, sums, main
        self._bounds, self._flat = bounds, flat
        self._indices: list[ast.expr] = [
            ast.Constant(0) if bound == "1" else ast.Name(LOOP_NAMES[axis]) for axis, bound in enumerate(bounds)
        ]
        self._expressions = Expressions(plan, main, self._indices, flat)

    def lines(self) -> list[str]:
        return self._open_arrays() + self._level(0)

    def _level(self, depth: int) -> list[str]:
        here = [one for one in self._sums.values() if one.depth == depth]
        opening = [f"{self._accumulator(one)} = {self._neutral(one)}" for one in here]
        closing = [f"{self._store(one.target)} = {self._accumulator(one)}" for one in here if depth]
        if depth == len(self._bounds):
            return opening + self._body() + closing
        inner = self._level(depth + 1)
        if self._bounds[depth] == "1":
            return opening + inner + closing
        loop = f"for {LOOP_NAMES[depth]} in range({self._bounds[depth]}):"
        return [*opening, loop, *(f"    {line}" for line in inner), *closing]

    def _open_arrays(self) -> list[str]:
        arrays = [one for one in self._sums.values() if one.depth is None]
        return [f"{self._plan.names[id(one.target)]}[:] = {self._neutral(one)}" for one in arrays]

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
        place = self._accumulator(one) if one.depth is not None else self._store(target)
        dtype = target.dtype
        if one.code == "total + a" and dtype in FLOATS:
            return f"{place} = plus({place}, {text})"
        operands = {"total": ast.parse(place, mode="eval").body, "a": ast.parse(text, mode="eval").body}
        return f"{place} = {fill(one.code, operands, dtype, self._main)}"

    def _store(self, target: Value) -> str:
        if isinstance(target.primitive, Reduce):
            place = identity(target.inputs[0].shape)
            indices = tuple(place[axis] for axis in self._sums[id(target)].kept)
        else:
            indices = identity(target.shape)
        return ast.unparse(self._expressions.element(target, indices))

    def _accumulator(self, one: _Sum) -> str:
        name = self._plan.names[id(one.target)]
        return f"{name}_here" if one.depth else name

    def _neutral(self, one: _Sum) -> str:
        dtype, infinite = one.target.dtype, one.neutral in (float("inf"), float("-inf"))
        if infinite and dtype in FLOATS:
            return f"{dtype}({'-' if one.neutral < 0 else ''}inf)"
        bounds = None if dtype in FLOATS or not infinite else np.iinfo(dtype)
        neutral = one.neutral if bounds is None else bounds.min if one.neutral < 0 else bounds.max
        return number_text(neutral, dtype, self._main)
