"""Map: one scalar function applied element by element to arrays of one shape.

The table ``FUNCTIONS`` is the whole vocabulary.  ``code`` is a Python expression over ``a``, ``b`` and ``c``,
parsed once and printed by ``ast``, so that parentheses come out right and no text is pasted.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from ..extent import Shape
from .base import Primitive, Value
from .literal import literal
from .view import spread

Gradient = Callable[[Value, Value, Sequence[Value]], Sequence[Value | None]]


@dataclass(frozen=True)
class Function:
    """A scalar function: its code, its NumPy meaning, its gradient, and whether it costs more than arithmetic."""

    code: str
    meaning: Callable[..., np.ndarray]
    gradient: Gradient
    transcendental: bool = False


@dataclass(frozen=True)
class Map(Primitive):
    """``function`` of ``FUNCTIONS``, element by element."""

    function: str

    def evaluate(self, batch: int, *arrays: np.ndarray) -> np.ndarray:
        """The function of the arrays."""
        with np.errstate(all="ignore"):
            return np.asarray(FUNCTIONS[self.function].meaning(*arrays)).astype(arrays[0].dtype)

    def gradient(self, value: Value, head: Value) -> Sequence[Value | None]:
        """The chain rule, from the table."""
        return FUNCTIONS[self.function].gradient(value, head, value.inputs)


def apply(function: str, *operands: Value, name: str = "") -> Value:
    """``function`` of the operands; those with no axes are spread over the shape of the others."""
    shape: Shape = max((operand.shape for operand in operands), key=len)
    inputs = tuple(spread(operand, shape, ()) if operand.shape != shape else operand for operand in operands)
    return Value(Map(function), inputs, shape, operands[0].dtype, name)


def constant(number: float, like: Value) -> Value:
    """A literal of the same dtype, to be spread by ``apply``."""
    return literal(number, like.dtype)


def _where(condition: Value, yes: Value, no: Value | float) -> Value:
    return apply("where", condition, yes, no if isinstance(no, Value) else constant(no, yes))


def _nothing(_value: Value, _head: Value, inputs: Sequence[Value]) -> Sequence[None]:
    return [None] * len(inputs)


def _times(*factors: Value) -> Value:
    product = factors[0]
    for factor in factors[1:]:
        product = apply("multiply", product, factor)
    return product


def _chosen(comparison: str) -> Gradient:
    """Of two operands the one that was taken gets the head, as in MXNet the first where they are equal."""

    def gradient(_: Value, head: Value, x: Sequence[Value]) -> Sequence[Value]:
        first = apply(comparison, x[0], x[1])
        return [_where(first, head, 0.0), _where(first, constant(0.0, head), head)]

    return gradient


def _power(y: Value, head: Value, x: Sequence[Value]) -> Sequence[Value]:
    lower = apply("power", x[0], apply("subtract", x[1], constant(1.0, y)))
    return [_times(head, x[1], lower), _times(head, y, apply("log", x[0]))]


def _comparison(symbol: str, meaning: Callable[..., np.ndarray]) -> Function:
    return Function(f"1 if a {symbol} b else 0", meaning, _nothing)


def _squared_difference_from_one(y: Value) -> Value:
    return apply("subtract", constant(1.0, y), apply("multiply", y, y))


FUNCTIONS: dict[str, Function] = {
    # arithmetic
    "add": Function("a + b", np.add, lambda y, g, x: [g, g]),
    "subtract": Function("a - b", np.subtract, lambda y, g, x: [g, apply("negative", g)]),
    "multiply": Function("a * b", np.multiply, lambda y, g, x: [_times(g, x[1]), _times(g, x[0])]),
    "divide": Function(
        "a / b",
        np.divide,
        lambda y, g, x: [apply("divide", g, x[1]), apply("negative", apply("divide", _times(g, y), x[1]))],
    ),
    "negative": Function("-a", np.negative, lambda y, g, x: [apply("negative", g)]),
    "power": Function("a ** b", np.power, _power, transcendental=True),
    # choice; not-greater lets NaN through, as MXNet's operators do
    "where": Function(
        "b if a != 0 else c",
        lambda c, a, b: np.where(c != 0, a, b),
        lambda y, g, x: [None, _where(x[0], g, 0.0), _where(x[0], constant(0.0, g), g)],
    ),
    "relu": Function(
        "0 if a <= 0 else a",
        lambda a: np.where(a <= 0, 0, a),
        lambda y, g, x: [_where(apply("greater", y, constant(0.0, y)), g, 0.0)],
    ),
    "maximum": Function("b if a < b else a", lambda a, b: np.where(a < b, b, a), _chosen("greater_equal")),
    "minimum": Function("b if a > b else a", lambda a, b: np.where(a > b, b, a), _chosen("lesser_equal")),
    "absolute": Function("abs(a)", np.abs, lambda y, g, x: [_times(g, apply("sign", x[0]))]),
    "sign": Function("1 if a > 0 else -1 if a < 0 else a", np.sign, _nothing),
    "greater": _comparison(">", np.greater),
    "greater_equal": _comparison(">=", np.greater_equal),
    "lesser": _comparison("<", np.less),
    "lesser_equal": _comparison("<=", np.less_equal),
    "equal": _comparison("==", np.equal),
    "not_equal": _comparison("!=", np.not_equal),
    # transcendental
    "square_root": Function(
        "sqrt(a)", np.sqrt, lambda y, g, x: [apply("divide", _times(g, constant(0.5, y)), y)], transcendental=True
    ),
    "exponential": Function("exp(a)", np.exp, lambda y, g, x: [_times(g, y)], transcendental=True),
    "log": Function("log(a)", np.log, lambda y, g, x: [apply("divide", g, x[0])], transcendental=True),
    "sine": Function("sin(a)", np.sin, lambda y, g, x: [_times(g, apply("cosine", x[0]))], transcendental=True),
    "cosine": Function(
        "cos(a)", np.cos, lambda y, g, x: [apply("negative", _times(g, apply("sine", x[0])))], transcendental=True
    ),
    "hyperbolic_tangent": Function(
        "tanh(a)",
        np.tanh,
        lambda y, g, x: [_times(g, _squared_difference_from_one(y))],
        transcendental=True,
    ),
    "sigmoid": Function(
        "1 / (1 + exp(-a))",
        lambda a: 1 / (1 + np.exp(-a)),
        lambda y, g, x: [_times(g, y, apply("subtract", constant(1.0, y), y))],
        transcendental=True,
    ),
}
