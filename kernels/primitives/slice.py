"""Slice and Pad: every so-many-th element along each axis, and the adjoint, which puts them back among fillers.

Element ``k`` of a slice is element ``begin + step·k`` of its input; element ``begin + step·k`` of a padded array is
element ``k`` of its input, and every other one is ``fill``.  Reads are redirected, nothing is moved.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from ..extent import ONE, ZERO, Extent, Shape
from .base import Primitive, Value, concrete


@dataclass(frozen=True)
class Slice(Primitive):
    """See the file's docstring; ``begin`` and ``step`` (negative: backwards) by axis, ``shape`` is the result's."""

    begin: tuple[Extent, ...]
    step: tuple[int, ...]
    shape: Shape
    recomputed: ClassVar[bool] = True

    def evaluate(self, batch: int, *arrays: np.ndarray) -> np.ndarray:
        """NumPy's indexing by the positions along every axis."""
        return np.asarray(arrays[0][_positions(self, concrete(self.shape, batch), batch)])

    def gradient(self, value: Value, head: Value) -> list[Value]:
        """The head at the places that were read, zero elsewhere."""
        rows = zip(self.begin, self.step, self.shape, strict=True)
        first = [begin if step > 0 else begin + (extent - 1) * step for begin, step, extent in rows]
        forwards = flip(head, [axis for axis, step in enumerate(self.step) if step < 0])
        return [pad(forwards, first, [abs(step) for step in self.step], value.inputs[0].shape)]


@dataclass(frozen=True)
class Pad(Primitive):
    """See the file's docstring; ``begin`` and ``step`` (at least 1) by axis, ``shape`` is the result's."""

    begin: tuple[Extent, ...]
    step: tuple[int, ...]
    shape: Shape
    fill: float

    def evaluate(self, batch: int, *arrays: np.ndarray) -> np.ndarray:
        """An array of the filler with the input written into it."""
        result = np.full(concrete(self.shape, batch), self.fill, arrays[0].dtype)
        result[_positions(self, arrays[0].shape, batch)] = arrays[0]
        return result

    def gradient(self, value: Value, head: Value) -> list[Value]:
        """The head where the input is."""
        return [part(head, self.begin, self.step, value.inputs[0].shape)]


def _positions(primitive: Slice | Pad, lengths: Sequence[int], batch: int) -> tuple[np.ndarray, ...]:
    rows = zip(primitive.begin, primitive.step, lengths, strict=True)
    return np.ix_(*(begin.at(batch) + step * np.arange(length) for begin, step, length in rows))


def part(value: Value, begin: Sequence[Extent], step: Sequence[int], shape: Shape, name: str = "part") -> Value:
    """Elements ``begin + step·k`` along each axis; a slice of a slice is one slice, and none where nothing changes."""
    if isinstance(value.primitive, Slice):
        inner = value.primitive
        begin = [first + start * stride for first, stride, start in zip(inner.begin, inner.step, begin, strict=True)]
        step = [stride * further for stride, further in zip(inner.step, step, strict=True)]
        value = value.inputs[0]
    step = [1 if extent == ONE else stride for stride, extent in zip(step, shape, strict=True)]
    if shape == value.shape and all(first == ZERO for first in begin) and all(stride == 1 for stride in step):
        return value
    return Value(Slice(tuple(begin), tuple(step), shape), (value,), shape, value.dtype, name)


def part_along(value: Value, axis: int, begin: Extent, length: Extent, step: int = 1, name: str = "part") -> Value:
    """``length`` elements along one axis from ``begin``, whole otherwise."""
    rank = range(len(value.shape))
    return part(
        value,
        [begin if other == axis else ZERO for other in rank],
        [step if other == axis else 1 for other in rank],
        tuple(length if other == axis else value.shape[other] for other in rank),
        name,
    )


def flip(value: Value, axes: Sequence[int]) -> Value:
    """The elements in reverse order along some axes."""
    for axis in axes:
        value = part_along(value, axis, value.shape[axis] - 1, value.shape[axis], -1, value.name)
    return value


def pad(
    value: Value, begin: Sequence[Extent], step: Sequence[int], shape: Shape, fill: float = 0.0, name: str = ""
) -> Value:
    """``value`` at the places ``begin + step·k`` of an array of ``fill``; itself where there are no others."""
    step = [1 if extent == ONE else stride for stride, extent in zip(step, value.shape, strict=True)]
    if shape == value.shape:
        return value
    return Value(Pad(tuple(begin), tuple(step), shape, fill), (value,), shape, value.dtype, name)
