"""SoftmaxOutput: a softmax whose gradient is that of the cross entropy with labels, whatever arrives."""

from collections.abc import Sequence

from ..primitives.base import Value
from ..primitives.iota import positions
from ..primitives.literal import literal as number
from ..primitives.literal import size
from ..primitives.map import apply, choose, constant, times
from ..primitives.own_gradient import with_gradient
from ..primitives.reduce import reduce
from ..primitives.reshape import reshape
from ..primitives.view import over
from .numbers import number_value, single
from .softmax import softmax
from .table import Site, UnsupportedError, operator


@operator("SoftmaxOutput")
def softmax_output(site: Site, inputs: list[Value]) -> Value:
    """Along axis 1 with ``multi_output``, along the last with ``preserve_shape``, else over all axes but the first.

    Labels of the shape of x are probabilities, and of the other attributes ``grad_scale`` counts; others name classes.
    """
    x, labels = inputs
    rank = len(x.shape)
    axes = [1] if site.get("multi_output", False) else list(range(1, rank))
    if site.get("preserve_shape", False) and not site.get("multi_output", False):
        axes = [rank - 1]
    shares = labels.shape == x.shape
    if len(axes) > 1 and not shares:  # MXNet takes the labels of the first rows for those of all
        raise UnsupportedError("of rows with more than one axis and their classes: use preserve_shape=True")

    if site.get("out_grad", False):
        raise UnsupportedError("with out_grad=True: MXNet multiplies by the output and not by what arrives")

    def slopes(y: Value, _: Value, sources: Sequence[Value]) -> list[Value | None]:
        return [_from_shares(site, y, sources[1]) if shares else _from_classes(site, y, sources[1], axes[0]), None]

    return with_gradient(softmax(x, axes, site.name), [x, labels], slopes)


def _from_shares(site: Site, y: Value, labels: Value) -> Value:
    return times(apply("subtract", y, labels), single(site.get("grad_scale", 1.0)))


def _from_classes(site: Site, y: Value, labels: Value, axis: int) -> Value:
    """y − 1 at the class and y elsewhere, scaled; with ``smooth_alpha`` the others have a part of the 1.

    Zero where the class is ignored.
    """
    others = tuple(extent for place, extent in enumerate(y.shape) if place != axis)
    classes = apply("truncated", reshape(labels, others))
    hits = apply("equal", positions(y.shape, axis, classes.dtype), over(classes, y, [axis]))
    alpha = 0.0 if site.get("multi_output", False) else single(site.get("smooth_alpha", 0.0))
    if alpha:
        rest = number_value(y.shape[axis] - 1, y.dtype)
        hits = choose(hits, constant(1 - alpha, y), apply("divide", constant(alpha, y), rest))
    kept = apply("not_equal", classes, constant(float(int(site.get("ignore_label", -1.0))), classes))
    slope = apply("subtract", y, hits)
    if site.get("use_ignore", False):
        slope = choose(over(kept, y, [axis]), slope, 0.0)
    return times(slope, _scale(site, kept))


def _scale(site: Site, kept: Value) -> Value | float:
    """``grad_scale`` for one class; ``kept``: 1 for each class that is not the one to ignore, ignored or not."""
    scale, normalization = single(site.get("grad_scale", 1.0)), site.get("normalization", "null")
    if normalization == "valid":
        count = reduce("sum", kept, range(len(kept.shape)), "count")
        return apply("divide", number(scale, kept.dtype), apply("maximum", count, number(1.0, kept.dtype)))
    several = site.get("multi_output", False)
    divisor = kept.shape[1:] if several else ()
    if normalization == "batch":
        divisor = kept.shape
    return apply("divide", number(scale, kept.dtype), size(divisor, kept.dtype)) if divisor else scale
