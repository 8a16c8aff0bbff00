"""What MXNet counts for each array: how often its memory was written to, and how many share it.

Neither is in its C interface.  Both lie where this build of its last release has them, which is tried before it is
relied on.
"""

import ctypes
from functools import cache

import mxnet
import numpy as np
from mxnet import nd


def _word(address: int, index: int = 0) -> int:
    """The 64-bit number ``index`` words behind an address."""
    return ctypes.c_int64.from_address(address + 8 * index).value


def chunk(array: nd.NDArray) -> int:
    """The address of the memory record that an array and its views share."""
    return _word(array.handle.value)


def version(array: nd.NDArray) -> int:
    """How often the memory has been written to, as MXNet's engine counts: chunk → variable → version."""
    return _word(_word(chunk(array), 9), 1)


def holders(array: nd.NDArray) -> int:
    """How many arrays, views, tapes and unfinished operations share the memory: the count of a std::shared_ptr."""
    return _word(_word(array.handle.value, 1), 1) & 0xFFFFFFFF


@cache
def versions_are_readable() -> bool:
    """Whether the engine's count of writes to an array is where this build of MXNet has it: tried, not assumed."""
    probe = nd.zeros((2,), ctx=mxnet.cpu())
    seen = []
    for step in range(3):
        probe[:] = step
        probe.wait_to_read()
        seen.append(version(probe))
    return [later - seen[0] for later in seen] == [0, 1, 2]


@cache
def holders_are_countable() -> bool:
    """Whether the count of those that share an array's memory is where this build of MXNet has it: tried, too."""
    probe = nd.from_numpy(np.zeros(2, np.float32), zero_copy=False)
    probe.wait_to_read()
    seen = [holders(probe)]
    for share in (nd.NDArray.detach, lambda array: array.reshape((1, 2)), lambda array: array[1:]):
        shared = share(probe)
        seen.append(holders(probe))
        del shared
        seen.append(holders(probe))
    return seen == [1, 2, 1, 2, 1, 2, 1]
