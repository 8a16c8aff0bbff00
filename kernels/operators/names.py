"""The names that MXNet has for one operator: the registered one, which every trace sees, and its aliases."""

import ctypes
from functools import cache

from mxnet.base import _LIB


@cache
def registered_names() -> dict[str, str]:
    """Every name of every operator → the name that it is registered under."""
    count, names = ctypes.c_uint(), ctypes.POINTER(ctypes.c_char_p)()
    _LIB.MXListAllOpNames(ctypes.byref(count), ctypes.byref(names))
    found = [names[place] for place in range(count.value)]
    return {name.decode(): _registered(name) for name in found if name is not None}


def aliases(operator: str) -> list[str]:
    """The other names of the operator that is registered under this one."""
    return sorted(name for name, registered in registered_names().items() if registered == operator != name)


def _registered(name: bytes) -> str:
    handle, registered = ctypes.c_void_p(), ctypes.c_char_p()
    _LIB.NNGetOpHandle(ctypes.c_char_p(name), ctypes.byref(handle))
    _LIB.MXSymbolGetAtomicSymbolName(handle, ctypes.byref(registered))
    return (registered.value or b"").decode()
