"""Circular and hyperbolic functions and their inverses."""

import numpy as np

from ..base import Value
from ..map import FUNCTIONS, Function, apply, constant, head_over, times


def _square_plus(value: Value, number: float) -> Value:
    return apply("add", times(value, value), constant(number, value))


def _one_minus_square(value: Value) -> Value:
    return apply("subtract", constant(1.0, value), times(value, value))


def _over_root(head: Value, value: Value) -> list[Value]:
    return [apply("divide", head, apply("square_root", value))]


FUNCTIONS.update(
    {
        "sine": Function("sin(a)", np.sin, lambda y, g, x: [times(g, apply("cosine", x[0]))], transcendental=True),
        "cosine": Function(
            "cos(a)", np.cos, lambda y, g, x: [apply("negative", times(g, apply("sine", x[0])))], transcendental=True
        ),
        "tangent": Function("tan(a)", np.tan, lambda y, g, x: [times(g, _square_plus(y, 1.0))], transcendental=True),
        "arc_sine": Function(
            "asin(a)", np.arcsin, lambda y, g, x: _over_root(g, _one_minus_square(x[0])), transcendental=True
        ),
        "arc_cosine": Function(
            "acos(a)",
            np.arccos,
            lambda y, g, x: _over_root(apply("negative", g), _one_minus_square(x[0])),
            transcendental=True,
        ),
        "arc_tangent": Function(
            "atan(a)", np.arctan, lambda y, g, x: head_over(g, _square_plus(x[0], 1.0)), transcendental=True
        ),
        "hyperbolic_sine": Function(
            "sinh(a)", np.sinh, lambda y, g, x: [times(g, apply("hyperbolic_cosine", x[0]))], transcendental=True
        ),
        "hyperbolic_cosine": Function(
            "cosh(a)", np.cosh, lambda y, g, x: [times(g, apply("hyperbolic_sine", x[0]))], transcendental=True
        ),
        "hyperbolic_tangent": Function(
            "tanh(a)", np.tanh, lambda y, g, x: [times(g, _one_minus_square(y))], transcendental=True
        ),
        "inverse_hyperbolic_sine": Function(
            "asinh(a)", np.arcsinh, lambda y, g, x: _over_root(g, _square_plus(x[0], 1.0)), transcendental=True
        ),
        "inverse_hyperbolic_cosine": Function(
            "acosh(a)", np.arccosh, lambda y, g, x: _over_root(g, _square_plus(x[0], -1.0)), transcendental=True
        ),
        "inverse_hyperbolic_tangent": Function(
            "atanh(a)", np.arctanh, lambda y, g, x: head_over(g, _one_minus_square(x[0])), transcendental=True
        ),
    }
)
