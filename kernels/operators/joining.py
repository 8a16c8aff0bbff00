"""Operators that put arrays together, take them apart, or repeat them."""

from ..extent import ONE, ZERO, Extent, volume
from ..primitives.base import Value
from ..primitives.concat import concat
from ..primitives.reshape import reshape
from ..primitives.slice import flip, pad, part_along
from ..primitives.view import spread, transpose, with_unit_axes, without_unit_axes
from .table import Site, UnsupportedError, operator


def axis_of(site: Site, key: str, default: int, rank: int) -> int:
    """An axis, which may count from the end."""
    return int(site.get(key, default)) % rank


@operator("Concat")
def concatenated(site: Site, inputs: list[Value]) -> Value:
    """One after the other along ``dim``."""
    return concat(inputs, axis_of(site, "dim", 1, len(site.shape)), site.name)


@operator("stack")
def stacked(site: Site, inputs: list[Value]) -> Value:
    """One after the other along a new axis."""
    axis = axis_of(site, "axis", 0, len(site.shape))
    return concat([with_unit_axes(value, [axis]) for value in inputs], axis, site.name)


@operator("SliceChannel")
def split(site: Site, inputs: list[Value]) -> list[Value]:
    """Equal parts along ``axis``; with ``squeeze_axis`` that axis, of length 1, is dropped."""
    axis = axis_of(site, "axis", 1, len(inputs[0].shape))
    return _parts(site, inputs[0], axis)


@operator("_split_v2")
def split_at(site: Site, inputs: list[Value]) -> list[Value]:
    """Parts between ``indices``, or as many equal ones as ``sections`` says."""
    return _parts(site, inputs[0], axis_of(site, "axis", 1, len(inputs[0].shape)))


def _parts(site: Site, value: Value, axis: int) -> list[Value]:
    """The traced shapes say where one part ends and the next begins."""
    squeezed = bool(site.get("squeeze_axis", False))
    parts, begin = [], ZERO
    for output in site.outputs:
        length = ONE if squeezed else output.shape[axis]
        part = part_along(value, axis, begin, length, name=output.name)
        parts.append(without_unit_axes(part, [axis]) if squeezed else part)
        begin = begin + length
    return parts


@operator("repeat")
def repeat(site: Site, inputs: list[Value]) -> Value:
    """Each element ``repeats`` times in a row, along ``axis`` or of all in row-major order."""
    value = inputs[0]
    if site.get("axis", None) is None:
        axis, value = 0, reshape(value, (volume(value.shape),))
    else:
        axis = axis_of(site, "axis", 0, len(value.shape))
    times = Extent(0, int(site.get("repeats", 1)))
    longer = (*value.shape[: axis + 1], times, *value.shape[axis + 1 :])
    rest = [other if other <= axis else other + 1 for other in range(len(value.shape))]
    return reshape(spread(value, longer, rest), site.shape)


@operator("tile")
def tile(site: Site, inputs: list[Value]) -> Value:
    """The whole array again and again, ``reps`` times along each axis."""
    value, reps = inputs[0], site.each("reps")
    if any(not isinstance(count, int) for count in reps):
        raise UnsupportedError("with repetitions that follow the batch size")
    rank = max(len(reps), len(value.shape))
    value = with_unit_axes(value, range(rank - len(value.shape)))
    counts = (1,) * (rank - len(reps)) + reps
    longer = tuple(extent for count, own in zip(counts, value.shape, strict=True) for extent in (Extent(0, count), own))
    return reshape(spread(value, longer, range(1, 2 * rank, 2)), site.shape)


@operator("Pad")
def padded(site: Site, inputs: list[Value]) -> Value:
    """``pad_width`` elements before and after along each axis: a number, the edge again, or its mirror image."""
    mode, widths = site.get("mode", "constant"), site.get("pad_width", ())
    value = inputs[0]
    pairs = list(zip(widths[::2], widths[1::2], strict=True))
    if mode == "constant":
        begin = [Extent(0, before) for before, _ in pairs]
        fill = float(site.get("constant_value", 0.0))
        return pad(value, begin, [1] * len(begin), site.shape, fill, site.name)
    around = {"edge": _edges, "reflect": _reflections}[mode]
    for axis, (before, after) in enumerate(pairs):
        value = concat(around(value, axis, before, after), axis, site.name)
    return value


def _edges(value: Value, axis: int, before: int, after: int) -> list[Value]:
    ends = (before, ZERO), (after, value.shape[axis] - 1)
    first, last = ([_again(value, axis, begin, width)] if width else [] for width, begin in ends)
    return [*first, value, *last]


def _again(value: Value, axis: int, begin: Extent, width: int) -> Value:
    """The elements at ``begin`` along an axis, so many times."""
    edge = without_unit_axes(part_along(value, axis, begin, ONE), [axis])
    shape = (*value.shape[:axis], Extent(0, width), *value.shape[axis + 1 :])
    return spread(edge, shape, [other for other in range(len(shape)) if other != axis])


def _reflections(value: Value, axis: int, before: int, after: int) -> list[Value]:
    first = [flip(part_along(value, axis, ONE, Extent(0, before)), [axis])] if before else []
    end = value.shape[axis] - 1
    last = [flip(part_along(value, axis, end - after, Extent(0, after)), [axis])] if after else []
    return [*first, value, *last]


@operator("space_to_depth")
def space_to_depth(site: Site, inputs: list[Value]) -> Value:
    """(n, c, h·b, w·b) → (n, b·b·c, h, w)."""
    (n, channels, _, _), block = inputs[0].shape, Extent(0, int(site.get("block_size", 1)))
    _, _, height, width = site.shape
    apart = reshape(inputs[0], (n, channels, height, block, width, block))
    return reshape(transpose(apart, (0, 3, 5, 1, 2, 4)), site.shape)


@operator("depth_to_space")
def depth_to_space(site: Site, inputs: list[Value]) -> Value:
    """(n, b·b·c, h, w) → (n, c, h·b, w·b): the other way round."""
    (n, _, height, width), block = inputs[0].shape, Extent(0, int(site.get("block_size", 1)))
    apart = reshape(inputs[0], (n, block, block, site.shape[1], height, width))
    return reshape(transpose(apart, (0, 3, 4, 1, 5, 2)), site.shape)
