"""Plans and their calls: the only file that speaks to MXNet's C library outside a trace.

A ``Plan`` binds one program to one context: descriptors of all arrays, the entries of the compiled kernels and the
parameters, laid out once as the frame that ``native`` reads.  A call copies nothing: it fills in handles and
reads back handles.
"""

import ctypes
import hashlib
from collections.abc import Callable, Sequence
from functools import cache
from itertools import accumulate, chain
from operator import itemgetter
from pathlib import Path
from types import ModuleType
from typing import Any

import llvmlite.binding
import mxnet
import numba
import numpy as np
from mxnet import autograd, gluon, nd
from mxnet.base import _LIB, py_str
from mxnet.ndarray.ndarray import _DTYPE_NP_TO_MX
from numba.core.dispatcher import Dispatcher

from . import native
from .compile import load
from .counts import chunk, version
from .effects import Draw, Move
from .entries import Entries
from .errors import KernelError, UncompilableError
from .extent import Shape
from .frame import Frame
from .graph import INPUT
from .primitives.base import concrete
from .program import Program
from .structure import Slot, Structure, is_flat, rebuild


@cache
def launcher() -> ModuleType:
    """What is compiled between a Python call and a kernel.  Loading it is most of Numba's one-off cost in a process."""
    if numba.config.DISABLE_JIT:
        raise KernelError("NUMBA_DISABLE_JIT is set: the numba variant needs Numba's compiler")
    llvmlite.binding.load_library_permanently(_LIB._name)
    return _loaded("launcher")


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
def _loaded(name: str) -> ModuleType:
    """One of the files in ``native``, from the cache; what it is made of has a part in its name there."""
    text, parts = ((Path(__file__).parent / f"native/{stem}.py").read_text() for stem in (name, "__init__"))
    return load(name, f"{text}\n# of parts with the digest {hashlib.sha256(parts.encode()).hexdigest()}\n")


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
        self.arity = sum(1 for _ in program.graph.leaves_of(INPUT))
        self._parameters = tuple(parameters)
        self.launch = _entry(launcher().launch)
        self._entries = Entries(program)
        self._frozen = [index for index, (name, _) in enumerate(program.inputs) if name in program.frozen]
        self.frames: list[Frame] = []
        self._confirmed: list[nd.NDArray] = []
        self._template = self._lay_out(batch, training)
        self.handles = len(self._template)
        self.outputs = self.handles + len(program.inputs)
        self._heads = self.outputs + len(program.outputs) + len(program.saved)
        self._gradients = self._heads + len(program.outputs)
        self._length = int(self._template[native.SCRATCH]) + self._room()

    def _lay_out(self, batch: int, training: int) -> np.ndarray:
        """The constant part of a frame, in the order that native documents."""
        program = self.program
        arrays = [*program.inputs, *program.outputs, *program.saved]
        numbers = {name: number for number, (name, _) in enumerate(arrays)}
        slopes = [numbers[name] for name in program.differentiated] + [numbers[move.old.name] for move in program.moves]
        tables: list[Sequence[Any]] = [
            [number for _, value in arrays for number in self._descriptor(value.shape, value.dtype)],
            [numbers[name] for name, _ in program.kept],
            slopes,
            [word for move in program.moves for word in self._needs(move, len(slopes))],
            [number for index in self._frozen for number in (index, 0, -1)],
            arrays,  # their handles
            [*program.heads, *slopes],  # their handles
        ]
        header = [
            *(0, 0, 0),  # entries
            self._context.device_typeid,
            self._context.device_id,
            len(program.inputs),
            len(program.outputs),
            len(program.saved),
            len(program.kept),
            len(slopes),
            len(self._frozen),
            batch,
            training,
            self.arity,
            len(program.moves),
            *(0, 0, 0),  # what a call says for itself
            *accumulate((len(table) for table in tables[1:]), initial=native.TABLES + len(tables[0])),
        ]
        return np.array([*header, *chain.from_iterable(tables[:5])], np.int64)

    def _room(self) -> int:
        """How many words the launcher needs for itself."""
        slopes, kept = len(self.gradients) + len(self.program.moves), len(self.program.kept)
        forward, backward = self._heads - self.handles, len(self.program.outputs) + 2 * kept + 3 * slopes
        return native.ROOM + max(forward, backward)

    def _needs(self, move: Move, slopes: int) -> list[int]:
        """The gradients of which one must be wanted, as bits of words."""
        size = native.NEEDS
        table = [0] * (slopes // size + 1)
        for position, name in enumerate(self.program.differentiated):
            table[position // size] |= (name in move.needs) << position % size
        return table

    def _descriptor(self, shape: Shape, dtype: str) -> list[int]:
        maximum = native.MAXIMUM_RANK
        if len(shape) > maximum:
            raise UncompilableError(f"an array of {len(shape)} axes: the numba variant takes at most {maximum}")
        extents = [number for extent in shape for number in (extent.slope, extent.offset)]
        kind = np.dtype(dtype)
        return [_DTYPE_NP_TO_MX[kind.type], kind.itemsize, len(shape), *extents, *[0] * (2 * (maximum - len(shape)))]

    def holds_for(self, inputs: Sequence[nd.NDArray]) -> bool:
        """Whether forward is known to do for this batch size what the plan does."""
        return self.batches is None or inputs[self.batched].shape[0] in self.batches

    def confirm_constants(self) -> None:
        """Take the frozen constants as they are now for those that the program was made from."""
        # They are kept, so that no other array can come to lie where they are.
        self._confirmed = [self._parameters[index - self.arity].data(self._context) for index in self._frozen]
        size = native.FROZEN_ENTRY
        for position, array in enumerate(self._confirmed):
            array.wait_to_read()
            entry = len(self._template) + size * (position - len(self._frozen))
            self._template[entry + 1] = chunk(array)
            self._template[entry + 2] = version(array)
        self.frames.clear()

    def frame(self) -> Frame:
        """A frame that no other call uses; ``give_back`` it."""
        try:
            return self.frames.pop()
        except IndexError:
            return Frame(self._template, self._length)

    def _filled(self, inputs: Sequence[nd.NDArray]) -> Frame:
        # A Symbol has a handle too, of something else.
        if len(inputs) != self.arity or not all(isinstance(array, nd.NDArray) for array in inputs):
            raise MisfitError
        frame = self.frame()
        frame.put(self.handles, inputs)
        self.learn(frame, [self._values(parameter) for parameter in self._parameters])
        frame.learned = None
        frame.clear(self.outputs, len(self.program.outputs))
        return frame

    def learn(self, frame: Frame, arrays: Sequence[nd.NDArray]) -> None:
        """Put the arrays of parameters into a frame, to be looked at by the next call."""
        frame.put(self.handles + self.arity, arrays)
        frame.words[native.UNPROVED] = self.arity + len(arrays)

    def _values(self, parameter: gluon.Parameter) -> nd.NDArray:
        data = parameter._data
        return data[0] if data is not None and len(data) == 1 else parameter.data(self._context)

    def _draw(self, frame: Frame) -> list[nd.NDArray]:
        """Draw what this call needs and put it into the frame: after the checks, so that no other call draws for it."""
        self._check(self._ordered(frame, native.ONLY_ADMIT))
        arrays = [drawn(draw, frame.words[native.NOW], self._context) for draw in self.program.draws]
        frame.put(self.outputs - len(arrays), arrays)
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
        frame.clear(self._gradients, len(self.gradients))
        numbers = self._draw(frame) if self.program.draws else ()
        self._run_with_gradients(frame, heads)
        del numbers  # only now: the frame had no more than their handles
        outputs = frame.take(self.outputs, len(self.program.outputs))
        gradients = frame.take(self._gradients, len(self.gradients))
        self.frames.append(frame)
        return outputs, gradients

    def _run_with_gradients(self, frame: Frame, heads: Sequence[nd.NDArray]) -> None:
        frame.put(self._heads, heads)
        self._check(self._ordered(frame, native.RUN_AND_KEEP))
        try:
            self._check(off_tape()(frame.address))
        except (MisfitError, mxnet.MXNetError):
            given = [handle for _, handle in frame.newer_all.values()]
            for place in range(self.outputs, self._heads):
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
        outputs, gradients = len(self.program.outputs), len(self.gradients)
        return [*range(self.outputs, self.outputs + outputs), *range(self._gradients, self._gradients + gradients)]

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
        else:
            addresses = {native.FORWARD: entries.forward}
        for place, address in addresses.items():
            self._template[place] = frame.words[place] = address
        self.frames.clear()  # they are like the template before
        return self.launch(frame.address)

    def _outputs_after(self, frame: Frame, status: int) -> list[nd.NDArray]:
        if status == native.UNPREPARED:
            status = self._prepared(frame)
        if status == native.KEPT_FOR_BACKWARD:
            status = on_tape()(frame.address)
        self._check(status)
        outputs = frame.take(self.outputs, len(self.program.outputs))
        self.frames.append(frame)
        return outputs

    def _check(self, status: int) -> None:
        """Raise what a status of the launcher means."""
        if status == native.MISFIT:
            raise MisfitError
        if status == native.CHANGED:
            raise ConstantChangedError
        if status == native.FAILED:
            _LIB.MXGetLastError.restype = ctypes.c_char_p
            raise mxnet.MXNetError(py_str(_LIB.MXGetLastError()))

    def learned(self) -> Learned:
        """The arrays that parameters have now, in the order of the inputs."""
        places = []
        for parameter in self._parameters:
            array = self._values(parameter)
            place = next(place for place, copy in enumerate(parameter._data) if copy is array)
            places.append((parameter, place, array))
        return tuple(places)


def _entry(function: Dispatcher) -> Callable[..., int]:
    """A function that was compiled for one signature, without Numba's search for the one that is meant (0.1 µs)."""
    (compiled,) = function.overloads.values()
    entry: Callable[..., int] = compiled.entry_point
    return entry


def drawn(draw: Draw, batch: int, context: mxnet.Context) -> nd.NDArray:
    """What MXNet draws, for one batch size."""
    operator = getattr(nd._internal, draw.operator)
    shape = concrete(draw.value.shape, batch)
    return operator(shape=shape, dtype=draw.value.dtype, ctx=str(context), **dict(draw.attributes))
