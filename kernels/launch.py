"""The compiled functions between a Python call and a kernel: those of ``native``, loaded when they are first needed."""

import ctypes
import hashlib
from array import array
from collections.abc import Callable
from functools import cache
from pathlib import Path
from types import ModuleType

import llvmlite.binding
import numba
from mxnet.base import _LIB, MXNetError, py_str
from numba.core.dispatcher import Dispatcher

from .compile import load
from .errors import KernelError
from .nodes import operator, tapes_are_readable

# What MXNet's profiler shows for a backward pass that went straight to the engine.
PROFILED = ctypes.create_string_buffer(b"gluonmark_backward")


@cache
def launch() -> Callable[[int], int]:
    """Runs the call that a frame at an address describes, and returns a status.

    Loading it is most of Numba's one-off cost in a process.
    """
    if numba.config.DISABLE_JIT:
        raise KernelError("NUMBA_DISABLE_JIT is set: the numba variant needs Numba's compiler")
    llvmlite.binding.load_library_permanently(_LIB._name)
    return _entry(_loaded("launcher").launch)


@cache
def on_tape() -> Callable[[int], int]:
    """Puts a frame's finished call on MXNet's tape, and returns a status."""
    module = _loaded("tape")
    record = _entry(module.record)
    addresses = module.backward_recorded.address, module.delete_recorded.address, _loaded("backward").go_back.address
    return lambda frame: record(frame, *addresses)


@cache
def off_tape() -> Callable[[int], int]:
    """Goes back from a frame's finished call, without a tape, and returns a status."""
    gradients, go_back = _entry(_loaded("tapeless").gradients), _loaded("backward").go_back.address
    return lambda frame: gradients(frame, go_back)


@cache
def straight() -> Callable[[int, int, int], int]:
    """Goes back from an output, given a head or 0, for training or not, if MXNet need not (``native/straight.py``)."""
    if not tapes_are_readable():
        return lambda _output, _head, _training: 0
    module = _loaded("straight")
    go, functions = _entry(module.go_straight), (_loaded("tape").backward_recorded, module.run, module.forget)
    addresses = (function.address for function in functions)
    names = array("q", [operator("_CustomFunction"), *addresses, ctypes.addressof(PROFILED)])
    return lambda output, head, training: go(output, head, training, names.buffer_info()[0])


@cache
def _loaded(name: str) -> ModuleType:
    """One of the files in ``native``, from the cache; all of them have a part in its name there: it is made of some."""
    folder = Path(__file__).parent / "native"
    parts = hashlib.sha256(b"".join(file.read_bytes() for file in sorted(folder.glob("*.py"))))
    text = (folder / f"{name}.py").read_text(encoding="utf-8")
    return load(name, f"{text}\n# of parts with the digest {parts.hexdigest()}\n")


def refusal() -> MXNetError:
    """What MXNet says of the call of its library that failed last."""
    _LIB.MXGetLastError.restype = ctypes.c_char_p
    return MXNetError(py_str(_LIB.MXGetLastError()))


def _entry(function: Dispatcher) -> Callable[..., int]:
    """A function that was compiled for one signature, without Numba's search for the one that is meant (0.1 µs)."""
    (compiled,) = function.overloads.values()
    entry: Callable[..., int] = compiled.entry_point
    return entry
