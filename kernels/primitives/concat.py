"""Concat: arrays one after the other along one axis.  Where a result is read, the place says which array it is in."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ..extent import ZERO, Extent
from .base import Primitive, Value
from .slice import part_along


@dataclass(frozen=True)
class Concat(Primitive):
    """Any number of inputs, which differ along ``axis`` only."""

    axis: int

    def evaluate(self, batch: int, *arrays: np.ndarray) -> np.ndarray:
        """NumPy's concatenate."""
        return np.concatenate(arrays, self.axis)

    def gradient(self, value: Value, head: Value) -> list[Value]:
        """To each input the part of the head where it stands."""
        return [
            part_along(head, self.axis, begin, source.shape[self.axis], name="")
            for begin, source in zip(starts(value), value.inputs, strict=True)
        ]


def starts(value: Value) -> list[Extent]:
    """Where each input of a concatenation begins along its axis."""
    assert isinstance(value.primitive, Concat)
    begin, places = ZERO, []
    for source in value.inputs:
        places.append(begin)
        begin = begin + source.shape[value.primitive.axis]
    return places


def concat(values: Sequence[Value], axis: int, name: str = "joined") -> Value:
    """``values`` one after the other along ``axis``; one by itself is itself."""
    if len(values) == 1:
        return values[0]
    total = sum((value.shape[axis] for value in values[1:]), values[0].shape[axis])
    shape = tuple(total if other == axis else extent for other, extent in enumerate(values[0].shape))
    return Value(Concat(axis), tuple(values), shape, values[0].dtype, name)
