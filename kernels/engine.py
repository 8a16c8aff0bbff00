"""Plans and their calls: the only file that speaks to MXNet's C library outside a trace.

A ``Plan`` binds one program to one context: descriptors of all arrays, the entries of the compiled kernels and the
parameters, laid out once as the frame that ``native.py`` reads.  A call copies nothing: it fills in handles and
reads back handles.
"""

import ctypes
from collections.abc import Callable, Sequence
from functools import cache
from operator import itemgetter
from pathlib import Path
from types import ModuleType
from typing import Any

import llvmlite.binding
import mxnet
import numba
import numpy as np
from mxnet import gluon, nd
from mxnet.base import _LIB, NDArrayHandle, py_str
from mxnet.ndarray.ndarray import _DTYPE_NP_TO_MX

from .compile import load
from .effects import Draw, Move
from .errors import KernelError, UncompilableError
from .extent import Shape
from .graph import INPUT
from .primitives.base import concrete
from .program import Program
from .structure import Slot, Structure, is_flat, rebuild


@cache
def native() -> ModuleType:
    """The compiled launcher.  Loading it is most of Numba's one-off cost in a process."""
    if numba.config.DISABLE_JIT:
        raise KernelError("NUMBA_DISABLE_JIT is set: the numba variant needs Numba's compiler")
    llvmlite.binding.load_library_permanently(_LIB._name)
    return load("launcher", (Path(__file__).parent / "native.py").read_text())


@cache
def versions_are_readable() -> bool:
    """Whether the engine's count of writes to an array is where this build of MXNet has it: tried, not assumed."""
    probe = nd.zeros((2,), ctx=mxnet.cpu())
    seen = []
    for step in range(3):
        probe[:] = step
        probe.wait_to_read()
        seen.append(native().version_of(probe.handle.value))
    return [later - seen[0] for later in seen] == [0, 1, 2]


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
        module: ModuleType,
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
        self._arity = sum(1 for _ in program.graph.leaves_of(INPUT))
        self._parameters = tuple(parameters)
        self._launcher = native()
        self._addresses = (self._launcher.backward_recorded.address, self._launcher.delete_recorded.address)
        self._module = module  # owns the compiled entries
        self._frozen = [index for index, (name, _) in enumerate(program.inputs) if name in program.frozen]
        self._template = self._lay_out(batch, training)
        self._handles = len(self._template)
        self._frames: list[np.ndarray] = []
        self._confirmed: list[nd.NDArray] = []
        self._outputs = self._handles + len(program.inputs)
        self._heads = self._outputs + len(program.outputs) + len(program.saved)

    def _lay_out(self, batch: int, training: int) -> np.ndarray:
        """The constant part of a frame, in the order that native.py documents."""
        program, module = self.program, self._module
        arrays = [*program.inputs, *program.outputs, *program.saved]
        numbers = {name: number for number, (name, _) in enumerate(arrays)}
        recorded = module.enter_forward_recorded if program.saved else module.enter_forward
        entries = [entry.address for entry in (module.enter_forward, recorded, module.enter_backward)]
        kept = [numbers[name] for name, _ in program.kept]
        slopes = [numbers[name] for name in program.differentiated] + [numbers[move.old.name] for move in program.moves]
        needs = [word for move in program.moves for word in self._needs(move, len(slopes))]
        counts = [
            len(program.inputs),
            len(program.outputs),
            len(program.saved),
            len(kept),
            len(slopes),
            len(self._frozen),
        ]
        header = [
            *entries,
            self._context.device_typeid,
            self._context.device_id,
            *counts,
            batch,
            training,
            self._arity,
            len(program.draws),
            len(program.moves),
        ]
        descriptors = [number for _, value in arrays for number in self._descriptor(value.shape, value.dtype)]
        frozen = [number for index in self._frozen for number in (index, 0, -1)]
        return np.array([*header, *descriptors, *kept, *slopes, *needs, *frozen], np.int64)

    def _needs(self, move: Move, slopes: int) -> list[int]:
        """The gradients of which one must be wanted, as bits of words."""
        size = self._launcher.NEEDS
        table = [0] * (slopes // size + 1)
        for position, name in enumerate(self.program.differentiated):
            table[position // size] |= (name in move.needs) << position % size
        return table

    def _descriptor(self, shape: Shape, dtype: str) -> list[int]:
        maximum = self._launcher.MAXIMUM_RANK
        if len(shape) > maximum:
            raise UncompilableError(f"an array of {len(shape)} axes: the numba variant takes at most {maximum}")
        extents = [number for extent in shape for number in (extent.slope, extent.offset)]
        code = _DTYPE_NP_TO_MX[np.dtype(dtype).type]
        return [code, len(shape), *extents, *[0] * (2 * (maximum - len(shape)))]

    def holds_for(self, inputs: Sequence[nd.NDArray]) -> bool:
        """Whether forward is known to do for this batch size what the plan does."""
        return self.batches is None or inputs[self.batched].shape[0] in self.batches

    def confirm_constants(self) -> None:
        """Take the frozen constants as they are now for those that the program was made from."""
        # They are kept, so that no other array can come to lie where they are.
        self._confirmed = [self._parameters[index - self._arity].data(self._context) for index in self._frozen]
        size = self._launcher.FROZEN_ENTRY
        for position, array in enumerate(self._confirmed):
            array.wait_to_read()
            entry = len(self._template) + size * (position - len(self._frozen))
            self._template[entry + 1] = self._launcher.chunk_of(array.handle.value)
            self._template[entry + 2] = self._launcher.version_of(array.handle.value)
        self._frames = []

    def _frame(self, inputs: Sequence[nd.NDArray]) -> np.ndarray:
        try:
            frame = self._frames.pop()  # a frame belongs to one call at a time, whatever thread it comes from
        except IndexError:
            room = self._heads - self._handles + len(self.program.outputs) + len(self.gradients)
            room += len(self.program.moves)
            frame = np.concatenate([self._template, np.zeros(room, np.int64)])
        if len(inputs) != self._arity:
            raise MisfitError
        place = self._handles
        for array in inputs:
            if not isinstance(array, nd.NDArray):  # a Symbol has a handle too, of something else
                raise MisfitError
            frame[place] = array.handle.value
            place += 1
        for parameter in self._parameters:
            data = parameter._data
            array = data[0] if data is not None and len(data) == 1 else parameter.data(self._context)
            frame[place] = array.handle.value
            place += 1
        return frame

    def _draw(self, frame: np.ndarray) -> list[nd.NDArray]:
        """Draw what this call needs and put it into the frame: after the checks, so that no other call draws for it."""
        batch = self._launcher.batch_of(frame)
        if batch < 0:
            self._fail(-batch)
        arrays = [drawn(draw, batch, self._context) for draw in self.program.draws]
        first = self._handles + len(self.program.inputs) - len(arrays)
        for place, array in enumerate(arrays, first):
            frame[place] = array.handle.value
        return arrays

    def call(self, inputs: Sequence[nd.NDArray]) -> list[nd.NDArray]:
        """The outputs; recorded if MXNet is recording.  Raises ``MisfitError`` or ``ConstantChangedError``."""
        frame = self._frame(inputs)
        numbers = self._draw(frame) if self.program.draws else ()
        status = self._launcher.launch(frame, *self._addresses)
        del numbers  # only now: the frame had no more than their handles
        if status:
            self._fail(status)
        outputs = [_own(frame, self._outputs + index) for index in range(len(self.program.outputs))]
        self._frames.append(frame)
        return outputs

    def call_with_gradients(
        self, inputs: Sequence[nd.NDArray], heads: Sequence[nd.NDArray]
    ) -> tuple[list[nd.NDArray], list[nd.NDArray]]:
        """The outputs and the gradients of ``differentiated``, without a tape."""
        frame = self._frame(inputs)
        for index, head in enumerate(heads):
            frame[self._heads + index] = head.handle.value
        numbers = self._draw(frame) if self.program.draws else ()
        status = self._launcher.launch_with_gradients(frame)
        del numbers  # only now: the frame had no more than their handles
        if status:
            self._fail(status)
        outputs = [_own(frame, self._outputs + index) for index in range(len(self.program.outputs))]
        first = self._heads + len(self.program.outputs)
        gradients = [_own(frame, first + index) for index in range(len(self.gradients))]
        self._frames.append(frame)
        return outputs, gradients

    def _fail(self, status: int) -> None:
        if status == self._launcher.MISFIT:
            raise MisfitError
        if status == self._launcher.CHANGED:
            raise ConstantChangedError
        _LIB.MXGetLastError.restype = ctypes.c_char_p
        raise mxnet.MXNetError(py_str(_LIB.MXGetLastError()))


def _own(frame: np.ndarray, place: int) -> nd.NDArray:
    """The array whose handle the launcher put there."""
    return nd.NDArray(NDArrayHandle(frame.item(place)))


def drawn(draw: Draw, batch: int, context: mxnet.Context) -> nd.NDArray:
    """What MXNet draws, for one batch size."""
    operator = getattr(nd._internal, draw.operator)
    shape = concrete(draw.value.shape, batch)
    return operator(shape=shape, dtype=draw.value.dtype, ctx=str(context), **dict(draw.attributes))
