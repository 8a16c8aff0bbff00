"""The memory of one call: what a plan says and what the launcher needs, in one block (``native`` documents it)."""

from array import array
from collections.abc import Sequence

import numpy as np
from mxnet import nd
from mxnet.base import NDArrayHandle

new = nd.NDArray.__new__


class Frame:
    """One call's block of int64 at ``address``; it belongs to one call at a time, whatever thread that comes from.

    ``older`` and ``newer`` are the arrays that the last two calls returned, with their handles: an output that nobody
    holds any more is written to again.  Two, because of ``y = f(x)`` in a loop: y is held until the call is over.
    """

    __slots__ = (
        "address",
        "learned",
        "newer",
        "newer_all",
        "newer_handle",
        "older",
        "older_all",
        "older_handle",
        "words",
    )

    def __init__(self, template: np.ndarray, length: int) -> None:
        self.words = array("q", template.tobytes())
        self.words.extend([0] * (length - len(template)))
        self.address, _ = self.words.buffer_info()
        self.learned: object = None  # whose arrays' handles are those of parameters
        self.older: nd.NDArray | None = None
        self.newer: nd.NDArray | None = None
        self.older_handle = self.newer_handle = 0
        # The same of calls with gradients: (array, handle) by place.
        self.older_all: dict[int, tuple[nd.NDArray | None, int]] = {}
        self.newer_all: dict[int, tuple[nd.NDArray | None, int]] = {}

    def put(self, place: int, arrays: Sequence[nd.NDArray]) -> None:
        """Write the handles of arrays, from ``place`` on."""
        for number, value in enumerate(arrays, place):
            self.words[number] = value.handle.value

    def take(self, place: int, count: int) -> list[nd.NDArray]:
        """The arrays whose handles the launcher put there."""
        return [own(handle) for handle in self.words[place : place + count]]

    def clear(self, place: int, count: int) -> None:
        """Offer no arrays to be written to again."""
        for number in range(place, place + count):
            self.words[number] = 0


def own(handle: int) -> nd.NDArray:
    """The array with a handle that nobody else has; without ``NDArray.__init__``, it takes half the time."""
    array = new(nd.NDArray)
    array.handle = NDArrayHandle(handle)
    array.writable = True
    return array
