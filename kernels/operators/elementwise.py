"""Operators that work element by element: two arrays with broadcasting, an array and a number, one array."""

import math
from dataclasses import replace
from functools import reduce as folded

import numpy as np

from ..primitives.base import Value
from ..primitives.functions.exponentials import ERROR_SLOPE
from ..primitives.functions.special import inverse_error
from ..primitives.map import apply, cast, constant, times
from ..primitives.own_gradient import with_gradient
from ..primitives.view import broadcast, spread
from .numbers import number_value, single
from .table import OPERATORS, Rule, Site, operator

# function of the primitive graph: names of MXNet's operators on two arrays
BINARY = {
    "add": ("broadcast_add", "elemwise_add"),
    "subtract": ("broadcast_sub", "elemwise_sub"),
    "multiply": ("broadcast_mul", "elemwise_mul"),
    "divide": ("broadcast_div", "elemwise_div"),
    "power": ("broadcast_power", "_power"),
    "maximum": ("broadcast_maximum", "_maximum"),
    "minimum": ("broadcast_minimum", "_minimum"),
    "greater": ("broadcast_greater", "_greater"),
    "greater_equal": ("broadcast_greater_equal", "_greater_equal"),
    "lesser": ("broadcast_lesser", "_lesser"),
    "lesser_equal": ("broadcast_lesser_equal", "_lesser_equal"),
    "equal": ("broadcast_equal", "_equal"),
    "not_equal": ("broadcast_not_equal", "_not_equal"),
    "remainder": ("broadcast_mod", "_mod"),
    "hypotenuse": ("broadcast_hypot", "_hypot"),
    "logical_and": ("broadcast_logical_and", "_logical_and"),
    "logical_or": ("broadcast_logical_or", "_logical_or"),
    "logical_exclusive_or": ("broadcast_logical_xor", "_logical_xor"),
}

# MXNet's operators on an array and a number: function
SCALAR = {
    "_plus_scalar": "add",
    "_minus_scalar": "subtract",
    "_mul_scalar": "multiply",
    "_div_scalar": "divide",
    "_power_scalar": "power",
    "_maximum_scalar": "maximum",
    "_minimum_scalar": "minimum",
    "_greater_scalar": "greater",
    "_greater_equal_scalar": "greater_equal",
    "_lesser_scalar": "lesser",
    "_lesser_equal_scalar": "lesser_equal",
    "_equal_scalar": "equal",
    "_not_equal_scalar": "not_equal",
    "_mod_scalar": "remainder",
    "_hypot_scalar": "hypotenuse",
    "_logical_and_scalar": "logical_and",
    "_logical_or_scalar": "logical_or",
    "_logical_xor_scalar": "logical_exclusive_or",
}

# The same where the number is the first operand
REVERSED = {
    "_rminus_scalar": "subtract",
    "_rdiv_scalar": "divide",
    "_rpower_scalar": "power",
    "_rmod_scalar": "remainder",
}

# function of the primitive graph: MXNet's operator on one array
UNARY = {
    "relu": "relu",
    "negative": "negative",
    "absolute": "abs",
    "sign": "sign",
    "reciprocal": "reciprocal",
    "square_root": "sqrt",
    "reciprocal_square_root": "rsqrt",
    "cube_root": "cbrt",
    "reciprocal_cube_root": "rcbrt",
    "exponential": "exp",
    "exponential_less_one": "expm1",
    "log": "log",
    "log_of_one_more": "log1p",
    "binary_log": "log2",
    "decimal_log": "log10",
    "sine": "sin",
    "cosine": "cos",
    "tangent": "tan",
    "arc_sine": "arcsin",
    "arc_cosine": "arccos",
    "arc_tangent": "arctan",
    "hyperbolic_sine": "sinh",
    "hyperbolic_cosine": "cosh",
    "hyperbolic_tangent": "tanh",
    "inverse_hyperbolic_sine": "arcsinh",
    "inverse_hyperbolic_cosine": "arccosh",
    "inverse_hyperbolic_tangent": "arctanh",
    "sigmoid": "sigmoid",
    "soft_sign": "softsign",
    "error_function": "erf",
    "gamma_function": "gamma",
    "log_gamma": "gammaln",
    "floor": "floor",
    "ceiling": "ceil",
    "rounded": "round",
    "nearest": "rint",
    "logical_not": "logical_not",
}

# exponents that need no power
POWERS = {2.0: "multiply", -1.0: "reciprocal"}

# MXNet keeps π in single precision.
FACTORS = {"degrees": single(180 / single(math.pi)), "radians": single(single(math.pi) / 180)}


def _binary(function: str) -> Rule:
    def rule(site: Site, inputs: list[Value]) -> Value:
        operands = (broadcast(cast(value, site.dtype), site.shape) for value in inputs)
        return apply(function, *operands, name=site.name)

    return rule


def _with_number(function: str, first: bool) -> Rule:
    def rule(site: Site, inputs: list[Value]) -> Value:
        x = cast(inputs[0], site.dtype)  # MXNet makes int64 of bool
        number = number_value(site.get("scalar", 0.0), x.dtype)
        simpler = POWERS.get(site.get("scalar", 0.0)) if function == "power" and not first else None
        if simpler is not None:
            return apply(simpler, *([x, x] if simpler == "multiply" else [x]), name=site.name)
        return apply(function, *((number, x) if first else (x, number)), name=site.name)

    return rule


def _unary(function: str) -> Rule:
    return lambda site, inputs: apply(function, *inputs, name=site.name)


def _scaled(factor: float) -> Rule:
    return lambda site, inputs: apply("multiply", inputs[0], constant(factor, inputs[0]), name=site.name)


for _function, _names in BINARY.items():
    OPERATORS.update(dict.fromkeys(_names, _binary(_function)))
for _name, _function in SCALAR.items():
    OPERATORS[_name] = _with_number(_function, first=False)
for _name, _function in REVERSED.items():
    OPERATORS[_name] = _with_number(_function, first=True)
for _function, _name in UNARY.items():
    OPERATORS[_name] = _unary(_function)
for _name, _factor in FACTORS.items():
    OPERATORS[_name] = _scaled(_factor)
OPERATORS["trunc"] = OPERATORS["fix"] = _unary("truncated")


@operator("square")
def square(site: Site, inputs: list[Value]) -> Value:
    """x²."""
    return apply("multiply", inputs[0], inputs[0], name=site.name)


@operator("erfinv")
def erfinv(site: Site, inputs: list[Value]) -> Value:
    """erf⁻¹(x); its slope is ½√π·exp(y²)."""
    y = replace(inverse_error(inputs[0]), name=site.name)
    return with_gradient(
        y, inputs, lambda y, head, _: [times(head, 1 / ERROR_SLOPE, apply("exponential", times(y, y)))]
    )


@operator("add_n")
def total(site: Site, inputs: list[Value]) -> Value:
    """The sum of all inputs."""
    return folded(lambda sum_, value: apply("add", sum_, value, name=site.name), inputs)


@operator("clip")
def clip(site: Site, inputs: list[Value]) -> Value:
    """Between ``a_min`` and ``a_max``; NaN stays."""
    bounds = (constant(single(site.get(key, 0.0)), inputs[0]) for key in ("a_min", "a_max"))
    return apply("clip", inputs[0], *bounds, name=site.name)


@operator("smooth_l1")
def smooth_l1(site: Site, inputs: list[Value]) -> Value:
    """½σ²x² up to |x| = 1/σ², |x| − ½/σ² beyond; σ is ``scalar``, 0 among others: no x is beyond infinity."""
    with np.errstate(all="ignore"):
        bound = 1 / np.square(np.float64(site.get("scalar", 1.0)))
    return apply("smooth_absolute", inputs[0], constant(float(bound), inputs[0]), name=site.name)


@operator("_contrib_quadratic")
def quadratic(site: Site, inputs: list[Value]) -> Value:
    """a·x² + b·x + c."""
    x = inputs[0]
    a, b, c = (constant(single(site.get(key, 0.0)), x) for key in "abc")
    return apply("add", times(apply("add", times(x, a), b), x), c, name=site.name)


@operator("where")
def where(site: Site, inputs: list[Value]) -> Value:
    """The second input where the first is not zero, else the third."""
    condition, yes, no = inputs
    if condition.shape != yes.shape:  # MXNet takes a condition of one axis for the rows
        condition = spread(condition, yes.shape, [0])
    return apply("where", condition, yes, no, name=site.name)
