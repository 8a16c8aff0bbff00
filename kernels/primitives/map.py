"""Map: one scalar function applied element by element to arrays of one shape.

The table ``FUNCTIONS`` is the whole vocabulary, filled by the files of the folder ``functions``.  ``code`` is a Python
expression over ``a``, ``b`` and ``c``, parsed once and printed by ``ast``, so that parentheses come out right and no
text is pasted.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from ..dtypes import FLOATS
from ..extent import Shape
from .base import Primitive, Value
from .literal import literal
from .view import spread

Gradient = Callable[[Value, Value, Sequence[Value]], Sequence[Value | None]]


@dataclass(frozen=True)
class Function:
    """A scalar function: its code, its NumPy meaning, its gradient, and whether it costs more than arithmetic.

    ``whole`` is the code for whole numbers where it is another.
    """

    code: str
    meaning: Callable[..., np.ndarray]
    gradient: Gradient
    transcendental: bool = False
    whole: str | None = None


FUNCTIONS: dict[str, Function] = {}


@dataclass(frozen=True)
class Map(Primitive):
    """``function`` of ``FUNCTIONS``, element by element; ``dtype`` is the result's where it is not the operands'."""

    function: str
    dtype: str | None = None

    def evaluate(self, batch: int, *arrays: np.ndarray) -> np.ndarray:
        """The function of the arrays."""
        with np.errstate(all="ignore"):
            result = np.asarray(FUNCTIONS[self.function].meaning(*arrays))
        # Without a condition, which may be of any dtype; a literal keeps its own where the oracle computes in float64.
        return result.astype(self.dtype or np.result_type(*(array.dtype for array in arrays[-2:])))

    def gradient(self, value: Value, head: Value) -> Sequence[Value | None]:
        """The chain rule, from the table."""
        return FUNCTIONS[self.function].gradient(value, head, value.inputs)


def apply(function: str, *operands: Value, name: str = "") -> Value:
    """``function`` of the operands; those with no axes are spread over the shape of the others.

    Operands have one dtype, the condition of ``where`` excepted.
    """
    shape: Shape = max((operand.shape for operand in operands), key=len)
    inputs = tuple(spread(operand, shape, ()) if operand.shape != shape else operand for operand in operands)
    return Value(Map(function), inputs, shape, operands[-1].dtype, name)


def cast(value: Value, dtype: str, name: str = "") -> Value:
    """``value`` in another dtype, as MXNet casts: floats that become whole numbers lose their fractions."""
    if value.dtype == dtype:
        return value
    source = value.inputs[0] if isinstance(value.primitive, Map) and value.primitive.function == "cast" else value
    if source.dtype == dtype and np.can_cast(dtype, value.dtype):  # there and back again, through a wider dtype
        return source
    return Value(Map("cast", dtype), (value,), value.shape, dtype, name or value.name)


def constant(number: float, like: Value) -> Value:
    """A literal of the same dtype, to be spread by ``apply``."""
    return literal(number, like.dtype)


def choose(condition: Value, yes: Value | float, no: Value | float) -> Value:
    """``yes`` where the condition is not zero, else ``no``; one of the two may be a number."""
    like = yes if isinstance(yes, Value) else no
    assert isinstance(like, Value)
    first, second = (one if isinstance(one, Value) else constant(one, like) for one in (yes, no))
    return apply("where", condition, first, second)


def times(*factors: Value | float) -> Value:
    """The product, from left to right; the first factor is a value."""
    product = factors[0]
    assert isinstance(product, Value)
    for factor in factors[1:]:
        product = apply("multiply", product, factor if isinstance(factor, Value) else constant(factor, product))
    return product


def head_over(head: Value, value: Value) -> list[Value]:
    """The gradient of a function of one operand whose slope is 1 / ``value``."""
    return [apply("divide", head, value)]


def no_gradient(_value: Value, _head: Value, inputs: Sequence[Value]) -> Sequence[None]:
    """The gradient of what is constant wherever it has one."""
    return [None] * len(inputs)


def code(function: str, dtype: str) -> str:
    """What is printed for ``function`` of operands of this dtype."""
    row = FUNCTIONS[function]
    return row.code if dtype in FLOATS else row.whole or row.code
