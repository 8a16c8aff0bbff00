"""Operators that combine elements along axes."""

from ..extent import Shape
from ..primitives.base import Value
from ..primitives.literal import size
from ..primitives.map import apply
from ..primitives.reduce import reduce
from ..primitives.reshape import reshape
from .table import OPERATORS, Rule, Site, UnsupportedError, operator

REDUCTIONS = {"sum": "sum", "sum_axis": "sum", "max": "largest", "max_axis": "largest", "min": "smallest",
              "min_axis": "smallest", "prod": "product"}  # fmt: skip


def reduced_axes(site: Site, shape: Shape) -> tuple[int, ...]:
    """The axes that ``axis`` and ``exclude`` name; none named means all."""
    axis = site.get("axis", ())
    named = {index % len(shape) for index in ((axis,) if isinstance(axis, int) else axis)}
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


@operator("mean")
def mean(site: Site, inputs: list[Value]) -> Value:
    """Σx divided by the number of elements summed."""
    axes = reduced_axes(site, inputs[0].shape)
    total = reduce("sum", inputs[0], axes, "total")
    count = size(tuple(inputs[0].shape[axis] for axis in axes), inputs[0].dtype)
    return reshape(apply("divide", total, count, name=site.name), site.shape)


@operator("norm")
def norm(site: Site, inputs: list[Value]) -> Value:
    """√Σx², or Σ|x| for ``ord=1``."""
    axes = reduced_axes(site, inputs[0].shape)
    if site.get("ord", 2) == 1:
        return reshape(reduce("sum", apply("absolute", inputs[0]), axes, site.name), site.shape)
    if site.get("ord", 2) != 2:
        raise UnsupportedError(f"with ord={site.get('ord', 2)}")
    squares = reduce("sum", apply("multiply", inputs[0], inputs[0]), axes, "squares")
    return reshape(apply("square_root", squares, name=site.name), site.shape)
