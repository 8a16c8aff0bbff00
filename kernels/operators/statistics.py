"""Normalisation by statistics that training keeps running."""

from collections.abc import Callable

from ..primitives.base import Value
from ..primitives.literal import literal
from ..primitives.map import apply
from ..primitives.own_gradient import with_gradient, without_gradient
from ..primitives.reduce import mean as mean_over
from ..primitives.view import spread
from .numbers import single
from .table import Site, UnsupportedError, operator

EPSILON = single(1e-3)  # its default is written as float32; one that is given is not


@operator("BatchNorm", "_contrib_SyncBatchNorm")
def batch_norm(site: Site, inputs: list[Value]) -> Value | list[Value]:
    """(x − mean)·γ/√(variance + ε) + β, for each index of ``axis``.

    Training takes mean and variance (of n, not n − 1) over all other axes; going back moves the running ones towards
    them: ``running·momentum + batch·(1 − momentum)``.  Otherwise the running ones are taken, which have no gradient.
    γ counts as 1 where it is fixed.  Of several outputs the others are mean and 1/√(variance + ε), without a gradient.
    """
    x, gamma, beta, *running = inputs
    axis = site.get("axis", 1) % len(x.shape)
    if site.get("ndev", 1) != 1:
        raise UnsupportedError(f"over ndev={site.get('ndev', 1)} devices")
    if site.training and not site.get("use_global_stats", False):
        mean, variance = _moments(x, axis)
        for statistic, batch in zip(running, (mean, variance), strict=True):
            site.move(statistic, _towards(batch, single(site.get("momentum", 0.9))), [x, gamma, beta])
    else:
        mean, variance = (without_gradient(statistic) for statistic in running)
    deviation = apply("square_root", apply("add", variance, literal(site.get("eps", EPSILON), x.dtype)))
    inverse = apply("divide", literal(1.0, x.dtype), deviation, name="inverse_deviation")
    scale = inverse
    if site.get("fix_gamma", True):
        beta = with_gradient(beta, [beta, gamma], lambda _, head, __: [head, None])  # γ's gradient is zero
    else:
        scale = apply("multiply", inverse, gamma, name="scale")
    centred = apply("subtract", x, spread(mean, x.shape, (axis,)), name="centred")
    scaled = apply("multiply", centred, spread(scale, x.shape, (axis,)))
    result = apply("add", scaled, spread(beta, x.shape, (axis,)), name=site.name)
    return [result, *(without_gradient(value) for value in (mean, inverse))][: len(site.outputs)]


def _moments(x: Value, axis: int) -> tuple[Value, Value]:
    """Mean and variance along all other axes; Σ(x − mean) = 0, so the variance's gradient needs none of the mean."""
    others = [each for each in range(len(x.shape)) if each != axis]
    mean = mean_over(x, others, "mean")
    centred = apply("subtract", x, spread(without_gradient(mean), x.shape, (axis,)))
    return mean, mean_over(apply("multiply", centred, centred), others, "variance")


def _towards(batch: Value, momentum: float) -> Callable[[Value], Value]:
    def step(old: Value) -> Value:
        kept = apply("multiply", old, literal(momentum, old.dtype))
        return apply("add", kept, apply("multiply", batch, literal(1 - momentum, old.dtype)))

    return step
