"""Functions that choose: comparisons, conditions, rectifiers, bounds."""

from collections.abc import Callable, Sequence

import numpy as np

from ..base import Value
from ..map import FUNCTIONS, Function, Gradient, apply, choose, constant, no_gradient, times


def _chosen(first: str, second: str) -> Gradient:
    """Of two operands the one that was taken gets the head, as in MXNet the first where they are equal and neither
    where one is NaN: the head times a truth, so that an infinite head is NaN to the other."""

    def gradient(_: Value, head: Value, x: Sequence[Value]) -> Sequence[Value]:
        return [times(head, apply(first, *x)), times(head, apply(second, *x))]

    return gradient


def _truth(test: str, meaning: Callable[..., np.ndarray]) -> Function:
    return Function(f"1 if {test} else 0", meaning, no_gradient)


def _exponential_linear(y: Value, head: Value, x: Sequence[Value]) -> Sequence[Value | None]:
    """The slope below zero is that of ``b·expm1(a)``, found from the result."""
    above = apply("greater", x[0], constant(0.0, y))
    return [times(head, choose(above, 1.0, apply("add", x[1], y))), None]


FUNCTIONS.update(
    {
        "where": Function(
            "b if a != 0 else c",
            lambda c, a, b: np.where(c != 0, a, b),
            lambda y, g, x: [None, choose(x[0], g, 0.0), choose(x[0], 0.0, g)],
        ),
        "relu": Function(
            "0 if a <= 0 else a",
            lambda a: np.where(a <= 0, 0, a),
            lambda y, g, x: [times(g, apply("step", y))],
        ),
        "step": Function(
            "1 if a > 0 else 0 if a <= 0 else a",
            lambda a: np.where(a > 0, 1, np.where(a <= 0, 0, a)),
            no_gradient,
        ),
        "maximum": Function(
            "a if a > b or a != a else b",
            lambda a, b: np.where((a > b) | np.isnan(a), a, b),
            _chosen("greater_equal", "lesser"),
        ),
        "minimum": Function(
            "a if a < b or a != a else b",
            lambda a, b: np.where((a < b) | np.isnan(a), a, b),
            _chosen("lesser_equal", "greater"),
        ),
        "absolute": Function("abs(a)", np.abs, lambda y, g, x: [times(g, apply("sign", x[0]))]),
        "sign": Function(
            "1 if a > 0 else -1 if a < 0 else 0", lambda a: (a > 0).astype(a.dtype) - (a < 0), no_gradient
        ),
        # between the bounds b and c; NaN is neither below nor above
        "clip": Function(
            "c if a > c else b if a < b else a",
            lambda a, b, c: np.where(a > c, c, np.where(a < b, b, a)),
            lambda y, g, x: [choose(apply("outside", *x), 0.0, g), None, None],
        ),
        "outside": _truth("a < b or a > c", lambda a, b, c: (a < b) | (a > c)),
        # b·expm1(a) below zero
        "exponential_linear": Function(
            "a if a > 0 else b * expm1(a)",
            lambda a, b: np.where(a > 0, a, b * np.expm1(np.minimum(a, 0))),
            _exponential_linear,
            transcendental=True,
        ),
        # a parabola up to |a| = b, straight beyond
        "smooth_absolute": Function(
            "abs(a) - 0.5 * b if abs(a) > b else 0.5 * a * a / b",
            lambda a, b: np.where(np.abs(a) > b, np.abs(a) - 0.5 * b, 0.5 * a * a / b),
            lambda y, g, x: [
                times(g, apply("clip", apply("divide", x[0], x[1]), constant(-1.0, y), constant(1.0, y))),
                None,
            ],
        ),
        "greater": _truth("a > b", np.greater),
        "greater_equal": _truth("a >= b", np.greater_equal),
        "lesser": _truth("a < b", np.less),
        "lesser_equal": _truth("a <= b", np.less_equal),
        "equal": _truth("a == b", np.equal),
        "not_equal": _truth("a != b", np.not_equal),
        "logical_and": _truth("a != 0 and b != 0", np.logical_and),
        "logical_or": _truth("a != 0 or b != 0", np.logical_or),
        "logical_exclusive_or": _truth("(a != 0) != (b != 0)", np.logical_xor),
        "logical_not": _truth("a == 0", np.logical_not),
    }
)
