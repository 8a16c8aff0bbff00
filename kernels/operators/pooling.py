"""Pooling over everything, and its opposite, repetition."""

from collections.abc import Sequence

from ..extent import Extent, literal
from ..primitives.base import Value
from ..primitives.map import apply, choose, constant, times
from ..primitives.own_gradient import with_gradient
from ..primitives.reduce import mean, reduce
from ..primitives.reshape import reshape
from ..primitives.view import over, spread
from .table import Site, UnsupportedError, operator

POOLS = {"sum": "sum", "max": "largest"}


# The root of the sum of powers, by its exponent: powers keep their signs, as in MXNet
ROOTS = {1: "", 2: "square_root", 3: "cube_root"}


def _pooled(site: Site, x: Value, kind: str, axes: range) -> Value:
    if kind == "lp":
        return reshape(_norm(site, x, axes), site.shape)
    pooled = mean(x, axes, site.name) if kind == "avg" else reduce(POOLS[kind], x, axes, site.name)
    return reshape(pooled, site.shape)


def _norm(site: Site, x: Value, axes: range) -> Value:
    """(Σxᵖ)^(1/p); where that is 0, MXNet's gradient is."""
    exponent = site.get("p_value", None)
    if exponent not in ROOTS:
        raise UnsupportedError(f"with p_value={exponent}: use 1, 2 or 3")
    total = reduce("sum", times(*[x] * exponent), axes, "total")
    norm = apply(ROOTS[exponent], total, name=site.name) if exponent > 1 else total

    def slopes(y: Value, head: Value, sources: Sequence[Value]) -> list[Value]:
        ratio = apply("divide", sources[0], over(y, x, axes))
        some = apply("not_equal", over(y, x, axes), constant(0.0, x))
        return [choose(some, times(over(head, x, axes), *[ratio] * (exponent - 1)), 0.0)]

    return with_gradient(norm, [x], slopes) if exponent > 1 else norm


@operator("Pooling")
def pooling(site: Site, inputs: list[Value]) -> Value:
    """With ``global_pool``, one number a channel."""
    kind, rank = site.get("pool_type", "max"), len(inputs[0].shape)
    if not site.get("global_pool", False):
        raise UnsupportedError("with windows: only global pooling is known")
    channel_last = str(site.get("layout", "")).endswith("C")
    return _pooled(site, inputs[0], kind, range(1, rank - 1) if channel_last else range(2, rank))


@operator("_contrib_AdaptiveAvgPooling2D")
def adaptive_pooling(site: Site, inputs: list[Value]) -> Value:
    """The mean of each channel."""
    if any(extent != literal(1) for extent in site.shape[2:]):
        raise UnsupportedError("with an output of more than one element a channel")
    return _pooled(site, inputs[0], "avg", range(2, 4))


@operator("UpSampling")
def up_sampling(site: Site, inputs: list[Value]) -> Value:
    """Every element ``scale`` times along both axes."""
    if site.get("sample_type", "nearest") != "nearest" or len(inputs) > 1:
        raise UnsupportedError("other than of one array by nearest neighbours")
    x, scale = inputs[0], literal(site.get("scale", 1))
    repeated: tuple[Extent, ...] = (*x.shape[:2], x.shape[2], scale, x.shape[3], scale)
    return reshape(spread(x, repeated, (0, 1, 2, 4)), site.shape)
