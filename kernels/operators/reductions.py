"""Operators that combine elements along axes."""

from collections.abc import Sequence

from ..dtypes import FLOATS
from ..extent import Shape, volume
from ..primitives.base import Value
from ..primitives.cumulate import cumulate
from ..primitives.iota import positions
from ..primitives.map import apply, cast, choose, times
from ..primitives.own_gradient import with_gradient, without_gradient
from ..primitives.reduce import mean as mean_over
from ..primitives.reduce import reduce
from ..primitives.reshape import reshape
from ..primitives.view import over
from .table import OPERATORS, Rule, Site, UnsupportedError, operator

REDUCTIONS = {"sum": "sum", "max": "largest", "min": "smallest", "prod": "product"}


def reduced_axes(site: Site, shape: Shape) -> tuple[int, ...]:
    """The axes that ``axis`` and ``exclude`` name; none named means all."""
    named = {index % len(shape) for index in site.each("axis")}
    if site.get("exclude", False):
        named = set(range(len(shape))) - named
    elif not named:
        named = set(range(len(shape)))
    return tuple(sorted(named))


def _reduction(combination: str) -> Rule:
    def rule(site: Site, inputs: list[Value]) -> Value:
        if inputs[0].dtype == "bool":
            raise UnsupportedError("of bool: cast it to the dtype of the result that you want")
        # MXNet keeps reduced axes as axes of length 1 with keepdims, and one axis where none would be left.
        return reshape(reduce(combination, inputs[0], reduced_axes(site, inputs[0].shape), site.name), site.shape)

    return rule


for _name, _combination in REDUCTIONS.items():
    OPERATORS[_name] = _reduction(_combination)


@operator("_np_cumsum")
def cumsum(site: Site, inputs: list[Value]) -> Value:
    """The sum of all elements up to each one along ``axis``, none: of all axes, in the dtype of the result."""
    x, axis = cast(inputs[0], site.dtype), site.get("axis", None)
    return cumulate(reshape(x, site.shape), 0 if axis is None else axis, site.name)


@operator("mean")
def mean(site: Site, inputs: list[Value]) -> Value:
    """Σx divided by the number of elements summed."""
    return reshape(mean_over(inputs[0], reduced_axes(site, inputs[0].shape), site.name), site.shape)


def _without_nan(combination: str, neutral: float) -> Rule:
    """A reduction that takes NaN for the neutral element.

    As MXNet's, its gradient there is 0 times the head, which is NaN where the head is infinite.
    """

    def rule(site: Site, inputs: list[Value]) -> Value:
        x = inputs[0]
        axes = reduced_axes(site, x.shape)
        result = reduce(combination, choose(apply("not_equal", x, x), neutral, x), axes, site.name)

        def slopes(y: Value, head: Value, read: Sequence[Value]) -> list[Value]:
            source = read[0]
            share = apply("equal", source, source)
            if combination == "product":
                share = choose(share, apply("divide", over(y, source, axes), source), 0.0)
            return [times(over(head, source, axes), share)]

        return reshape(with_gradient(result, inputs, slopes), site.shape)

    return rule


OPERATORS["nansum"] = _without_nan("sum", 0.0)
OPERATORS["nanprod"] = _without_nan("product", 1.0)


def _place(combination: str) -> Rule:
    """Where the largest or smallest element is: the first of equals, and the first NaN before any number."""

    def rule(site: Site, inputs: list[Value]) -> Value:
        x, axis = inputs[0], site.get("axis", None)
        if axis is None:
            x, axis = reshape(x, (volume(x.shape),)), 0
        axis %= len(x.shape)
        best = over(reduce(combination, x, [axis]), x, [axis])
        found = apply("logical_or", apply("equal", x, best), apply("not_equal", x, x))
        places = choose(found, positions(x.shape, axis, x.dtype), float("inf"))
        return reshape(without_gradient(reduce("smallest", places, [axis], site.name)), site.shape)

    return rule


OPERATORS["argmax"] = _place("largest")
OPERATORS["argmin"] = _place("smallest")


@operator("norm")
def norm(site: Site, inputs: list[Value]) -> Value:
    """√Σx², or Σ|x| for ``ord=1``."""
    axes = reduced_axes(site, inputs[0].shape)
    if site.get("ord", 2) == 1:
        return reshape(reduce("sum", apply("absolute", inputs[0]), axes, site.name), site.shape)
    if site.get("ord", 2) != 2:
        raise UnsupportedError(f"with ord={site.get('ord', 2)}")
    if inputs[0].dtype not in FLOATS:  # MXNet adds up whole quotients by the largest so far: of 7, 90, 60 it gives 90
        raise UnsupportedError("with ord=2 of whole numbers: cast them to float32")
    squares = reduce("sum", apply("multiply", inputs[0], inputs[0]), axes, "squares")
    return reshape(apply("square_root", squares, name=site.name), site.shape)
