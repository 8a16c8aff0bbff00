"""Where a loop reads an array: one index for each axis, affine in the place of one loop.

Slices and pads of one another stay of this form, so that any number of them costs one subscript.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from .extent import ONE, ZERO, Extent, Shape


@dataclass(frozen=True)
class Index:
    """``(offset + step·place) / divisor``, where ``place`` runs along ``axis`` of the loops from 0 to ``length`` − 1.

    An index that is the same in every iteration has no axis.  Where there is a divisor, a ``Guard`` sees to it that
    the quotient is whole.
    """

    axis: int | None
    length: Extent = ONE
    step: int = 0
    offset: Extent = ZERO
    divisor: int = 1

    def moved(self, begin: Extent, step: int) -> "Index":
        """``begin + step·index``: this index as a slice reads its source."""
        offset = self.offset * step + begin * self.divisor
        return Index(self.axis, self.length, self.step * step, offset, self.divisor)._reduced()

    def moved_back(self, begin: Extent, step: int) -> "Index":
        """``(index − begin) / step``: this index as a pad reads its source."""
        offset = self.offset - begin * self.divisor
        return Index(self.axis, self.length, self.step, offset, self.divisor * step)._reduced()

    def reaches(self) -> tuple[Extent, Extent]:
        """The smallest and the largest value of ``offset + step·place``."""
        ends = self.offset, self.offset + (self.length - 1) * self.step
        return ends if self.step >= 0 else ends[::-1]

    def _reduced(self) -> "Index":
        """Without the divisor, where it divides everything."""
        if any(number % self.divisor for number in (self.step, self.offset.slope, self.offset.offset)):
            return self
        offset = Extent(self.offset.slope // self.divisor, self.offset.offset // self.divisor)
        return Index(self.axis, self.length, self.step // self.divisor, offset)


Indices = tuple[Index, ...]

NOWHERE = Index(None)  # always element 0


@dataclass(frozen=True)
class Guard:
    """A condition on an index.  ``kind``: ``>=`` and ``<`` compare it with ``bound``; ``%`` asks that it be whole."""

    index: Index
    kind: str
    bound: Extent = ZERO

    @property
    def known(self) -> bool | None:
        """What the condition is for every element and every batch size, where that is one answer."""
        if self.kind == "%":
            return self._whole()
        low, high = self.index.reaches()
        bound = self.bound * self.index.divisor
        never_below, always_below = (low - bound).never_negative, (bound - high - 1).never_negative
        if self.kind == ">=":
            return True if never_below else False if always_below else None
        return True if always_below else False if never_below else None

    def _whole(self) -> bool | None:
        divisor, offset = self.index.divisor, self.index.offset
        if self.index.step % divisor or offset.slope % divisor:
            return None
        return offset.offset % divisor == 0


def identity(shape: Shape) -> Indices:
    """The indices of a loop's own element."""
    return tuple(NOWHERE if extent == ONE else Index(axis, extent, 1) for axis, extent in enumerate(shape))


def seen_along(indices: Indices, sources: Sequence[int | None]) -> Indices:
    """The indices at which a view, with these ``sources``, reads its input."""
    return tuple(NOWHERE if source is None else indices[source] for source in sources)
