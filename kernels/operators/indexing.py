"""Operators that choose elements by their places: slices, and elements at computed places."""

from typing import Any

from ..dtypes import FLOATS
from ..extent import ONE, ZERO, Extent, literal
from ..primitives.base import Value
from ..primitives.gather import gather
from ..primitives.iota import positions
from ..primitives.literal import literal as number
from ..primitives.map import apply, constant
from ..primitives.own_gradient import without_gradient
from ..primitives.reduce import reduce
from ..primitives.reshape import reshape
from ..primitives.slice import flip, pad, part, part_along
from ..primitives.view import spread, without_unit_axes
from .joining import axis_of
from .numbers import number_value
from .table import Site, UnsupportedError, operator


def _start(begin: Any, extent: Extent, step: int) -> Extent:
    """Where a slice begins: counted from the end if negative, and no further out than the first or last element."""
    if begin is None:
        return ZERO if step > 0 else extent - 1
    place = begin if isinstance(begin, Extent) else literal(int(begin))
    if place.literal and place.offset < 0:
        place = place + extent
    if not place.literal or not extent.literal:
        return place
    return literal(min(max(place.offset, 0), extent.offset - 1))


@operator("slice")
def slices(site: Site, inputs: list[Value]) -> Value:
    """From ``begin`` to ``end`` by ``step`` along the leading axes; the traced shape says how many elements."""
    shape = inputs[0].shape

    def of_axes(key: str) -> list[Any]:
        given = site.each(key)
        return [*given, *[None] * (len(shape) - len(given))]

    steps = [1 if step is None else int(step) for step in of_axes("step")]
    rows = zip(of_axes("begin"), shape, steps, strict=True)
    return part(inputs[0], [_start(*row) for row in rows], steps, site.shape, site.name)


@operator("slice_axis")
def slice_axis(site: Site, inputs: list[Value]) -> Value:
    """From ``begin`` to ``end`` along one axis."""
    axis = axis_of(site, "axis", 0, len(site.shape))
    begin = _start(site.get("begin"), inputs[0].shape[axis], 1)
    return part_along(inputs[0], axis, begin, site.shape[axis], name=site.name)


@operator("slice_like")
def slice_like(site: Site, inputs: list[Value]) -> Value:
    """The leading part as long as the second input along ``axes``."""
    rank = len(site.shape)
    return part(inputs[0], [ZERO] * rank, [1] * rank, site.shape, site.name)


@operator("reverse")
def reverse(site: Site, inputs: list[Value]) -> Value:
    """The elements in reverse order along ``axis``, one or more."""
    return flip(inputs[0], [axis % len(site.shape) for axis in site.each("axis")])


def _mode(site: Site) -> str:
    mode = str(site.get("mode", "clip"))
    if mode not in ("clip", "wrap"):
        raise UnsupportedError(f"with mode={mode!r}: use 'clip' or 'wrap'")
    return mode


@operator("take")
def take(site: Site, inputs: list[Value]) -> Value:
    """Whole slices of the first input along ``axis``, at the places in the second."""
    table, places = inputs
    return gather(table, [places], axis_of(site, "axis", 0, len(table.shape)), _mode(site), site.name)


@operator("Embedding")
def embedding(site: Site, inputs: list[Value]) -> Value:
    """Rows of the weight at the places in the first input."""
    places, table = inputs
    return gather(table, [places], 0, "clip", site.name)


@operator("gather_nd")
def gather_nd(site: Site, inputs: list[Value]) -> Value:
    """Elements of the first input at places along its leading axes, one row of the second input for each axis.

    MXNet rounds places down, counts negative ones from the end, and has an error for those outside the axis.  Kernels
    have no such end: there they wrap around.
    """
    table, indices = inputs
    indices = apply("floor", indices) if indices.dtype in FLOATS else indices
    rows = [
        without_unit_axes(part_along(indices, 0, literal(axis), ONE, name="places"), [0])
        for axis in range(indices.shape[0].at(0))
    ]
    return gather(table, rows, 0, "wrap", site.name)


def _bounded(places: Value, extent: Extent, mode: str) -> Value:
    """Whole numbers that are places along an axis."""
    whole, length = apply("truncated", places), number_value(extent, places.dtype)
    if mode == "wrap":
        return apply("remainder", whole, length)
    zero, last = constant(0.0, places), apply("subtract", length, constant(1.0, places))
    positive = apply("where", apply("greater", whole, zero), whole, zero)  # NaN is none
    return apply("minimum", positive, last)


@operator("pick")
def pick(site: Site, inputs: list[Value]) -> Value:
    """For each index of the other axes the element along ``axis`` at the place in the second input."""
    data, places = inputs
    axis = axis_of(site, "axis", -1, len(data.shape))
    others = [other for other in range(len(data.shape)) if other != axis]
    places = reshape(places, tuple(data.shape[other] for other in others))
    bounded = spread(_bounded(places, data.shape[axis], _mode(site)), data.shape, others)
    chosen = apply("equal", positions(data.shape, axis, places.dtype), bounded)
    return reshape(reduce("sum", apply("where", chosen, data, constant(0.0, data)), [axis], site.name), site.shape)


@operator("batch_take")
def batch_take(site: Site, inputs: list[Value]) -> Value:
    """The element of each row at the place in the second input, or the nearest; MXNet gives it no gradient."""
    rows, places = inputs
    row = positions(places.shape, 0, places.dtype)
    return without_gradient(gather(rows, [row, places], 0, "clip", site.name))


@operator("one_hot")
def one_hot(site: Site, inputs: list[Value]) -> Value:
    """``on_value`` at the place that each element names along a new last axis, ``off_value`` elsewhere."""
    places, rank = inputs[0], len(site.shape)
    chosen = apply(
        "equal",
        positions(site.shape, rank - 1, places.dtype),
        spread(apply("truncated", places), site.shape, range(rank - 1)),
    )
    on, off = (
        number(float(site.get(key, default)), site.dtype) for key, default in (("on_value", 1), ("off_value", 0))
    )
    return apply("where", chosen, on, off, name=site.name)


def _lengths(site: Site, inputs: list[Value], axis: int) -> Value | None:
    """For every element of the first input its sequence's length, or None where all are whole."""
    if not site.get("use_sequence_length", False):
        return None
    return spread(apply("truncated", inputs[1]), inputs[0].shape, [1 - axis])


@operator("SequenceMask")
def sequence_mask(site: Site, inputs: list[Value]) -> Value:
    """``value`` in the place of what lies behind each sequence's length along ``axis``."""
    axis = axis_of(site, "axis", 0, 2)
    lengths = _lengths(site, inputs, axis)
    if lengths is None:
        return inputs[0]
    within = apply("lesser", positions(inputs[0].shape, axis, lengths.dtype), lengths)
    return apply("where", within, inputs[0], number(float(site.get("value", 0.0)), site.dtype), name=site.name)


@operator("SequenceLast")
def sequence_last(site: Site, inputs: list[Value]) -> Value:
    """Each sequence's last element along ``axis``."""
    axis = axis_of(site, "axis", 0, 2)
    lengths = _lengths(site, inputs, axis)
    data = inputs[0]
    if lengths is None:
        return without_unit_axes(part_along(data, axis, data.shape[axis] - 1, ONE, name=site.name), [axis])
    following = apply("add", positions(data.shape, axis, lengths.dtype), constant(1.0, lengths))
    last = apply("where", apply("equal", following, lengths), data, constant(0.0, data))
    return reduce("sum", last, [axis], site.name)


@operator("SequenceReverse")
def sequence_reverse(site: Site, inputs: list[Value]) -> Value:
    """Each sequence backwards along the first axis, what lies behind its length left as it is."""
    data = inputs[0]
    if not site.get("use_sequence_length", False):
        return flip(data, [0])
    shape, lengths = data.shape[:2], apply("truncated", inputs[1])
    place = positions(shape, 0, lengths.dtype)
    back = apply("subtract", apply("subtract", spread(lengths, shape, [1]), constant(1.0, lengths)), place)
    source = apply("where", apply("lesser", place, spread(lengths, shape, [1])), back, place)
    return gather(data, [source, positions(shape, 1, lengths.dtype)], 0, "clip", site.name)


@operator("diag")
def diag(site: Site, inputs: list[Value]) -> Value:
    """The diagonal ``k`` places right of the main one of a matrix, or a matrix with the input on that diagonal."""
    data, k = inputs[0], int(site.get("k", 0))
    right, down = literal(max(k, 0)), literal(max(-k, 0))
    if len(data.shape) > 2:
        raise UnsupportedError("of an array with more than two axes")
    vector = len(data.shape) == 1
    length = data.shape[0] if vector else site.shape[0]
    square = spread(data, (length, length), [0]) if vector else part(data, [down, right], [1, 1], (length, length))
    row, column = (positions(square.shape, axis, data.dtype) for axis in (0, 1))
    kept = apply("where", apply("equal", row, column), square, constant(0.0, data), name=site.name)
    return pad(kept, [down, right], [1, 1], site.shape) if vector else reduce("sum", kept, [0], site.name)
