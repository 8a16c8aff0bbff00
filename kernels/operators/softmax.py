"""The softmax family.  The largest element is subtracted before exp, so that nothing overflows."""

import math
from collections.abc import Sequence

from ..primitives.base import Value
from ..primitives.iota import positions
from ..primitives.map import apply, cast, choose, constant, times
from ..primitives.own_gradient import Slopes, with_gradient, without_gradient
from ..primitives.reduce import reduce
from ..primitives.reshape import reshape
from ..primitives.view import over
from .table import Site, UnsupportedError, operator

Axes = Sequence[int]


def softmax(x: Value, axes: Axes, name: str = "") -> Value:
    """exp(x) / Σexp(x) over ``axes``."""
    powers = apply("exponential", _below_largest(x, axes), name="powers")
    y = apply("divide", powers, over(reduce("sum", powers, axes, "total"), x, axes), name=name)
    return with_gradient(y, [x], _softmax_slopes(axes))


def log_softmax(x: Value, axes: Axes, name: str = "") -> Value:
    """x − log Σexp(x) over ``axes``."""
    below = _below_largest(x, axes)
    total = reduce("sum", apply("exponential", below), axes, "total")
    y = apply("subtract", below, over(apply("log", total), x, axes), name=name)
    return with_gradient(y, [x], _log_softmax_slopes(axes))


def _below_largest(x: Value, axes: Axes) -> Value:
    return apply("subtract", x, over(reduce("largest", x, axes, "largest"), x, axes))


def _softmax_slopes(axes: Axes) -> Slopes:
    def slopes(y: Value, head: Value, _: Sequence[Value]) -> list[Value]:
        mean = reduce("sum", times(head, y), axes)
        return [times(y, apply("subtract", head, over(mean, y, axes)))]

    return slopes


def _log_softmax_slopes(axes: Axes) -> Slopes:
    def slopes(y: Value, head: Value, _: Sequence[Value]) -> list[Value]:
        total = over(reduce("sum", head, axes), y, axes)
        return [apply("subtract", head, times(apply("exponential", y), total))]

    return slopes


def _prepared(site: Site, inputs: list[Value]) -> tuple[Value, Axes]:
    """The numbers that the softmax is taken of, and its axis."""
    x, temperature = inputs[0], site.get("temperature", 1.0)
    if temperature != 1.0:
        x = apply("divide", x, constant(temperature, x))
    return x, [site.get("axis", -1) % len(x.shape)]


def masked_softmax(x: Value, lengths: Value, axis: int, name: str) -> Value:
    """The softmax of the first elements of each row, as many as its length says; 0 for the others."""
    valid = apply("lesser", positions(x.shape, axis, lengths.dtype), over(lengths, x, [axis]))
    below = _below_largest(choose(valid, x, -math.inf), [axis])
    powers = choose(valid, apply("exponential", below), 0.0)
    y = apply("divide", powers, over(reduce("sum", powers, [axis], "total"), x, [axis]))
    y = apply("where", valid, y, constant(0.0, y), name=name)  # a row of length 0 sums to 0
    return with_gradient(y, [x, lengths], lambda *a: [*_softmax_slopes([axis])(*a), None])


@operator("softmax")
def softmax_rule(site: Site, inputs: list[Value]) -> Value:
    """Along ``axis``, of x / ``temperature``; with ``use_length`` of the first elements only."""
    x, axes = _prepared(site, inputs)
    y = masked_softmax(x, inputs[1], axes[0], site.name) if len(inputs) > 1 else softmax(x, axes, site.name)
    return cast(y, site.dtype)


@operator("log_softmax")
def log_softmax_rule(site: Site, inputs: list[Value]) -> Value:
    """Along ``axis``, of x / ``temperature``."""
    return cast(log_softmax(*_prepared(site, inputs), site.name), site.dtype)


@operator("softmin")
def softmin_rule(site: Site, inputs: list[Value]) -> Value:
    """The softmax of −x."""
    x, axes = _prepared(site, inputs)
    return cast(softmax(apply("negative", x), axes, site.name), site.dtype)


@operator("SoftmaxActivation")
def softmax_activation(site: Site, inputs: list[Value]) -> Value:
    """Along axis 1: over the features of a row, or over the channels with ``mode='channel'``."""
    if site.get("mode", "instance") != "channel" and len(inputs[0].shape) > 2:
        raise UnsupportedError("of rows with more than one axis")
    return softmax(inputs[0], [1], site.name)


def _hits(labels: Value, like: Value, axis: int) -> Value:
    """1 where an element stands at the place along ``axis`` that its label names, 0 elsewhere."""
    return apply("equal", positions(like.shape, axis, like.dtype), over(labels, like, [axis]))


@operator("softmax_cross_entropy")
def softmax_cross_entropy(site: Site, inputs: list[Value]) -> Value:
    """−Σ log softmax(x)[label], where MXNet takes no probability for less than 1e-8."""
    x, labels = inputs
    hits, logs = _hits(labels, x, 1), without_gradient(log_softmax(x, [1], "logs"))
    bounded = apply("maximum", logs, constant(math.log(1e-8), x))
    total = apply("negative", reduce("sum", choose(hits, bounded, 0.0), [0, 1]), name=site.name)

    def slopes(_y: Value, head: Value, _x: Sequence[Value]) -> list[Value]:
        return [times(apply("subtract", apply("exponential", logs), hits), head)]

    return reshape(with_gradient(total, [x], slopes), site.shape)
