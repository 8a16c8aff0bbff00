"""Exponentials, logarithms, the sigmoid family, the error function and the gamma function."""

import math
from collections.abc import Sequence

import numpy as np

from ..base import Value
from ..map import FUNCTIONS, Function, apply, constant, head_over, times
from .special import digamma, log_gamma
from .special import error as error_function
from .special import gamma as gamma_function


def _soft_sign(_: Value, head: Value, x: Sequence[Value]) -> Sequence[Value]:
    beyond = apply("add", apply("absolute", x[0]), constant(1.0, head))
    return head_over(head, times(beyond, beyond))


# 2/√π as MXNet has it: π and its root in single precision
ERROR_SLOPE = 2 / float(np.sqrt(np.float32(math.pi)))


def _error(_: Value, head: Value, x: Sequence[Value]) -> Sequence[Value]:
    return [times(head, ERROR_SLOPE, apply("exponential", apply("negative", times(x[0], x[0]))))]


FUNCTIONS.update(
    {
        "exponential": Function("exp(a)", np.exp, lambda y, g, x: [times(g, y)], transcendental=True),
        "exponential_less_one": Function(
            "expm1(a)", np.expm1, lambda y, g, x: [times(g, apply("exponential", x[0]))], transcendental=True
        ),
        "log": Function("log(a)", np.log, lambda y, g, x: head_over(g, x[0]), transcendental=True),
        "log_of_one_more": Function(
            "log1p(a)",
            np.log1p,
            lambda y, g, x: head_over(g, apply("add", x[0], constant(1.0, y))),
            transcendental=True,
        ),
        "binary_log": Function(
            "np.log2(a)", np.log2, lambda y, g, x: head_over(times(g, 1 / math.log(2)), x[0]), transcendental=True
        ),
        "decimal_log": Function(
            "log10(a)", np.log10, lambda y, g, x: head_over(times(g, 1 / math.log(10)), x[0]), transcendental=True
        ),
        # exp may overflow to infinity: the quotient is then 0
        "sigmoid": Function(
            "1 / (1 + exp(-a))",
            lambda a: 1 / (1 + np.exp(-a)),
            lambda y, g, x: [times(g, y, apply("subtract", constant(1.0, y), y))],
            transcendental=True,
        ),
        # beyond 20 it is the identity to rounding
        "soft_relu": Function(
            "a if a > 20 else log1p(exp(a))",
            lambda a: np.where(a > 20, a, np.log1p(np.exp(a))),
            lambda y, g, x: [apply("negative", times(g, apply("exponential_less_one", apply("negative", y))))],
            transcendental=True,
        ),
        "soft_sign": Function("a / (1 + abs(a))", lambda a: a / (1 + np.abs(a)), _soft_sign),
        "error_function": Function("erf(a)", error_function, _error, transcendental=True),
        "gamma_function": Function(
            "math.gamma(a)", gamma_function, lambda y, g, x: [times(g, y, digamma(x[0]))], transcendental=True
        ),
        "log_gamma": Function("lgamma(a)", log_gamma, lambda y, g, x: [times(g, digamma(x[0]))], transcendental=True),
    }
)
