"""Reduce: combine all elements along some axes, which the result no longer has."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from ..extent import ONE
from .base import Primitive, Value
from .literal import size
from .map import apply
from .view import spread, without_unit_axes


@dataclass(frozen=True)
class Combination:
    """How two elements become one: the code of one step, its neutral element, the NumPy meaning of the whole."""

    step: str
    neutral: float
    meaning: Callable[..., np.ndarray]


COMBINATIONS = {
    "sum": Combination("total + a", 0.0, np.sum),
    "product": Combination("total * a", 1.0, np.prod),
    "largest": Combination("a if a > total or a != a else total", float("-inf"), np.max),
    "smallest": Combination("a if a < total or a != a else total", float("inf"), np.min),
}


@dataclass(frozen=True)
class Reduce(Primitive):
    """``combination`` of ``COMBINATIONS`` over ``axes`` (sorted, at least one)."""

    combination: str
    axes: tuple[int, ...]

    def evaluate(self, batch: int, *arrays: np.ndarray) -> np.ndarray:
        """The reduction, in the dtype of the array."""
        with np.errstate(all="ignore"):
            return np.asarray(COMBINATIONS[self.combination].meaning(arrays[0], axis=self.axes), arrays[0].dtype)

    def gradient(self, value: Value, head: Value) -> list[Value]:
        """Every element gets the head times what it contributed; equal largest elements all get it, as in MXNet."""
        source = value.inputs[0]
        kept = [axis for axis in range(len(source.shape)) if axis not in self.axes]
        head, whole = spread(head, source.shape, kept), spread(value, source.shape, kept)
        if self.combination == "sum":
            return [head]
        if self.combination == "product":
            return [apply("multiply", head, apply("divide", whole, source))]
        return [apply("multiply", head, apply("equal", source, whole))]


def reduce(combination: str, value: Value, axes: Sequence[int], name: str = "") -> Value:
    """``value`` combined over ``axes``.

    Axes of length 1 of a sum are only dropped.  Other gradients divide by the element or compare with it, as MXNet's
    do, and see a NaN there too.
    """
    unit = [axis for axis in axes if value.shape[axis] == ONE and combination == "sum"]
    long = [axis for axis in axes if axis not in unit]
    if long:
        shape = tuple(extent for axis, extent in enumerate(value.shape) if axis not in long)
        value = Value(Reduce(combination, tuple(sorted(long))), (value,), shape, value.dtype, name)
        unit = [axis - sum(other < axis for other in long) for axis in unit]
    return without_unit_axes(value, unit)


def mean(value: Value, axes: Sequence[int], name: str = "") -> Value:
    """Σ over ``axes`` divided by the number of elements summed."""
    total = reduce("sum", value, axes, "total")
    return apply("divide", total, size(tuple(value.shape[axis] for axis in axes), value.dtype), name=name)
