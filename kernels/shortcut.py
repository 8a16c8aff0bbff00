"""The short way of a call: one function of everything that a plan knows before its inputs come.

Between a small layer's inputs and its kernel there is little but Python, so this is written for the interpreter: local
names, hardly a call, and every doubt left to the long way (``jitted.py``), which says what is wrong or finds another
plan.  Shapes, dtypes, contexts, modes and frozen constants are the launcher's to check, as on the long way.
"""

from collections.abc import Callable, Sequence
from sys import getrefcount
from typing import Any

from mxnet import nd
from mxnet.base import NDArrayHandle

from .counts import holders_are_countable
from .engine import Plan
from .frame import Frame, own
from .launch import on_tape
from .native import KEPT_FOR_BACKWARD
from .structure import Slot

# What forward returns for arrays; None where only the long way knows.
Shortcut = Callable[[Sequence[Any]], Any]

ShortcutWithGradients = Callable[[Sequence[Any], Sequence[Any]], tuple[Any, dict[str, nd.NDArray]] | None]

# How often an array is referred to that nobody else holds: by its frame, by a local name, by getrefcount's argument.
OURS = 3


def closed(*inputs: Sequence[Any]) -> None:
    """Of a plan that has none: where more must be asked or done than the launcher can."""


def shortcut(plan: Plan) -> Shortcut:
    """The short way of a plan while its parameters have the arrays that they have now."""
    fill = _filler(plan)
    if fill is None:
        return closed
    launch, frames, place, count = plan.launch, plan.frames, plan.layout.outputs, len(plan.program.outputs)
    single = isinstance(plan.program.graph.returns, Slot)
    ours = OURS if single and holders_are_countable() else -1
    array_type, handle_type, make = nd.NDArray, NDArrayHandle, nd.NDArray.__new__

    def call(inputs: Sequence[Any]) -> Any:
        frame = fill(inputs)
        if frame is None:
            return None
        words, again = frame.words, frame.newer
        if not single:
            frame.clear(place, count)
        if getrefcount(again) == ours:  # it is the likelier one to be in a processor's cache
            words[place] = offered = frame.newer_handle
        else:
            again, frame.older, frame.newer = frame.older, again, None
            frame.newer_handle, frame.older_handle = frame.older_handle, frame.newer_handle
            words[place] = offered = frame.newer_handle if getrefcount(again) == ours - 1 else 0
        status = launch(frame.address)
        if status == KEPT_FOR_BACKWARD and single:
            status = on_tape()(frame.address)
            if not status:  # what MXNet recorded is not held longer than its user does
                frames.append(frame)
                return own(words[place])
        if status or not single:
            return plan.finish(frame, status)
        handle = words[place]
        if handle != offered:
            again = make(array_type)
            again.handle = handle_type(handle)
            again.writable = True
            frame.newer_handle = handle
        frame.newer = again
        frames.append(frame)
        return again

    return call


def shortcut_with_gradients(plan: Plan) -> ShortcutWithGradients:
    """The same for a call with gradients; heads are as many as outputs."""
    fill = _filler(plan)
    if fill is None:
        return closed
    places, count = plan.returned_places(), len(plan.program.outputs)
    ours = OURS - 1 if holders_are_countable() else -1  # without a local name
    nothing: dict[int, tuple[nd.NDArray | None, int]] = dict.fromkeys(places, (None, 0))

    def call(inputs: Sequence[Any], heads: Sequence[Any]) -> tuple[Any, dict[str, nd.NDArray]] | None:
        frame = fill(inputs)
        if frame is None:
            return None
        words, newer, older = frame.words, frame.newer_all, frame.older_all
        if not newer:
            newer.update(nothing)
            older.update(nothing)
        for place in places:
            if getrefcount(newer[place][0]) != ours:
                newer[place], older[place] = older[place], newer[place]
            words[place] = newer[place][1] if getrefcount(newer[place][0]) == ours else 0
        if not plan.run_with_gradients(frame, heads):
            return None
        for place in places:
            handle = words[place]
            if newer[place][1] != handle:
                newer[place] = own(handle), handle
        arrays = [newer[place][0] for place in places]
        plan.frames.append(frame)
        return plan.returned(arrays[:count]), dict(zip(plan.gradients, arrays[count:], strict=True))

    return call


def _filler(plan: Plan) -> Callable[[Sequence[Any]], Frame | None] | None:
    """A function from a call's inputs to a frame with their handles; None if more must be asked or done for a call."""
    if plan.batches is not None or plan.program.draws:
        return None
    learned = plan.learned()
    frames, arity, first, array_type = plan.frames, plan.layout.arity, plan.layout.inputs, nd.NDArray

    def fill(inputs: Sequence[Any]) -> Frame | None:
        if len(inputs) != arity:
            return None
        try:
            for parameter, copy, array in learned:
                if parameter._data[copy] is not array:
                    return None
        except (IndexError, TypeError):  # it has none, or fewer
            return None
        try:
            frame = frames.pop()
        except IndexError:
            frame = plan.frame()
        if frame.learned is not learned:
            plan.learn(frame, [array for *_, array in learned])
            frame.learned = learned
        words, number = frame.words, first
        for array in inputs:
            if not isinstance(array, array_type):  # a Symbol has a handle too, of something else
                frames.append(frame)
                return None
            words[number] = array.handle.value
            number += 1
        return frame

    return fill
