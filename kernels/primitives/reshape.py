"""Reshape: the same elements in row-major order under another shape."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from ..extent import ONE, Shape
from .base import Primitive, Value, concrete
from .view import view


@dataclass(frozen=True)
class Reshape(Primitive):
    """``shape`` is the result's; it holds as many elements as the input."""

    shape: Shape
    recomputed: ClassVar[bool] = True

    def evaluate(self, batch: int, *arrays: np.ndarray) -> np.ndarray:
        """NumPy's reshape, in C order."""
        return np.ascontiguousarray(arrays[0]).reshape(concrete(self.shape, batch))

    def gradient(self, value: Value, head: Value) -> list[Value]:
        """The head under the input's shape."""
        return [reshape(head, value.inputs[0].shape)]


def reshape(value: Value, shape: Shape) -> Value:
    """``value`` under another shape; a view where only axes of length 1 come or go."""
    long = [axis for axis, extent in enumerate(value.shape) if extent != ONE]
    places = [axis for axis, extent in enumerate(shape) if extent != ONE]
    if [value.shape[axis] for axis in long] == [shape[axis] for axis in places]:
        where = dict(zip(long, places, strict=True))
        return view(value, [where.get(axis) for axis in range(len(value.shape))], shape)
    if isinstance(value.primitive, Reshape):
        return reshape(value.inputs[0], shape)
    return Value(Reshape(shape), (value,), shape, value.dtype, value.name)
