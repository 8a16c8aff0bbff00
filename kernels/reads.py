"""What an element is read from: through views, slices, pads and concatenations to the values behind them."""

from dataclasses import dataclass, replace

from .extent import ONE
from .indices import NOWHERE, Guard, Indices, seen_along
from .primitives.base import Primitive, Value
from .primitives.concat import Concat, starts
from .primitives.slice import Pad, Slice
from .primitives.view import View

MOVES: tuple[type[Primitive], ...] = (View, Slice, Pad, Concat)


@dataclass(frozen=True)
class Branch:
    """Where the guards hold, and no earlier branch's do, an element is that of ``source`` at ``indices``.

    Without a source it is the number ``fill``.
    """

    guards: tuple[Guard, ...]
    source: Value | None
    indices: Indices
    fill: float = 0.0


def branches(value: Value, indices: Indices) -> list[Branch]:
    """The alternatives that an element of a moved value may come from, in order; the last has no guards."""
    found = []
    for branch in _branches(value, indices):
        known = [guard.known for guard in branch.guards]
        if False in known:
            continue
        open_guards = tuple(guard for guard, truth in zip(branch.guards, known, strict=True) if truth is None)
        found.append(Branch(open_guards, branch.source, _within(branch.source, branch.indices), branch.fill))
        if not open_guards:
            break
    return found


def _within(source: Value | None, indices: Indices) -> Indices:
    """An axis of length 1 has one element, whatever the index that the guards have let through."""
    extents = () if source is None else source.shape
    return tuple(NOWHERE if extent == ONE else index for index, extent in zip(indices, extents, strict=True))


def _branches(value: Value, indices: Indices) -> list[Branch]:
    primitive = value.primitive
    if isinstance(primitive, View):
        return [Branch((), value.inputs[0], seen_along(indices, primitive.sources))]
    if isinstance(primitive, Slice):
        rows = zip(indices, primitive.begin, primitive.step, strict=True)
        return [Branch((), value.inputs[0], tuple(index.moved(begin, step) for index, begin, step in rows))]
    if isinstance(primitive, Pad):
        return _of_pad(value, primitive, indices)
    assert isinstance(primitive, Concat), primitive
    return _of_concat(value, primitive.axis, indices)


def _of_pad(value: Value, primitive: Pad, indices: Indices) -> list[Branch]:
    source = value.inputs[0]
    moved, guards = [], []
    for axis, index in enumerate(indices):
        begin, step, extent = primitive.begin[axis], primitive.step[axis], source.shape[axis]
        inner = index.moved_back(begin, step)
        moved.append(inner)
        guards += [Guard(inner, ">="), Guard(inner, "<", extent)]
        guards += [Guard(inner, "%")] if step > 1 else []
    return [Branch(tuple(guards), source, tuple(moved)), Branch((), None, (), primitive.fill)]


def _of_concat(value: Value, axis: int, indices: Indices) -> list[Branch]:
    found = []
    for begin, source in zip(starts(value), value.inputs, strict=True):
        inner = indices[axis].moved_back(begin, 1)
        guard = Guard(inner, "<", source.shape[axis])
        found.append(Branch((guard,), source, (*indices[:axis], inner, *indices[axis + 1 :])))
    return [*found[:-1], replace(found[-1], guards=())]
