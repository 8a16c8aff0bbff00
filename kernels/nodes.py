"""Whether MXNet's tape keeps what it knows where ``native`` says: it is in no C interface, and so it is tried."""

import ctypes
import os
import sys
from functools import cache

from mxnet import autograd, nd
from mxnet.base import _LIB, NDArrayHandle, c_str, check_call

from .counts import chunk
from .native.nodes import (
    ATTRIBUTES,
    CALLBACKS,
    FRESH,
    GRADIENTS,
    HOLDERS,
    INFORMATION,
    KNOWN,
    NODE,
    OPERATOR,
    PLACE,
    REQUEST,
    SOURCES,
)

REQUESTS = {"null": 0, "write": 1, "add": 3}  # MXNet's OpReqType


def operator(name: str) -> int:
    """What MXNet's nodes know an operator by."""
    handle = ctypes.c_void_p()
    check_call(_LIB.NNGetOpHandle(c_str(name), ctypes.byref(handle)))
    return int(handle.value or 0)


@cache
def tapes_are_readable() -> bool:
    """Whether nodes, their sources and what a backward pass needs to know of them are where they are looked for."""
    return all(_is_variable(request) for request in REQUESTS) and _is_recorded() and _has_callbacks()


def _is_variable(request: str) -> bool:
    """Whether a variable's node says how and where to its gradient is written, and whether that was done."""
    array, other = nd.ones((2, 3)), nd.ones((2, 3))
    array.attach_grad(request)
    node = _word(array, NODE)
    if any(_word(other, NODE + place) for place in range(PLACE)) or not node:
        return False
    if _at(node, OPERATOR) or not _at(node, KNOWN) or _holders(array) != 1:
        return False
    information = _at(node, INFORMATION)
    first, last = _at(information, GRADIENTS), _at(information, GRADIENTS + 1)
    found = [_at(information, REQUEST) & 0xFFFFFFFF == REQUESTS[request], first < last]
    found.append(_at(first, 0) == chunk(array.grad))
    for fresh in (True, False):
        array._fresh_grad = fresh
        found.append(_at(information, FRESH) & 0xFF == fresh)
    return all(found)


def _is_recorded() -> bool:
    """Whether the node of a result knows its operator and its sources, until backward makes it forget them."""
    first, second = nd.ones((2, 3)), nd.ones((2, 3))
    first.attach_grad()
    second.attach_grad()
    with autograd.record():
        product = nd.broadcast_mul(first, second)
    node = _word(product, NODE)
    if not node or _at(node, OPERATOR) != operator("broadcast_mul") or not _at(node, KNOWN):
        return False
    begin, end = _at(node, SOURCES), _at(node, SOURCES + 1)
    sources = [_at(begin, PLACE * index) for index in range(2)]
    found = end - begin == 2 * 8 * PLACE and sources == [_word(first, NODE), _word(second, NODE)]
    autograd.backward([product])
    return found and not _at(node, KNOWN)


def _has_callbacks() -> bool:
    """Whether the node of a custom function leads to the list that it was recorded with."""
    source, result = nd.ones((2, 3)), nd.ones((2, 3))
    source.attach_grad()
    free = ctypes.cast(ctypes.CDLL(None).free, ctypes.c_void_p).value  # free(NULL) is what MXNet calls at the end
    functions, contexts = (ctypes.c_void_p * 2)(free, free), (ctypes.c_void_p * 2)()
    listed = (ctypes.c_void_p * 3)(2, ctypes.addressof(functions), ctypes.addressof(contexts))
    handles = [(NDArrayHandle * 1)(array.handle) for array in (source, result)]
    with autograd.record():
        check_call(_LIB.MXCustomFunctionRecord(1, handles[0], 1, handles[1], listed))
    node = _word(result, NODE)
    found = bool(node) and _at(node, OPERATOR) == operator("_CustomFunction")
    found = found and _at(_at(node, ATTRIBUTES), CALLBACKS) == ctypes.addressof(listed)
    found = found and [_holders(source), _holders(result)] == [2, 1]
    del result  # MXNet still reads the list
    return found


def _holders(array: nd.NDArray) -> int:
    """How many hold the node of an array."""
    return _at(_word(array, NODE + 1), HOLDERS) & 0xFFFFFFFF


def _word(array: nd.NDArray, index: int) -> int:
    return _at(array.handle.value, index)


def _at(address: int, index: int) -> int:
    """The 64-bit number ``index`` words behind an address, 0 where there is no memory: what was wrong so far may be."""
    try:
        with open("/proc/self/mem", "rb", buffering=0) as memory:
            return int.from_bytes(os.pread(memory.fileno(), 8, address + 8 * index), sys.byteorder)
    except (OSError, OverflowError):
        return 0
