"""Special functions: NumPy meanings from the standard library, and the digamma function as a graph."""

import math
from collections.abc import Callable

import numpy as np

from ..base import Value
from ..map import apply, choose, constant, times

# ψ(z) = log z − 1/2z − Σ B₂ₖ / (2k·z²ᵏ): from z = 8 on, these terms leave an error of 2·10⁻¹⁴.
SHIFT = 8
BERNOULLI = (1 / 12, -1 / 120, 1 / 252, -1 / 240, 1 / 132, -691 / 32760)


def _each(function: Callable[[float], float]) -> Callable[[np.ndarray], np.ndarray]:
    """A function of one number for arrays; NaN where it has no value."""

    def value(number: float) -> float:
        try:
            return function(number)
        except OverflowError:
            return math.inf
        except ValueError:
            return math.nan

    vectorized = np.vectorize(value, otypes=[np.float64])
    return lambda a: np.asarray(vectorized(a.astype(np.float64)))


error, gamma, log_gamma = _each(math.erf), _each(math.gamma), _each(math.lgamma)


def digamma(x: Value) -> Value:
    """ψ(x), the slope of log Γ: its asymptotic series, eight steps up; reflected below zero."""
    one = constant(1.0, x)
    positive = apply("greater", x, constant(0.0, x))
    reflected = choose(positive, x, apply("subtract", one, x))
    above = _digamma_of_positive(reflected)
    turned = apply("divide", constant(math.pi, x), apply("tangent", times(x, math.pi)))
    return choose(positive, above, apply("subtract", above, turned))


def _digamma_of_positive(x: Value) -> Value:
    z = apply("add", x, constant(float(SHIFT), x))
    inverse = apply("reciprocal", z)
    square = times(inverse, inverse)
    series = constant(0.0, x)
    for coefficient in reversed(BERNOULLI):
        series = times(apply("add", constant(coefficient, x), series), square)
    value = apply("subtract", apply("subtract", apply("log", z), times(inverse, 0.5)), series)
    for step in range(SHIFT):
        value = apply("subtract", value, apply("reciprocal", apply("add", x, constant(float(step), x))))
    return value
