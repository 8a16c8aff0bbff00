"""Numbers among an operator's attributes, as values."""

from typing import Any

import numpy as np

from ..extent import ONE, Extent, Scaled, Shape
from ..primitives.base import Value
from ..primitives.literal import literal, size
from ..primitives.map import apply


def single(number: Any) -> float:
    """A number that MXNet keeps in single precision, whatever the arrays are."""
    return float(np.float32(number))


def number_value(number: Any, dtype: str) -> Value:
    """A number from a graph, which may follow the batch size, as a value with no axes."""
    if isinstance(number, Extent):
        return _affine(number, dtype)
    if isinstance(number, Scaled):
        return apply("multiply", literal(number.coefficient, dtype), SCALED[number.form](dtype))
    return literal(float(number), dtype)


def _affine(extent: Extent, dtype: str) -> Value:
    shape: Shape = (extent,) if extent != ONE else ()
    return size(shape, dtype)


def _n(dtype: str, offset: int = 0) -> Value:
    return size((Extent(1, offset),), dtype)


def _reciprocal(value: Value) -> Value:
    return apply("divide", literal(1.0, value.dtype), value)


# One entry per form of extent.FORMS.
SCALED = {
    "n": _n,
    "1/n": lambda dtype: _reciprocal(_n(dtype)),
    "√n": lambda dtype: apply("square_root", _n(dtype)),
    "1/√n": lambda dtype: _reciprocal(apply("square_root", _n(dtype))),
    "1/(n-1)": lambda dtype: _reciprocal(_n(dtype, -1)),
}
