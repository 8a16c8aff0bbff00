"""Watch MXNet's own dispatch: every operator that a forward pass calls, with its arrays and the user's line.

``mxnet.base._LIB`` is an ordinary ctypes library object, and the entry points on it are ordinary attributes, so
wrapping them for the time of one forward pass sees every operator of an imperative Block.  That is sound for one
reason: MXNet 1.9.1 is the last release, so these entry points will not change any more.
"""

import ctypes
import re
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from types import FrameType
from typing import Any, NoReturn

import mxnet
import numpy as np
from mxnet.base import _LIB, c_str_array
from mxnet.ndarray.ndarray import _DTYPE_MX_TO_NP

from .errors import KernelError, UncompilableError
from .modes import MODAL, STAND_INS

OWN_PACKAGE = __name__.partition(".")[0]
EXAMPLES = f"{OWN_PACKAGE}.operators.examples"  # layers like anybody's, although they stand in this package

LEAVES_GRAPH = {
    "MXNDArraySyncCopyToCPU": (
        "copies an array to NumPy inside forward ({line}), by asnumpy(), asscalar(), printing or a condition on "
        "data: such a layer cannot be traced; keep the values in mx.nd (nd.where instead of if)"
    ),
    "MXNDArraySyncCopyFromCPU": (
        "makes an array from Python numbers inside forward ({line}): make it once in __init__, as a "
        "gluon.Constant, so that every variant sees the same array"
    ),
    "MXInvokeCachedOpEx": "calls a hybridized graph that is not one of its child blocks ({line}): register it",
    "MXCustomFunctionRecord": "calls an autograd.Function inside forward ({line}), which cannot be traced",
}


@dataclass(frozen=True)
class Seen:
    """One operator call: arrays by number, attributes as MXNet's own text."""

    operator: str
    inputs: tuple[int, ...]
    attributes: tuple[tuple[str, str], ...]
    outputs: tuple[int, ...]
    line: str


@dataclass
class Recording:
    """What one forward pass did.  Arrays are numbered in order of appearance, leaves first."""

    subject: str
    shapes: list[tuple[int, ...]] = field(default_factory=list)
    dtypes: list[str] = field(default_factory=list)
    calls: list[Seen] = field(default_factory=list)
    leaves: int = 0
    refusal: UncompilableError | None = None
    reads_shapes: bool = False
    slice_is_view: bool = False  # the next call of ``slice`` stands for a view of its input's memory
    _numbers: dict[int, int] = field(default_factory=dict)
    _memory: dict[int, int] = field(default_factory=dict)

    def add_leaf(self, array: mxnet.nd.NDArray) -> int:
        """Number an array that forward starts from."""
        self.leaves += 1
        return self._bind(array.handle.value)

    def number(self, array: mxnet.nd.NDArray) -> int:
        """The number of an array of this recording."""
        return self._find(array.handle.value, _user_line())

    def call(self, operator: str, inputs: list[int], attributes: dict[str, str], outputs: list[int]) -> None:
        """Note ``outputs = operator(inputs)``; arrays are given as MXNet handles."""
        line = _user_line()
        sources = tuple(self._find(handle, line) for handle in inputs)
        targets = tuple(self._bind(handle) for handle in outputs)
        if operator == "slice" and self.slice_is_view:
            self._memory[targets[0]] = self._memory[sources[0]]
        self.slice_is_view = False
        self.calls.append(Seen(operator, sources, tuple(attributes.items()), targets, line))

    def alias(self, operator: str, source: int, target: int, attributes: dict[str, str]) -> None:
        """Note an array that shares the memory of another."""
        line = _user_line()
        origin = self._find(source, line)
        number = self._bind(target)
        self._memory[number] = self._memory[origin]
        self.calls.append(Seen(operator, (origin,), tuple(attributes.items()), (number,), line))

    def row(self, source: int, target: int, index: int) -> None:
        """Note ``target = source[index]``, which shares its memory, as a slice and a reshape."""
        line = _user_line()
        origin = self._find(source, line)
        part = self._add((1, *self.shapes[origin][1:]), self.dtypes[origin])
        number = self._bind(target)
        self._memory[part] = self._memory[number] = self._memory[origin]
        place = (("axis", "0"), ("begin", str(index)), ("end", str(index + 1)))
        self.calls.append(Seen("slice_axis", (origin,), place, (part,), line))
        self.calls.append(Seen("Reshape", (part,), (("shape", str(self.shapes[number])),), (number,), line))

    def forget(self, handle: int) -> None:
        """The handle was freed; MXNet may use its address again."""
        self._numbers.pop(handle, None)

    def refuse(self, entry_point: str) -> NoReturn:
        """Raise the error for something that leaves the graph."""
        self._refuse(LEAVES_GRAPH[entry_point].format(line=_user_line()))

    def _bind(self, handle: int) -> int:
        shape = _shape(handle)
        if 0 in shape:  # operators that are given such an array may end the process
            reason = f"an array of shape {shape} in forward, at {_user_line()}: the batch is too small for it"
            raise KernelError(f"{self.subject} makes {reason}") from ValueError("an empty array")
        number = self._numbers[handle] = self._add(shape, _dtype(handle))
        return number

    def _add(self, shape: tuple[int, ...], dtype: str) -> int:
        number = self._memory[len(self.shapes)] = len(self.shapes)
        self.shapes.append(shape)
        self.dtypes.append(dtype)
        return number

    def _find(self, handle: int, line: str) -> int:
        if handle not in self._numbers:
            self._refuse(
                f"uses an array at {line} that is neither an input nor one of its parameters: "
                "register it as a gluon Parameter or Constant"
            )
        return self._numbers[handle]

    def check_writable(self, handle: int) -> None:
        """Refuse a write that other arrays would see, before it happens."""
        number = self._numbers.get(handle)
        if number is None:  # an array made empty inside forward, written for the first time
            return
        sharers = sum(memory == self._memory[number] for memory in self._memory.values())
        if number < self.leaves or sharers > 1:
            what = "an input or a parameter" if number < self.leaves else "a view of another array"
            self._refuse(f"writes into {what} at {_user_line()}: compute a new array instead")

    def note_shape(self) -> None:
        """Somebody asks for a shape; a user's forward may then branch on it."""
        frame: FrameType | None = sys._getframe(1)
        while frame is not None:
            package = _package(frame)
            if package not in ("mxnet", OWN_PACKAGE):
                self.reads_shapes = True
            if package != "mxnet" and frame.f_code.co_name != "watched" and "<lambda>" not in frame.f_code.co_name:
                return
            frame = frame.f_back

    def _refuse(self, reason: str) -> NoReturn:
        self.refusal = UncompilableError(f"{self.subject} {reason}")
        raise self.refusal


def _shape(handle: int) -> tuple[int, ...]:
    rank, extents = ctypes.c_int(), ctypes.POINTER(ctypes.c_int)()
    _LIB.MXNDArrayGetShapeEx(ctypes.c_void_p(handle), ctypes.byref(rank), ctypes.byref(extents))
    return tuple(extents[axis] for axis in range(rank.value))


def _dtype(handle: int) -> str:
    code = ctypes.c_int()
    _LIB.MXNDArrayGetDType(ctypes.c_void_p(handle), ctypes.byref(code))
    numpy_type = _DTYPE_MX_TO_NP[code.value]
    return "none" if numpy_type is None else np.dtype(numpy_type).name


def _filling(handle: int, address: int) -> dict[str, str]:
    """The attributes of ``_full`` that make an array of one element what the number at this address makes it."""
    dtype = np.dtype(_dtype(handle))
    number = np.frombuffer(ctypes.string_at(address, dtype.itemsize), dtype)[0]
    return {"shape": str(_shape(handle)), "dtype": dtype.name, "value": repr(number.item())}


def _operator_name(handle: int) -> str:
    name = ctypes.c_char_p()
    _LIB.MXSymbolGetAtomicSymbolName(ctypes.c_void_p(handle), ctypes.byref(name))
    return (name.value or b"").decode()


def _package(frame: FrameType) -> str:
    module: str = frame.f_globals.get("__name__", "")
    return EXAMPLES if module.startswith(EXAMPLES) else module.partition(".")[0]


def _operator(name: str) -> ctypes.c_void_p:
    handle = ctypes.c_void_p()
    _LIB.NNGetOpHandle(name.encode(), ctypes.byref(handle))
    return handle


def _user_line() -> str:
    """Where the user's code called MXNet: the innermost frame outside MXNet, or else the Gluon layer's own."""
    gluon_layer = gluon_code = ""
    frame: FrameType | None = sys._getframe(1)
    while frame is not None:
        package = _package(frame)
        # The line goes into generated source: only what cannot end a comment or a string there.
        name = re.sub(r"[^\w. +-]", "_", Path(frame.f_code.co_filename).name)
        function, where = frame.f_code.co_name, f"{name}:{frame.f_lineno}"
        if package == OWN_PACKAGE:
            if function == run_watched.__name__:
                break
        elif package != "mxnet":
            return where
        elif function in {"forward", "hybrid_forward"} and not gluon_layer:
            gluon_layer = f"mxnet {where}"
        elif frame.f_globals["__name__"].startswith("mxnet.gluon.") and not gluon_code:
            gluon_code = f"mxnet {where}"
        frame = frame.f_back
    return gluon_layer or gluon_code


def run_watched(recording: Recording, forward: Callable[[], Any]) -> Any:
    """Call ``forward`` and note every operator that this thread invokes on the way."""
    with _wrapped(_watchers(recording)), _slices_by_operator(recording):
        return forward()


@contextmanager
def forgiving_halves() -> Iterator[None]:
    """For a while, let operators on float16 fail when they run, as several do on MXNet's CPU, without a word.

    A trace needs their results' shapes and dtypes, which MXNet knows before, and no values.
    """

    def watcher(original: Callable[..., int]) -> Callable[..., int]:
        def watched(operator: Any, count: Any, inputs: Any, output_count: Any, outputs: Any, *rest: Any) -> int:
            status = original(operator, count, inputs, output_count, outputs, *rest)
            results = [outputs._obj[i] for i in range(output_count._obj.value)] if status == 0 else []
            arrays = [*(inputs[i] for i in range(count.value)), *results]
            if any(_dtype(array) == "float16" for array in arrays):
                for result in results:
                    _LIB.MXNDArrayWaitToRead(ctypes.c_void_p(result))  # MXNet reports a failure once
            return status

        return watched

    with _wrapped({"MXImperativeInvokeEx": watcher}):
        yield


_LOCK = threading.RLock()


@contextmanager
def _wrapped(watchers: dict[str, Callable[..., Callable[..., int]]]) -> Iterator[None]:
    """Put watchers in front of the library's entry points, for calls from this thread only."""
    thread = threading.get_ident()
    with _LOCK:
        originals = {name: getattr(_LIB, name) for name in watchers}

        def guard(original: Callable[..., int], watched: Callable[..., int]) -> Callable[..., int]:
            return lambda *arguments: (watched if threading.get_ident() == thread else original)(*arguments)

        for name, watcher in watchers.items():
            setattr(_LIB, name, guard(originals[name], watcher(originals[name])))
        try:
            yield
        finally:
            for name, original in originals.items():
                setattr(_LIB, name, original)


@contextmanager
def _slices_by_operator(recording: Recording) -> Iterator[None]:
    """Let ``x[…]`` call the operator ``slice`` also where MXNet would take a view of contiguous memory.

    Whether memory is contiguous depends on the batch size, and the trace should not; writes to what would have been a
    view are refused like those to any other.
    """
    thread = threading.get_ident()
    original = mxnet.nd.NDArray._basic_indexing_slice_is_contiguous

    def asked(key: Any, shape: Any) -> bool:
        contiguous = bool(original(key, shape))
        if threading.get_ident() != thread:
            return contiguous
        recording.slice_is_view = contiguous
        return False

    mxnet.nd.NDArray._basic_indexing_slice_is_contiguous = staticmethod(asked)
    try:
        yield
    finally:
        mxnet.nd.NDArray._basic_indexing_slice_is_contiguous = staticmethod(original)


@contextmanager
def _predicting() -> Iterator[None]:
    """Prediction mode, whatever Python code sees."""
    before = ctypes.c_int()
    _LIB.MXAutogradSetIsTraining(ctypes.c_int(0), ctypes.byref(before))
    try:
        yield
    finally:
        _LIB.MXAutogradSetIsTraining(before, ctypes.byref(ctypes.c_int()))


def _invoke_unmarked(
    original: Callable[..., int], name: str, attributes: dict[str, str], arguments: tuple[Any, ...]
) -> int:
    """``MXImperativeInvokeEx``, in prediction mode or with a stand-in for an operator that would leave a mark."""
    operator, *rest, _, _, _, storage = arguments
    if name in MODAL:
        with _predicting():
            return original(operator, *rest, *_texts({**attributes, **MODAL[name].predicting}), storage)
    if name in STAND_INS:
        stand_in, shared = STAND_INS[name]
        known = {key: attributes[key] for key in shared if attributes.get(key, "None") != "None"}
        return original(_operator(stand_in), *rest, *_texts(known), storage)
    return original(*arguments)


def _texts(attributes: dict[str, str]) -> tuple[Any, ...]:
    """Attributes as the library takes them."""
    return ctypes.c_int(len(attributes)), c_str_array(list(attributes)), c_str_array(list(attributes.values()))


@contextmanager
def unmarked() -> Iterator[None]:
    """Let forward passes of this thread leave no mark on running statistics and the random stream."""

    def invoke(original: Callable[..., int]) -> Callable[..., int]:
        def quiet(operator: Any, *rest: Any) -> int:
            *_, count, keys, values, _ = rest
            attributes = {keys[i].decode(): values[i].decode() for i in range(count.value)}
            return _invoke_unmarked(original, _operator_name(operator.value), attributes, (operator, *rest))

        return quiet

    with _wrapped({"MXImperativeInvokeEx": invoke}):
        yield


def _watchers(recording: Recording) -> dict[str, Callable[..., Callable[..., int]]]:
    """For each entry point, a function from the original to its watched form (signatures: MXNet's c_api.h)."""

    def invoke(original: Callable[..., int]) -> Callable[..., int]:
        def watched(operator: Any, count: Any, inputs: Any, *rest: Any) -> int:
            output_count, outputs, attribute_count, keys, values, _ = rest
            for index in range(output_count._obj.value):  # given by the caller: they will be written to
                recording.check_writable(outputs._obj[index])
            name = _operator_name(operator.value)
            attributes = {keys[i].decode(): values[i].decode() for i in range(attribute_count.value)}
            status = _invoke_unmarked(original, name, attributes, (operator, count, inputs, *rest))
            if status == 0:
                sources = [inputs[i] for i in range(count.value)]
                recording.call(name, sources, attributes, [outputs._obj[i] for i in range(output_count._obj.value)])
            return status

        return watched

    def view(name: str, describe: Callable[[int, tuple[Any, ...]], dict[str, str]]) -> Any:
        def watcher(original: Callable[..., int]) -> Callable[..., int]:
            def watched(source: Any, *rest: Any) -> int:
                status = original(source, *rest)
                if status == 0:
                    target = rest[-1]._obj.value
                    recording.alias(name, source.value, target, describe(target, rest))
                return status

            return watched

        return watcher

    def row(original: Callable[..., int]) -> Callable[..., int]:
        def watched(source: Any, index: Any, target: Any) -> int:
            status = original(source, index, target)
            if status == 0:
                recording.row(source.value, target._obj.value, index.value)
            return status

        return watched

    def asked(original: Callable[..., int]) -> Callable[..., int]:
        def watched(*arguments: Any) -> int:
            recording.note_shape()
            return original(*arguments)

        return watched

    def free(original: Callable[..., int]) -> Callable[..., int]:
        def watched(handle: Any) -> int:
            recording.forget(handle.value)
            return original(handle)

        return watched

    def copy_from_numpy(original: Callable[..., int]) -> Callable[..., int]:
        def watched(handle: Any, data: Any, count: Any) -> int:
            if int(getattr(count, "value", count)) != 1:
                recording.refuse("MXNDArraySyncCopyFromCPU")
            recording.check_writable(handle.value)
            status = original(handle, data, count)
            if status == 0:  # one number is as good as the operator's attribute
                recording.call("_full", [], _filling(handle.value, data.value), [handle.value])
            return status

        return watched

    def refused(name: str) -> Callable[..., Callable[..., int]]:
        return lambda _original: lambda *_arguments: recording.refuse(name)

    rows = view("slice_axis", lambda _, rest: {"axis": "0", "begin": str(rest[0].value), "end": str(rest[1].value)})
    return {
        "MXImperativeInvokeEx": invoke,
        "MXNDArrayReshape64": view("Reshape", lambda target, _: {"shape": str(_shape(target))}),
        "MXNDArraySlice": rows,
        "MXNDArraySlice64": rows,
        "MXNDArrayAt": row,
        "MXNDArrayAt64": row,
        "MXNDArrayDetach": view("BlockGrad", lambda *_: {}),
        "MXNDArrayGetShapeEx": asked,
        "MXNDArrayGetShapeEx64": asked,
        "MXNDArrayFree": free,
        **{name: refused(name) for name in LEAVES_GRAPH},
        "MXNDArraySyncCopyFromCPU": copy_from_numpy,
    }
