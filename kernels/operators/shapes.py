"""Operators that move no data: other axes, other shapes."""

from ..primitives.base import Value
from ..primitives.reshape import reshape
from ..primitives.view import broadcast, transpose
from .table import Site, operator


@operator("Reshape", "Flatten", "expand_dims", "squeeze", "reshape_like")
def reshaped(site: Site, inputs: list[Value]) -> Value:
    """The traced result shape says everything: elements stay in row-major order."""
    return reshape(inputs[0], site.shape)


@operator("transpose")
def transposed(site: Site, inputs: list[Value]) -> Value:
    """Axes in the order ``axes``; none given means turned around."""
    rank = len(inputs[0].shape)
    return transpose(inputs[0], [axis % rank for axis in site.each("axes")] or list(range(rank))[::-1])


@operator("SwapAxis")
def swapped(site: Site, inputs: list[Value]) -> Value:
    """Two axes exchanged."""
    order = list(range(len(inputs[0].shape)))
    first, second = site.get("dim1", 0), site.get("dim2", 0)
    order[first], order[second] = order[second], order[first]
    return transpose(inputs[0], order)


@operator("broadcast_to", "broadcast_axis", "broadcast_like")
def repeated(site: Site, inputs: list[Value]) -> Value:
    """Axes of length 1 repeated up to the traced result shape."""
    return broadcast(inputs[0], site.shape)
