"""Operators that work element by element: two arrays with broadcasting, an array and a number, one array."""

from typing import Any

from ..extent import ONE, Extent, Scaled, Shape
from ..primitives.base import Value
from ..primitives.literal import literal, size
from ..primitives.map import apply
from ..primitives.view import broadcast
from .table import OPERATORS, Rule, Site, UnsupportedError, operator

# function of the primitive graph: names of MXNet's operators on two arrays
BINARY = {
    "add": ("broadcast_add", "broadcast_plus", "elemwise_add", "_plus", "_add"),
    "subtract": ("broadcast_sub", "broadcast_minus", "elemwise_sub", "_minus", "_sub"),
    "multiply": ("broadcast_mul", "elemwise_mul", "_mul"),
    "divide": ("broadcast_div", "elemwise_div", "_div"),
    "power": ("broadcast_power", "_power"),
    "maximum": ("broadcast_maximum", "_maximum"),
    "minimum": ("broadcast_minimum", "_minimum"),
    "greater": ("broadcast_greater", "_greater"),
    "greater_equal": ("broadcast_greater_equal", "_greater_equal"),
    "lesser": ("broadcast_lesser", "_lesser"),
    "lesser_equal": ("broadcast_lesser_equal", "_lesser_equal"),
    "equal": ("broadcast_equal", "_equal"),
    "not_equal": ("broadcast_not_equal", "_not_equal"),
}

# MXNet's operators on an array and a number: (function, whether the number is the first operand)
SCALAR = {
    "_plus_scalar": ("add", False),
    "_minus_scalar": ("subtract", False),
    "_rminus_scalar": ("subtract", True),
    "_mul_scalar": ("multiply", False),
    "_div_scalar": ("divide", False),
    "_rdiv_scalar": ("divide", True),
    "_power_scalar": ("power", False),
    "_rpower_scalar": ("power", True),
    "_maximum_scalar": ("maximum", False),
    "_minimum_scalar": ("minimum", False),
    "_greater_scalar": ("greater", False),
    "_greater_equal_scalar": ("greater_equal", False),
    "_lesser_scalar": ("lesser", False),
    "_lesser_equal_scalar": ("lesser_equal", False),
    "_equal_scalar": ("equal", False),
    "_not_equal_scalar": ("not_equal", False),
}

UNARY = {
    "relu": ("relu",),
    "negative": ("negative",),
    "absolute": ("abs",),
    "sign": ("sign",),
    "square_root": ("sqrt",),
    "exponential": ("exp",),
    "log": ("log",),
    "sine": ("sin",),
    "cosine": ("cos",),
    "hyperbolic_tangent": ("tanh",),
    "sigmoid": ("sigmoid",),
}

ACTIVATIONS = {"relu": "relu", "tanh": "hyperbolic_tangent", "sigmoid": "sigmoid"}


def _binary(function: str) -> Rule:
    def rule(site: Site, inputs: list[Value]) -> Value:
        return apply(function, *(broadcast(value, site.shape) for value in inputs), name=site.name)

    return rule


def _with_number(function: str, first: bool) -> Rule:
    def rule(site: Site, inputs: list[Value]) -> Value:
        number = number_value(site.get("scalar", 0.0), inputs[0].dtype)
        if function == "power" and not first and site.get("scalar", 0.0) == 2.0:
            return apply("multiply", inputs[0], inputs[0], name=site.name)
        return apply(function, *((number, inputs[0]) if first else (inputs[0], number)), name=site.name)

    return rule


def _unary(function: str) -> Rule:
    return lambda site, inputs: apply(function, *inputs, name=site.name)


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

for _function, _names in BINARY.items():
    OPERATORS.update(dict.fromkeys(_names, _binary(_function)))
for _name, (_function, _first) in SCALAR.items():
    OPERATORS[_name] = _with_number(_function, _first)
for _function, _names in UNARY.items():
    OPERATORS.update(dict.fromkeys(_names, _unary(_function)))


@operator("square")
def square(site: Site, inputs: list[Value]) -> Value:
    """x²."""
    return apply("multiply", inputs[0], inputs[0], name=site.name)


@operator("Activation")
def activation(site: Site, inputs: list[Value]) -> Value:
    """The activation that ``act_type`` names."""
    kind = site.get("act_type", "relu")
    if kind not in ACTIVATIONS:
        raise UnsupportedError(f"with act_type={kind!r}")
    return apply(ACTIVATIONS[kind], inputs[0], name=site.name)


@operator("where")
def where(site: Site, inputs: list[Value]) -> Value:
    """The second input where the first is not zero, else the third."""
    if inputs[0].shape != inputs[1].shape:
        raise UnsupportedError("with a condition of another shape than the values")
    return apply("where", *inputs, name=site.name)


@operator("_copyto", "_copy", "identity")
def copy(site: Site, inputs: list[Value]) -> Value:
    """The same values."""
    if site.dtype != inputs[0].dtype:
        raise UnsupportedError(f"from {inputs[0].dtype} to {site.dtype}")
    return inputs[0]
