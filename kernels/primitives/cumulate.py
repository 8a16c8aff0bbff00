"""Cumulate: along one axis, the sum of all elements up to each one, itself included."""

from dataclasses import dataclass

import numpy as np

from .base import Primitive, Value
from .slice import flip


@dataclass(frozen=True)
class Cumulate(Primitive):
    """y[.., i, ..] = Σ_{j ≤ i} x[.., j, ..] along ``axis``."""

    axis: int

    def evaluate(self, batch: int, *arrays: np.ndarray) -> np.ndarray:
        """NumPy's cumsum, in the dtype of the array."""
        return np.cumsum(arrays[0], axis=self.axis, dtype=arrays[0].dtype)

    def gradient(self, value: Value, head: Value) -> list[Value]:
        """Each element is in all sums from its own on: the sums of the head from the end."""
        return [flip(cumulate(flip(head, [self.axis]), self.axis), [self.axis])]


def cumulate(value: Value, axis: int, name: str = "") -> Value:
    """The sums along ``axis``."""
    return Value(Cumulate(axis), (value,), value.shape, value.dtype, name or "sums")
