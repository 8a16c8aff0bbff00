"""Casts, sums, products, quotients, powers and roots."""

from collections.abc import Sequence

import numpy as np

from ..base import Value
from ..map import FUNCTIONS, Function, apply, cast, constant, times


def _minus(value: Value) -> Value:
    return apply("negative", value)


def _quotient(y: Value, head: Value, x: Sequence[Value]) -> Sequence[Value]:
    return [apply("divide", head, x[1]), _minus(apply("divide", times(head, y), x[1]))]


def _power(y: Value, head: Value, x: Sequence[Value]) -> Sequence[Value]:
    lower = apply("power", x[0], apply("subtract", x[1], constant(1.0, y)))
    return [times(head, x[1], lower), times(head, y, apply("log", x[0]))]


def _remainder(_: Value, head: Value, x: Sequence[Value]) -> Sequence[Value]:
    return [head, _minus(times(head, apply("floor", apply("divide", x[0], x[1]))))]


def _hypotenuse(y: Value, head: Value, x: Sequence[Value]) -> Sequence[Value]:
    return [times(head, apply("divide", x[0], y)), times(head, apply("divide", x[1], y))]


FUNCTIONS.update(
    {
        # the same number in another dtype; its gradient comes back in the first one
        "cast": Function("a", lambda a: a, lambda y, g, x: [cast(g, x[0].dtype)]),
        "add": Function("a + b", np.add, lambda y, g, x: [g, g]),
        "subtract": Function("a - b", np.subtract, lambda y, g, x: [g, _minus(g)]),
        "multiply": Function("a * b", np.multiply, lambda y, g, x: [times(g, x[1]), times(g, x[0])]),
        "divide": Function(
            "a / b",
            np.divide,
            _quotient,
            whole="a // b if (a < 0) == (b < 0) else -(-a // b)",  # towards zero, as C divides
        ),
        "negative": Function("-a", np.negative, lambda y, g, x: [_minus(g)]),
        "reciprocal": Function("1 / a", np.reciprocal, lambda y, g, x: [_minus(times(g, y, y))]),
        "power": Function("a ** b", np.power, _power, transcendental=True),
        # the sign of the divisor, and 0 where MXNet divides by 0
        "remainder": Function(
            "0 if b == 0 else a % b", lambda a, b: np.where(b == 0, 0, np.mod(a, b)), _remainder, transcendental=True
        ),
        "hypotenuse": Function("hypot(a, b)", np.hypot, _hypotenuse, transcendental=True),
        "square_root": Function(
            "sqrt(a)", np.sqrt, lambda y, g, x: [apply("divide", times(g, 0.5), y)], transcendental=True
        ),
        "reciprocal_square_root": Function(
            "1 / sqrt(a)",
            lambda a: 1 / np.sqrt(a),
            lambda y, g, x: [apply("divide", times(g, -0.5, y), x[0])],
            transcendental=True,
        ),
        "cube_root": Function(
            "np.cbrt(a)", np.cbrt, lambda y, g, x: [apply("divide", g, times(y, y, 3.0))], transcendental=True
        ),
        "reciprocal_cube_root": Function(
            "1 / np.cbrt(a)",
            lambda a: 1 / np.cbrt(a),
            lambda y, g, x: [apply("divide", times(g, -1 / 3, y), x[0])],
            transcendental=True,
        ),
    }
)
