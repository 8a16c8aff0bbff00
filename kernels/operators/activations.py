"""Activation functions with attributes or inputs of their own."""

import math
from collections.abc import Sequence

from ..primitives.base import Value
from ..primitives.map import apply, choose, constant, times
from ..primitives.own_gradient import with_gradient
from ..primitives.view import broadcast, spread
from .numbers import single
from .table import Site, UnsupportedError, operator

ACTIVATIONS = {
    "relu": "relu",
    "tanh": "hyperbolic_tangent",
    "sigmoid": "sigmoid",
    "softrelu": "soft_relu",
    "softsign": "soft_sign",
}

# Klambauer et al. 2017; MXNet keeps them in single precision.
SELU_ALPHA, SELU_SCALE = single(1.6732632423543772), single(1.0507009873554805)


@operator("Activation")
def activation(site: Site, inputs: list[Value]) -> Value:
    """The activation that ``act_type`` names."""
    return apply(ACTIVATIONS[site.get("act_type")], inputs[0], name=site.name)


@operator("hard_sigmoid")
def hard_sigmoid(site: Site, inputs: list[Value]) -> Value:
    """``alpha``·x + ``beta`` between 0 and 1."""
    x = inputs[0]
    alpha, beta = constant(single(site.get("alpha", 0.2)), x), constant(single(site.get("beta", 0.5)), x)
    straight = apply("add", times(x, alpha), beta)
    y = apply("clip", straight, constant(0.0, x), constant(1.0, x), name=site.name)
    return with_gradient(y, [straight], _slope_inside)


def _slope_inside(y: Value, head: Value, _: Sequence[Value]) -> list[Value]:
    """The head between the bounds, not on them."""
    inside = apply("logical_and", apply("greater", y, constant(0.0, y)), apply("lesser", y, constant(1.0, y)))
    return [choose(inside, head, 0.0)]


@operator("LeakyReLU")
def leaky_relu(site: Site, inputs: list[Value]) -> Value | list[Value]:
    """The rectifier that ``act_type`` names; ``prelu`` takes its slopes, one a channel or one in all, as an input."""
    x, kind = inputs[0], site.get("act_type", "leaky")
    if kind == "gelu":
        return _gelu(x, site.name)
    if kind == "selu":
        return _selu(x, site.name)
    if kind == "elu":
        return apply("exponential_linear", x, constant(single(site.get("slope", 0.25)), x), name=site.name)
    if kind == "prelu":
        return _leaky(x, _channel_slopes(inputs[1], x), site.name)
    if kind == "leaky":
        return _leaky(x, constant(single(site.get("slope", 0.25)), x), site.name)
    if kind == "rrelu":
        return _randomized(site, x)
    raise UnsupportedError(f"with act_type={kind!r}")


def _randomized(site: Site, x: Value) -> list[Value]:
    """The slope halfway between its bounds, and as a second output the slopes, which MXNet does not write then."""
    if site.training:
        raise UnsupportedError("with act_type='rrelu' in training: MXNet itself crashes in its backward pass")
    bounds = (single(site.get("lower_bound", 0.125)), single(site.get("upper_bound", 0.334)))
    slope = constant(sum(bounds) / 2, x)
    return [_leaky(x, slope, site.name), spread(slope, x.shape, ())][: len(site.outputs)]


def _leaky(x: Value, slope: Value, name: str) -> Value:
    """x·1 or x·slope: a factor of 0 that met infinity in the branch not taken would be NaN."""
    return apply("multiply", x, choose(apply("greater", x, constant(0.0, x)), 1.0, slope), name=name)


def _channel_slopes(slopes: Value, x: Value) -> Value:
    if slopes.shape[0] == x.shape[1 if len(x.shape) > 1 else 0]:
        return spread(slopes, x.shape, [1 if len(x.shape) > 1 else 0])
    return broadcast(slopes, x.shape)


def _selu(x: Value, name: str) -> Value:
    """λx or λα(exp(x) − 1).  Below zero MXNet's gradient is λ(y + α), where λα + y would be the derivative."""

    def slopes(y: Value, head: Value, sources: Sequence[Value]) -> list[Value]:
        below = times(apply("add", y, constant(SELU_ALPHA, y)), SELU_SCALE)
        return [times(head, choose(apply("greater", sources[0], constant(0.0, y)), SELU_SCALE, below))]

    linear = apply("exponential_linear", x, constant(SELU_ALPHA, x))
    return with_gradient(apply("multiply", linear, constant(SELU_SCALE, x), name=name), [x], slopes)


def _gelu(x: Value, name: str) -> Value:
    """½x(1 + erf(x/√2))."""
    error = apply("error_function", apply("divide", x, constant(math.sqrt(2), x)))
    return apply("multiply", times(x, 0.5), apply("add", error, constant(1.0, x)), name=name)
