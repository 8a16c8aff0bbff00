"""View: another order of axes, new axes, dropped axes of length 1.  Reads are redirected, nothing is moved.

``sources[a]`` is the axis of the result along which axis ``a`` of the input runs; None where the input's axis has
length 1 and the result has no such axis.  Axes of the result that no source names repeat the input.  This is
transpose, expand_dims, squeeze and broadcast in one.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from ..extent import ONE, Shape
from .base import Primitive, Value, concrete


@dataclass(frozen=True)
class View(Primitive):
    """See the file's docstring.  ``shape`` is the result's."""

    sources: tuple[int | None, ...]
    shape: Shape
    recomputed: ClassVar[bool] = True

    def evaluate(self, batch: int, *arrays: np.ndarray) -> np.ndarray:
        """The same elements, seen along other axes."""
        kept = [axis for axis, source in enumerate(self.sources) if source is not None]
        dropped = tuple(axis for axis, source in enumerate(self.sources) if source is None)
        squeezed = arrays[0].squeeze(dropped)
        order = sorted(range(len(kept)), key=lambda place: self.sources[kept[place]] or 0)
        target = concrete(self.shape, batch)
        placed = [1] * len(target)
        for axis in kept:
            placed[self.sources[axis]] = arrays[0].shape[axis]  # type: ignore[index]
        return np.broadcast_to(squeezed.transpose(order).reshape(placed), target)

    def gradient(self, value: Value, head: Value) -> list[Value]:
        """Sum over the repeated axes, then back to the input's own order."""
        from .reduce import reduce  # a reduction's gradient is a view: the two files need each other

        repeated = tuple(axis for axis in range(len(self.shape)) if axis not in self.sources)
        total = reduce("sum", head, repeated) if repeated else head
        left = [axis for axis in range(len(self.shape)) if axis not in repeated]
        places: list[int | None] = [None] * len(left)
        for axis, source in enumerate(self.sources):
            if source is not None:
                places[left.index(source)] = axis
        return [view(total, places, value.inputs[0].shape)]

    @property
    def repeats(self) -> bool:
        """Whether some element of the input is read more than once."""
        named = set(self.sources)
        return any(axis not in named and extent != ONE for axis, extent in enumerate(self.shape))


def view(value: Value, sources: Sequence[int | None], shape: Shape) -> Value:
    """``value`` along other axes; a view of a view is one view, and none where nothing changes."""
    if isinstance(value.primitive, View):
        sources = [None if source is None else sources[source] for source in value.primitive.sources]
        value = value.inputs[0]
    if shape == value.shape and list(sources) == list(range(len(shape))):
        return value
    return Value(View(tuple(sources), shape), (value,), shape, value.dtype, value.name)


def spread(value: Value, shape: Shape, axes: Sequence[int]) -> Value:
    """Repeat ``value`` over ``shape``, its axis ``a`` running along ``axes[a]``."""
    return view(value, list(axes), shape)


def over(value: Value, like: Value, axes: Sequence[int]) -> Value:
    """What was reduced over ``axes`` of an array like ``like``, repeated along them."""
    return spread(value, like.shape, [axis for axis in range(len(like.shape)) if axis not in axes])


def transpose(value: Value, order: Sequence[int]) -> Value:
    """Axes in another order: axis ``k`` of the result is axis ``order[k]`` of the input."""
    shape = tuple(value.shape[axis] for axis in order)
    return view(value, [list(order).index(axis) for axis in range(len(order))], shape)


def broadcast(value: Value, shape: Shape) -> Value:
    """Repeat axes of length 1, and new leading axes, as NumPy does."""
    lead = len(shape) - len(value.shape)
    sources = [lead + axis if extent == shape[lead + axis] else None for axis, extent in enumerate(value.shape)]
    return view(value, sources, shape)


def with_unit_axes(value: Value, axes: Sequence[int]) -> Value:
    """New axes of length 1 at these places of the result."""
    rank = len(value.shape) + len(axes)
    kept = [axis for axis in range(rank) if axis not in axes]
    extents = iter(value.shape)
    shape = tuple(ONE if axis in axes else next(extents) for axis in range(rank))
    return view(value, kept, shape)


def without_unit_axes(value: Value, axes: Sequence[int]) -> Value:
    """Drop axes of length 1."""
    kept = [axis for axis in range(len(value.shape)) if axis not in axes]
    sources = [kept.index(axis) if axis in kept else None for axis in range(len(value.shape))]
    return view(value, sources, tuple(value.shape[axis] for axis in kept))
