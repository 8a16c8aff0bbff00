"""Pooling over everything, and its opposite, repetition."""

from ..extent import Extent, literal
from ..primitives.base import Value
from ..primitives.reduce import mean, reduce
from ..primitives.reshape import reshape
from ..primitives.view import spread
from .table import Site, UnsupportedError, operator

POOLS = {"sum": "sum", "max": "largest"}


def _pooled(site: Site, x: Value, kind: str, axes: range) -> Value:
    pooled = mean(x, axes, site.name) if kind == "avg" else reduce(POOLS[kind], x, axes, site.name)
    return reshape(pooled, site.shape)


@operator("Pooling")
def pooling(site: Site, inputs: list[Value]) -> Value:
    """With ``global_pool``, one number a channel."""
    kind, rank = site.get("pool_type", "max"), len(inputs[0].shape)
    if not site.get("global_pool", False):
        raise UnsupportedError("with windows: only global pooling is known")
    if kind not in ("avg", *POOLS):
        raise UnsupportedError(f"with pool_type={kind!r}")
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
