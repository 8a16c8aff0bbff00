"""Special functions: NumPy meanings from the standard library; the digamma and the inverse error function as graphs."""

import math
from collections.abc import Callable, Sequence

import numpy as np

from ..base import Value
from ..map import apply, choose, constant, times

# ψ(z) = log z − 1/2z − Σ B₂ₖ / (2k·z²ᵏ): from z = 8 on, these terms leave an error of 2·10⁻¹⁴.
SHIFT = 8
BERNOULLI = (1 / 12, -1 / 120, 1 / 252, -1 / 240, 1 / 132, -691 / 32760)

# Giles 2010, "Approximating the erfinv function", single precision: erf⁻¹(x)/x as a polynomial in w − 2.5 where
# w = −log(1 − x²) < 5, in √w − 3 beyond.
GILES_NEAR = (
    2.81022636e-08, 3.43273939e-07, -3.5233877e-06, -4.39150654e-06, 0.00021858087, -0.00125372503, -0.00417768164,
    0.246640727, 1.50140941,
)  # fmt: skip
GILES_FAR = (
    -0.000200214257, 0.000100950558, 0.00134934322, -0.00367342844, 0.00573950773, -0.0076224613, 0.00943887047,
    1.00167406, 2.83297682,
)  # fmt: skip


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


def inverse_error(x: Value) -> Value:
    """erf⁻¹(x): a polynomial, in double precision improved by a step of Halley's; infinite at ±1, NaN beyond."""
    one = constant(1.0, x)
    w = apply("negative", apply("log", times(apply("subtract", one, x), apply("add", one, x))))
    near = _polynomial(GILES_NEAR, apply("subtract", w, constant(2.5, x)))
    far = _polynomial(GILES_FAR, apply("subtract", apply("square_root", w), constant(3.0, x)))
    y = times(choose(apply("lesser", w, constant(5.0, x)), near, far), x)
    if x.dtype == "float64":
        y = _improved(y, x)
    return choose(apply("equal", apply("absolute", x), one), times(x, math.inf), y)


def _improved(y: Value, x: Value) -> Value:
    """y − u / (1 + y·u) where u = (erf(y) − x) / erf'(y): the third power of the error is left."""
    slope = times(apply("exponential", apply("negative", times(y, y))), 2 / math.sqrt(math.pi))
    u = apply("divide", apply("subtract", apply("error_function", y), x), slope)
    return apply("subtract", y, apply("divide", u, apply("add", constant(1.0, x), times(y, u))))


def _polynomial(coefficients: Sequence[float], x: Value) -> Value:
    value = constant(coefficients[0], x)
    for coefficient in coefficients[1:]:
        value = apply("add", times(value, x), constant(coefficient, x))
    return value
