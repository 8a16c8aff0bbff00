"""Gather and ScatterAdd: elements of a table at computed places, and the adjoint, which adds them up there.

    y[l.., i.., r..] = table[l.., p_0[i..], p_1[i..], .., r..]        l: axes before ``axis``, r: axes after the last p

The places are truncated to whole numbers and then, as MXNet's ``mode`` says, clipped into the table or taken
modulo its length.  They have no gradient.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..extent import Shape
from .base import Primitive, Value, concrete


@dataclass(frozen=True)
class Gather(Primitive):
    """(table, places along ``axis``, along the next axis, …) → elements; ``mode`` is ``clip`` or ``wrap``."""

    axis: int
    mode: str

    def evaluate(self, batch: int, *arrays: np.ndarray) -> np.ndarray:
        """NumPy's indexing by arrays."""
        table, *places = arrays
        return np.asarray(table[_at(self, table.shape, places)])

    def gradient(self, value: Value, head: Value) -> list[Value | None]:
        """The head, added up where it was taken from."""
        table, *places = value.inputs
        adjoint = ScatterAdd(self.axis, self.mode, table.shape)
        return [Value(adjoint, (head, *places), table.shape, table.dtype), *[None] * len(places)]


@dataclass(frozen=True)
class ScatterAdd(Primitive):
    """(elements, places …) → table of ``shape``: the adjoint of ``Gather``.  Elements of one place are added."""

    axis: int
    mode: str
    shape: Shape

    def evaluate(self, batch: int, *arrays: np.ndarray) -> np.ndarray:
        """NumPy's unbuffered addition."""
        head, *places = arrays
        table = np.zeros(concrete(self.shape, batch), head.dtype)
        np.add.at(table, _at(self, table.shape, places), head)
        return table

    def gradient(self, value: Value, head: Value) -> list[Value | None]:
        """The elements of the head's own places."""
        _, *places = value.inputs
        return [gather(head, places, self.axis, self.mode), *[None] * len(places)]


def _at(primitive: Gather | ScatterAdd, extents: Sequence[int], places: Sequence[np.ndarray]) -> Any:
    bounds = extents[primitive.axis : primitive.axis + len(places)]
    whole = [np.trunc(place) for place in places]
    if primitive.mode == "clip":
        whole = [np.clip(number, 0, bound - 1) for number, bound in zip(whole, bounds, strict=True)]
    else:
        whole = [number % bound for number, bound in zip(whole, bounds, strict=True)]
    return (*[slice(None)] * primitive.axis, *(number.astype(np.int64) for number in whole))


def gather(table: Value, places: Sequence[Value], axis: int, mode: str, name: str = "taken") -> Value:
    """The elements of ``table`` at ``places``, arrays of one shape, one for each axis from ``axis`` on."""
    shape = (*table.shape[:axis], *places[0].shape, *table.shape[axis + len(places) :])
    return Value(Gather(axis, mode), (table, *places), shape, table.dtype, name)
