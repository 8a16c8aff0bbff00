"""Operators that leave values alone and say what their gradient is."""

from collections.abc import Sequence

from ..primitives.base import Value
from ..primitives.map import constant, times
from ..primitives.own_gradient import with_gradient, without_gradient
from ..primitives.view import spread
from .numbers import number_value
from .table import Site, operator


@operator("BlockGrad")
def blocked(_: Site, inputs: list[Value]) -> Value:
    """Nothing goes back."""
    return without_gradient(inputs[0])


@operator("make_loss")
def loss(_site: Site, inputs: list[Value]) -> Value:
    """A loss: every element has the gradient 1, whatever arrives."""

    def slopes(y: Value, _head: Value, _x: Sequence[Value]) -> list[Value]:
        return [spread(constant(1.0, y), y.shape, ())]

    return with_gradient(inputs[0], inputs, slopes)


@operator("_contrib_gradientmultiplier")
def multiplied(site: Site, inputs: list[Value]) -> Value:
    """What goes back is multiplied by ``scalar``."""
    factor = number_value(site.get("scalar", 1.0), inputs[0].dtype)
    return with_gradient(inputs[0], inputs, lambda _y, head, _x: [times(head, factor)])
