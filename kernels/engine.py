"""Plans and their calls.

A ``Plan`` binds one program to one context: descriptors of all arrays, the entries of the compiled kernels and the
parameters, laid out once as the frame that ``native`` reads.  A call copies nothing: it fills in handles and
reads back handles.
"""

from collections.abc import Callable, Sequence
from operator import itemgetter
from typing import Any

import mxnet
from mxnet import autograd, gluon, nd

from . import native
from .counts import chunk, version
from .effects import Draw
from .entries import Entries
from .frame import Frame
from .going_back import install
from .graph import INPUT
from .launch import launch, off_tape, on_tape, refusal
from .layout import Layout
from .primitives.base import concrete
from .program import Program
from .structure import Slot, Structure, is_flat, rebuild

# Parameters, each with the number of its copy on the plan's context and that copy.
Learned = tuple[tuple[gluon.Parameter, int, nd.NDArray], ...]


class ConstantChangedError(Exception):
    """A constant on whose values a plan rests was written to."""


class MisfitError(Exception):
    """A call's arrays are not those that a plan is for."""


def _returner(returns: Structure) -> Callable[[list[nd.NDArray]], Any]:
    """From the outputs in order to what forward returns."""
    if isinstance(returns, Slot):
        return itemgetter(0)
    if is_flat(returns) and returns.kind in (list, tuple):
        return returns.kind
    return lambda outputs: rebuild(returns, iter(outputs))


class Plan:
    """One program on one context.  ``parameters``: for each input after the call's own, where its array comes from."""

    def __init__(
        self,
        program: Program,
        context: mxnet.Context,
        batch: int,
        training: int,
        parameters: Sequence[gluon.Parameter],
    ) -> None:
        self.program = program
        keys = {leaf.array.name: leaf.key for leaf in program.graph.leaves}
        self.gradients = tuple(keys[name] for name in program.differentiated)
        # The batch sizes that were traced, if forward may branch on them; None where it never asks.
        self.batches: set[int] | None = None
        self.returned = _returner(program.graph.returns)
        rows = [leaf.array.shape[0] for leaf in program.graph.leaves_of(INPUT)]
        # The input whose first axis is the batch size; any, if the plan is for one shape only.
        self.batched = next((place for place, extent in enumerate(rows) if not extent.literal), 0)
        self._context = context
        self._parameters = tuple(parameters)
        self.launch = launch()
        self._entries = Entries(program)
        self.layout = Layout(program, context, batch, training)
        self.frames: list[Frame] = []
        self._confirmed: list[nd.NDArray] = []

    def holds_for(self, inputs: Sequence[nd.NDArray]) -> bool:
        """Whether forward is known to do for this batch size what the plan does."""
        return self.batches is None or inputs[self.batched].shape[0] in self.batches

    def confirm_constants(self) -> None:
        """Take the frozen constants as they are now for those that the program was made from."""
        # They are kept, so that no other array can come to lie where they are.
        layout = self.layout
        self._confirmed = [self._parameters[number - layout.arity].data(self._context) for number in layout.frozen]
        for place, array in enumerate(self._confirmed):
            array.wait_to_read()
            entry = layout.frozen_entry(place)
            layout.template[entry + 1] = chunk(array)
            layout.template[entry + 2] = version(array)
        self.frames.clear()

    def frame(self) -> Frame:
        """A frame that no other call uses; ``give_back`` it."""
        try:
            return self.frames.pop()
        except IndexError:
            return Frame(self.layout.template, self.layout.length)

    def _filled(self, inputs: Sequence[nd.NDArray]) -> Frame:
        # A Symbol has a handle too, of something else.
        if len(inputs) != self.layout.arity or not all(isinstance(array, nd.NDArray) for array in inputs):
            raise MisfitError
        frame = self.frame()
        frame.put(self.layout.inputs, inputs)
        self.learn(frame, [self._values(parameter) for parameter in self._parameters])
        frame.learned = None
        frame.clear(self.layout.outputs, len(self.program.outputs))
        return frame

    def learn(self, frame: Frame, arrays: Sequence[nd.NDArray]) -> None:
        """Put the arrays of parameters into a frame, to be looked at by the next call."""
        frame.put(self.layout.parameters, arrays)
        frame.words[native.UNPROVED] = self.layout.arity + len(arrays)

    def _values(self, parameter: gluon.Parameter) -> nd.NDArray:
        data = parameter._data
        return data[0] if data is not None and len(data) == 1 else parameter.data(self._context)

    def _draw(self, frame: Frame) -> list[nd.NDArray]:
        """Draw what this call needs and put it into the frame: after the checks, so that no other call draws for it."""
        self._check(self._ordered(frame, native.ONLY_ADMIT))
        arrays = [drawn(draw, frame.words[native.NOW], self._context) for draw in self.program.draws]
        frame.put(self.layout.outputs - len(arrays), arrays)
        return arrays

    def call(self, inputs: Sequence[nd.NDArray]) -> list[nd.NDArray]:
        """The outputs; recorded if MXNet is recording.  Raises ``MisfitError`` or ``ConstantChangedError``."""
        frame = self._filled(inputs)
        numbers = self._draw(frame) if self.program.draws else ()
        outputs = self._outputs_after(frame, self.launch(frame.address))
        del numbers  # only now: the frame had no more than their handles
        return outputs

    def call_with_gradients(
        self, inputs: Sequence[nd.NDArray], heads: Sequence[nd.NDArray]
    ) -> tuple[list[nd.NDArray], list[nd.NDArray]]:
        """The outputs and the gradients of ``differentiated``, without a tape."""
        frame = self._filled(inputs)
        frame.clear(self.layout.gradients, len(self.gradients))
        numbers = self._draw(frame) if self.program.draws else ()
        self._run_with_gradients(frame, heads)
        del numbers  # only now: the frame had no more than their handles
        outputs = frame.take(self.layout.outputs, len(self.program.outputs))
        gradients = frame.take(self.layout.gradients, len(self.gradients))
        self.frames.append(frame)
        return outputs, gradients

    def _run_with_gradients(self, frame: Frame, heads: Sequence[nd.NDArray]) -> None:
        frame.put(self.layout.heads, heads)
        self._check(self._ordered(frame, native.RUN_AND_KEEP))
        try:
            self._check(off_tape()(frame.address))
        except (MisfitError, mxnet.MXNetError):
            given = [handle for _, handle in frame.newer_all.values()]
            for place in range(self.layout.outputs, self.layout.heads):
                if frame.words[place] not in given:
                    frame.take(place, 1)  # and drop what this call made
            raise

    def run_with_gradients(self, frame: Frame, heads: Sequence[nd.NDArray]) -> bool:
        """Compute outputs and gradients for what stands in a frame; whether that was for this plan."""
        try:
            self._run_with_gradients(frame, heads)
        except (MisfitError, ConstantChangedError):
            return False
        return True

    def returned_places(self) -> list[int]:
        """Where in a frame the handles of outputs and gradients stand."""
        outputs, gradients = self.layout.outputs, self.layout.gradients
        return [
            *range(outputs, outputs + len(self.program.outputs)),
            *range(gradients, gradients + len(self.gradients)),
        ]

    def finish(self, frame: Frame, status: int) -> Any:
        """What forward returns, after the launcher returned ``status``; None if the call was not for this plan."""
        try:
            return self.returned(self._outputs_after(frame, status))
        except (MisfitError, ConstantChangedError):
            self.frames.append(frame)
            return None

    def _ordered(self, frame: Frame, order: int) -> int:
        """The status of a launch that does something else than usual."""
        frame.words[native.ORDER] = order
        status = self.launch(frame.address)
        if status == native.UNPREPARED:
            status = self._prepared(frame)
        frame.words[native.ORDER] = native.RUN
        return status

    def _prepared(self, frame: Frame) -> int:
        """The status of a launch again, with the entries that it lacked."""
        entries = self._entries
        if autograd.is_recording() or frame.words[native.ORDER] == native.RUN_AND_KEEP:
            addresses = {native.RECORDED: entries.recorded, native.BACKWARD: entries.backward}
            install()
        else:
            addresses = {native.FORWARD: entries.forward}
        for place, address in addresses.items():
            self.layout.template[place] = frame.words[place] = address
        self.frames.clear()  # they are like the template before
        return self.launch(frame.address)

    def _outputs_after(self, frame: Frame, status: int) -> list[nd.NDArray]:
        if status == native.UNPREPARED:
            status = self._prepared(frame)
        if status == native.KEPT_FOR_BACKWARD:
            status = on_tape()(frame.address)
        self._check(status)
        outputs = frame.take(self.layout.outputs, len(self.program.outputs))
        self.frames.append(frame)
        return outputs

    def _check(self, status: int) -> None:
        """Raise what a status of the launcher means."""
        if status == native.MISFIT:
            raise MisfitError
        if status == native.CHANGED:
            raise ConstantChangedError
        if status == native.FAILED:
            raise refusal()

    def learned(self) -> Learned:
        """The arrays that parameters have now, in the order of the inputs."""
        places = []
        for parameter in self._parameters:
            array = self._values(parameter)
            place = next(place for place, copy in enumerate(parameter._data) if copy is array)
            places.append((parameter, place, array))
        return tuple(places)


def drawn(draw: Draw, batch: int, context: mxnet.Context) -> nd.NDArray:
    """What MXNet draws, for one batch size."""
    operator = getattr(nd._internal, draw.operator)
    shape = concrete(draw.value.shape, batch)
    return operator(shape=shape, dtype=draw.value.dtype, ctx=str(context), **dict(draw.attributes))
