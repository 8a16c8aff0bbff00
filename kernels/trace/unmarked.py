"""Forward passes that leave no mark: on running statistics, on the random stream, and none of a half that fails."""

import ctypes
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from mxnet.base import _LIB, c_str_array

from ..modes import MODAL, STAND_INS
from .entry_points import wrapped
from .handles import dtype_of, operator_called, operator_name


@contextmanager
def unmarked() -> Iterator[None]:
    """Let forward passes of this thread leave no mark on running statistics and the random stream."""

    def invoke(original: Callable[..., int]) -> Callable[..., int]:
        def quiet(operator: Any, *rest: Any) -> int:
            *_, count, keys, values, _ = rest
            attributes = {keys[i].decode(): values[i].decode() for i in range(count.value)}
            return invoke_unmarked(original, operator_name(operator.value), attributes, (operator, *rest))

        return quiet

    with wrapped({"MXImperativeInvokeEx": invoke}):
        yield


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
            if any(dtype_of(array) == "float16" for array in arrays):
                for result in results:
                    _LIB.MXNDArrayWaitToRead(ctypes.c_void_p(result))  # MXNet reports a failure once
            return status

        return watched

    with wrapped({"MXImperativeInvokeEx": watcher}):
        yield


# As it is, whatever stands in front of it in a trace.
_SET_TRAINING = _LIB.MXAutogradSetIsTraining


@contextmanager
def _predicting() -> Iterator[None]:
    """Prediction mode, whatever Python code sees."""
    before = ctypes.c_int()
    _SET_TRAINING(ctypes.c_int(0), ctypes.byref(before))
    try:
        yield
    finally:
        _SET_TRAINING(before, ctypes.byref(ctypes.c_int()))


def invoke_unmarked(
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
        return original(operator_called(stand_in), *rest, *_texts(known), storage)
    return original(*arguments)


def _texts(attributes: dict[str, str]) -> tuple[Any, ...]:
    """Attributes as the library takes them."""
    return ctypes.c_int(len(attributes)), c_str_array(list(attributes)), c_str_array(list(attributes.values()))
