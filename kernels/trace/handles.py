"""What MXNet's library says about a handle: an array's shape and dtype, an operator's name."""

import ctypes

import numpy as np
from mxnet.base import _LIB
from mxnet.ndarray.ndarray import _DTYPE_MX_TO_NP


def shape_of(handle: int) -> tuple[int, ...]:
    """The shape of an array."""
    rank, extents = ctypes.c_int(), ctypes.POINTER(ctypes.c_int)()
    _LIB.MXNDArrayGetShapeEx(ctypes.c_void_p(handle), ctypes.byref(rank), ctypes.byref(extents))
    return tuple(extents[axis] for axis in range(rank.value))


def dtype_of(handle: int) -> str:
    """The dtype of an array, in NumPy's words; ``none`` before it has one."""
    code = ctypes.c_int()
    _LIB.MXNDArrayGetDType(ctypes.c_void_p(handle), ctypes.byref(code))
    numpy_type = _DTYPE_MX_TO_NP[code.value]
    return "none" if numpy_type is None else np.dtype(numpy_type).name


def filling(handle: int, address: int) -> dict[str, str]:
    """The attributes of ``_full`` that make an array of one element what the number at this address makes it."""
    dtype = np.dtype(dtype_of(handle))
    number = np.frombuffer(ctypes.string_at(address, dtype.itemsize), dtype)[0]
    return {"shape": str(shape_of(handle)), "dtype": dtype.name, "value": repr(number.item())}


def operator_name(handle: int) -> str:
    """The name that an operator is registered under."""
    name = ctypes.c_char_p()
    _LIB.MXSymbolGetAtomicSymbolName(ctypes.c_void_p(handle), ctypes.byref(name))
    return (name.value or b"").decode()


def operator_called(name: str) -> ctypes.c_void_p:
    """The operator of this name."""
    handle = ctypes.c_void_p()
    _LIB.NNGetOpHandle(name.encode(), ctypes.byref(handle))
    return handle
