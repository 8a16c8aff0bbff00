"""Literal and Size: scalars that are known before the layer runs, or as soon as its batch size is."""

from dataclasses import dataclass

import numpy as np

from ..extent import Shape, volume
from ..extent import literal as fixed
from .base import Primitive, Value


@dataclass(frozen=True)
class Literal(Primitive):
    """A number, as a value with no axes."""

    number: float
    dtype: str

    def evaluate(self, batch: int, *arrays: np.ndarray) -> np.ndarray:
        """The number."""
        return np.asarray(self.number, self.dtype)

    def gradient(self, value: Value, head: Value) -> tuple[()]:
        """A number does not depend on anything."""
        return ()


@dataclass(frozen=True)
class Size(Primitive):
    """The number of elements of an array of some shape, as a value with no axes."""

    shape: Shape
    dtype: str

    def evaluate(self, batch: int, *arrays: np.ndarray) -> np.ndarray:
        """The product of the extents."""
        return np.asarray(np.prod([extent.at(batch) for extent in self.shape], dtype=np.int64), self.dtype)

    def gradient(self, value: Value, head: Value) -> tuple[()]:
        """The batch size is not differentiated."""
        return ()


def literal(number: float, dtype: str) -> Value:
    """A number as a value with no axes."""
    return Value(Literal(float(number), dtype), (), (), dtype)


def size(shape: Shape, dtype: str) -> Value:
    """The number of elements of ``shape``; a plain number where it does not depend on the batch size."""
    if all(extent.literal for extent in shape):
        return literal(volume(shape).offset, dtype)
    merged = tuple(extent for extent in shape if not extent.literal)
    factor = volume(tuple(extent for extent in shape if extent.literal)).offset
    return Value(Size((*merged, fixed(factor)) if factor != 1 else merged, dtype), (), (), dtype)
