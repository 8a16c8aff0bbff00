"""Watch MXNet's own dispatch: every operator that a forward pass calls, with its arrays and the user's line.

``mxnet.base._LIB`` is an ordinary ctypes library object, and the entry points on it are ordinary attributes, so
wrapping them for the time of one forward pass sees every operator of an imperative Block.  That is sound for one
reason: MXNet 1.9.1 is the last release, so these entry points will not change any more.
"""

import math
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import mxnet

from .entry_points import wrapped
from .handles import filling, operator_name, shape_of
from .recording import LEAVES_GRAPH, Recording
from .unmarked import invoke_unmarked


def run_watched(recording: Recording, forward: Callable[[], Any]) -> Any:
    """Call ``forward`` and note every operator that this thread invokes on the way."""
    with wrapped(_watchers(recording)), _slices_by_operator(recording):
        return forward()


def check_fits(attributes: dict[str, str], shape: tuple[int, ...]) -> None:
    """Refuse a ``Reshape`` to another number of elements, as (3, 5) to (-1, 10): MXNet writes past the end of it."""
    known = {key: value for key, value in attributes.items() if key in ("shape", "reverse")}
    _, (result,), _ = mxnet.sym.Reshape(mxnet.sym.Variable("x"), **known).infer_shape(x=shape)
    if math.prod(result) != math.prod(shape):
        raise ValueError(f"an array of shape {shape} cannot become one of shape {attributes['shape']}")


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


def _watchers(recording: Recording) -> dict[str, Callable[..., Callable[..., int]]]:
    """For each entry point, a function from the original to its watched form (signatures: MXNet's c_api.h)."""

    def invoke(original: Callable[..., int]) -> Callable[..., int]:
        def watched(operator: Any, count: Any, inputs: Any, *rest: Any) -> int:
            output_count, outputs, attribute_count, keys, values, _ = rest
            for index in range(output_count._obj.value):  # given by the caller: they will be written to
                recording.check_writable(outputs._obj[index])
            name = operator_name(operator.value)
            attributes = {keys[i].decode(): values[i].decode() for i in range(attribute_count.value)}
            if name == "Reshape":
                check_fits(attributes, shape_of(inputs[0]))
            status = invoke_unmarked(original, name, attributes, (operator, count, inputs, *rest))
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
                recording.call("_full", [], filling(handle.value, data.value), [handle.value])
            return status

        return watched

    def refused(name: str) -> Callable[..., Callable[..., int]]:
        return lambda _original: lambda *_arguments: recording.refuse(name)

    rows = view("slice_axis", lambda _, rest: {"axis": "0", "begin": str(rest[0].value), "end": str(rest[1].value)})
    return {
        "MXImperativeInvokeEx": invoke,
        "MXNDArrayReshape64": view("Reshape", lambda target, _: {"shape": str(shape_of(target))}),
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
