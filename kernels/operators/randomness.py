"""Operators that draw random numbers: MXNet draws them before the kernel runs, so its seed rules them."""

from ..extent import ONE
from ..modes import DISTRIBUTIONS
from ..primitives.base import Value
from ..primitives.literal import literal
from ..primitives.map import apply
from ..primitives.view import broadcast
from .table import OPERATORS, Rule, Site, UnsupportedError, operator


@operator("Dropout")
def dropout(site: Site, inputs: list[Value]) -> Value:
    """x·mask; the mask is 1/(1 − p) with probability 1 − p, else 0, and shared along ``axes``."""
    x = inputs[0]
    kept = 1 - float(site.get("p", 0.5))
    if kept == 1 or not (site.training or site.get("mode", "training") == "always"):
        return x
    shared = site.each("axes")
    shape = tuple(ONE if axis in shared else extent for axis, extent in enumerate(x.shape))
    numbers = site.draw("_random_uniform", {"low": 0.0, "high": 1.0}, shape, x.dtype)
    scale = literal(1 / kept if kept else float("inf"), x.dtype)  # MXNet divides by 0 too where nothing is kept
    mask = apply("multiply", apply("lesser", numbers, literal(kept, x.dtype)), scale, name="mask")
    return apply("multiply", x, broadcast(mask, x.shape), name=site.name)


def _random(distribution: str) -> Rule:
    def rule(site: Site, _: list[Value]) -> Value:
        attributes = {key: site.get(key, None) for key in DISTRIBUTIONS[distribution]}
        told = {key: number for key, number in attributes.items() if number is not None}
        if not all(isinstance(number, (int, float)) for number in told.values()):
            raise UnsupportedError("with numbers that depend on the batch size")
        return site.draw(distribution, told, site.shape, site.dtype)

    return rule


for _name in DISTRIBUTIONS:
    OPERATORS[_name] = OPERATORS[f"{_name}_like"] = _random(_name)
