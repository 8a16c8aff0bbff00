"""Operators that keep every number: other dtypes, other gradients."""

from ..primitives.base import Value
from ..primitives.literal import literal, size
from ..primitives.map import apply, cast
from ..primitives.own_gradient import with_gradient
from ..primitives.reduce import reduce
from ..primitives.view import spread
from .table import Site, operator


@operator("Cast", "amp_cast", "amp_multicast", "_copyto", "_copy")
def converted(site: Site, inputs: list[Value]) -> list[Value]:
    """The same numbers in the traced result's dtype; fractions are dropped where it has none."""
    return [cast(value, output.dtype, output.name) for value, output in zip(inputs, site.outputs, strict=True)]


@operator("MakeLoss")
def scaled_loss(site: Site, inputs: list[Value]) -> Value:
    """The same numbers, each with the gradient ``grad_scale``, divided as ``normalization`` says."""
    x = inputs[0]
    slope, normalization = literal(site.get("grad_scale", 1.0), site.dtype), site.get("normalization", "null")
    if normalization == "batch":  # of the array that MXNet makes two-dimensional, all axes before the last as one
        slope = apply("divide", slope, size(x.shape[:-1], site.dtype))
    elif normalization == "valid":
        valid = apply("greater", x, literal(site.get("valid_thresh", 0.0), site.dtype))
        count = reduce("sum", valid, range(len(x.shape)), "valid")
        slope = apply("divide", slope, apply("maximum", count, literal(1.0, site.dtype)))
    return _with_slope(x, slope)


def _with_slope(value: Value, slope: Value) -> Value:
    """``value`` with the gradient ``slope``, which has no axes, for every element whatever the head."""
    return with_gradient(value, [value], lambda *_: [spread(slope, value.shape, ())])
