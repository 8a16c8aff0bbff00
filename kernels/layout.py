"""What all frames of a plan have in common, and where in them the rest stands (``native`` documents the order)."""

from collections.abc import Sequence
from itertools import accumulate, chain
from typing import Any

import mxnet
import numpy as np
from mxnet.ndarray.ndarray import _DTYPE_NP_TO_MX

from . import native
from .effects import Move
from .errors import UncompilableError
from .extent import Shape
from .graph import INPUT
from .program import Program


class Layout:
    """``template`` is the part of a frame that calls do not change, ``length`` counts the words of all of it.

    The handles of inputs begin at the word ``inputs``, those of parameters at ``parameters``, and so on.  ``frozen``
    are the numbers of the inputs on whose values the program rests.
    """

    def __init__(self, program: Program, context: mxnet.Context, batch: int, training: int) -> None:
        self._program = program
        self.arity = sum(1 for _ in program.graph.leaves_of(INPUT))
        self.frozen = [number for number, (name, _) in enumerate(program.inputs) if name in program.frozen]
        self.template = self._laid_out(context, batch, training)
        self.inputs = len(self.template)
        self.parameters = self.inputs + self.arity
        self.outputs = self.inputs + len(program.inputs)
        self.heads = self.outputs + len(program.outputs) + len(program.saved)
        self.gradients = self.heads + len(program.outputs)
        self.length = int(self.template[native.SCRATCH]) + self._room()

    def frozen_entry(self, place: int) -> int:
        """The word where the entry of ``frozen[place]`` begins."""
        return self.inputs + native.FROZEN_ENTRY * (place - len(self.frozen))

    def _laid_out(self, context: mxnet.Context, batch: int, training: int) -> np.ndarray:
        program = self._program
        arrays = [*program.inputs, *program.outputs, *program.saved]
        numbers = {name: number for number, (name, _) in enumerate(arrays)}
        slopes = [numbers[name] for name in program.differentiated] + [numbers[move.old.name] for move in program.moves]
        tables: list[Sequence[Any]] = [
            [number for _, value in arrays for number in _descriptor(value.shape, value.dtype)],
            [numbers[name] for name, _ in program.kept],
            slopes,
            [word for move in program.moves for word in self._needs(move, len(slopes))],
            [number for index in self.frozen for number in (index, 0, -1)],
            arrays,  # their handles
            [*program.heads, *slopes],  # their handles
        ]
        header = [
            *(0, 0, 0),  # entries
            context.device_typeid,
            context.device_id,
            len(program.inputs),
            len(program.outputs),
            len(program.saved),
            len(program.kept),
            len(slopes),
            len(self.frozen),
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
        program = self._program
        slopes, kept = len(program.differentiated) + len(program.moves), len(program.kept)
        forward, backward = self.heads - self.inputs, len(program.outputs) + 2 * kept + 3 * slopes
        return native.ROOM + max(forward, backward)

    def _needs(self, move: Move, slopes: int) -> list[int]:
        """The gradients of which one must be wanted, as bits of words."""
        size = native.NEEDS
        table = [0] * (slopes // size + 1)
        for position, name in enumerate(self._program.differentiated):
            table[position // size] |= (name in move.needs) << position % size
        return table


def _descriptor(shape: Shape, dtype: str) -> list[int]:
    maximum = native.MAXIMUM_RANK
    if len(shape) > maximum:
        raise UncompilableError(f"an array of {len(shape)} axes: the numba variant takes at most {maximum}")
    extents = [number for extent in shape for number in (extent.slope, extent.offset)]
    kind = np.dtype(dtype)
    return [_DTYPE_NP_TO_MX[kind.type], kind.itemsize, len(shape), *extents, *[0] * (2 * (maximum - len(shape)))]
