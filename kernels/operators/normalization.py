"""Normalization by mean and variance, and by length."""

from collections.abc import Sequence

from ..extent import literal
from ..primitives.base import Value
from ..primitives.map import apply, constant, times
from ..primitives.own_gradient import Slopes, with_gradient, without_gradient
from ..primitives.reduce import mean, reduce
from ..primitives.reshape import reshape
from ..primitives.view import over, spread
from .numbers import single
from .table import Site, operator

Axes = Sequence[int]


def moments(x: Value, axes: Axes) -> tuple[Value, Value]:
    """Mean and variance over ``axes``."""
    middle = mean(x, axes, "mean")
    centred = apply("subtract", x, over(middle, x, axes))
    return middle, mean(times(centred, centred), axes, "variance")


def normalized(x: Value, axes: Axes, epsilon: float) -> tuple[Value, Value, Value]:
    """(x − mean) / √(variance + ε) over ``axes``; the mean; the root."""
    middle, variance = moments(x, axes)
    root = apply("square_root", apply("add", variance, constant(epsilon, x)), name="deviation")
    scale = apply("reciprocal", root, name="scale")
    y = times(apply("subtract", x, over(middle, x, axes)), over(scale, x, axes))
    return with_gradient(y, [x, scale], _normalized_slopes(axes)), without_gradient(middle), without_gradient(root)


def _normalized_slopes(axes: Axes) -> Slopes:
    """(g − mean(g) − y·mean(g·y)) / √(variance + ε): the head without its part along ones and along y."""

    def slopes(y: Value, head: Value, sources: Sequence[Value]) -> list[Value | None]:
        level, along = mean(head, axes), mean(times(head, y), axes)
        rest = apply("subtract", head, over(level, y, axes))
        rest = apply("subtract", rest, times(y, over(along, y, axes)))
        return [times(rest, over(sources[1], y, axes)), None]

    return slopes


def _affine(y: Value, gamma: Value, beta: Value, axis: int, name: str) -> Value:
    """y·γ + β, one number of each for every index of ``axis``."""
    scaled = apply("multiply", y, spread(gamma, y.shape, [axis]))
    return apply("add", scaled, spread(beta, y.shape, [axis]), name=name)


@operator("moments")
def moments_rule(site: Site, inputs: list[Value]) -> list[Value]:
    """Mean and variance over ``axes``; none given means all."""
    rank = len(inputs[0].shape)
    axes = sorted(axis % rank for axis in site.each("axes")) or range(rank)
    return [reshape(one, output.shape) for one, output in zip(moments(inputs[0], axes), site.outputs, strict=True)]


@operator("LayerNorm")
def layer_norm(site: Site, inputs: list[Value]) -> list[Value]:
    """Each row normalized along ``axis``, times γ plus β; with ``output_mean_var`` also means and deviations."""
    x, gamma, beta = inputs
    axis = site.get("axis", -1) % len(x.shape)
    y, middle, root = normalized(x, [axis], single(site.get("eps", 1e-5)))
    results = [_affine(y, gamma, beta, axis, site.name), middle, root][: len(site.outputs)]
    return [reshape(one, output.shape) for one, output in zip(results, site.outputs, strict=True)]


@operator("InstanceNorm")
def instance_norm(site: Site, inputs: list[Value]) -> Value:
    """Each channel of each sample normalized, times γ plus β."""
    x, gamma, beta = inputs
    y, _, _ = normalized(x, range(2, len(x.shape)), single(site.get("eps", 1e-3)))
    return _affine(y, gamma, beta, 1, site.name)


@operator("GroupNorm")
def group_norm(site: Site, inputs: list[Value]) -> list[Value]:
    """Groups of channels of each sample normalized, times γ plus β of the group."""
    x, gamma, beta = inputs
    groups = site.get("num_groups", 1)
    within = (literal(x.shape[1].offset // groups), *x.shape[2:])
    grouped = reshape(x, (x.shape[0], literal(groups), *within))
    y, middle, root = normalized(grouped, range(2, len(grouped.shape)), single(site.get("eps", 1e-5)))
    results = [_affine(y, gamma, beta, 1, site.name), middle, root][: len(site.outputs)]
    return [reshape(one, output.shape) for one, output in zip(results, site.outputs, strict=True)]


@operator("L2Normalization")
def l2_normalization(site: Site, inputs: list[Value]) -> Value:
    """x / √(Σx² + ε)."""
    x = inputs[0]
    rank = len(x.shape)
    axes = {"instance": range(1, rank), "channel": range(1, 2), "spatial": range(2, rank)}[site.get("mode", "instance")]
    total = apply("add", reduce("sum", times(x, x), axes), constant(single(site.get("eps", 1e-10)), x))
    return apply("divide", x, over(apply("square_root", total), x, axes), name=site.name)
