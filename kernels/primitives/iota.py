"""Iota: the positions along an axis, 0, 1, 2 … as a value with one axis."""

from dataclasses import dataclass

import numpy as np

from ..extent import Extent, Shape
from .base import Primitive, Value
from .view import spread


@dataclass(frozen=True)
class Iota(Primitive):
    """The whole numbers below ``length``, in ``dtype``."""

    length: Extent
    dtype: str

    def evaluate(self, batch: int, *arrays: np.ndarray) -> np.ndarray:
        """NumPy's arange."""
        return np.arange(self.length.at(batch)).astype(self.dtype)

    def gradient(self, value: Value, head: Value) -> tuple[()]:
        """A position does not depend on anything."""
        return ()


def iota(length: Extent, dtype: str) -> Value:
    """The positions along an axis of this length."""
    return Value(Iota(length, dtype), (), (length,), dtype, "position")


def positions(shape: Shape, axis: int, dtype: str) -> Value:
    """For every element of ``shape``, its position along ``axis``."""
    return spread(iota(shape[axis], dtype), shape, (axis,))
