"""Print the primitives that are loops of their own: pairs, folds and sums along an axis here, others in their files.

Each printer gets the value, the names of the arrays it reads, the name of the array it writes and the dtype of the
module's own ``zero``.
"""

from collections.abc import Callable, Sequence

from ..primitives.alignment import Alignments, AlignmentsGradient
from ..primitives.base import Primitive, Value
from ..primitives.contract import Contract
from ..primitives.cumulate import Cumulate
from ..primitives.form import Form, FormGradient, FormWeights
from ..primitives.fourier import Fourier, FourierAdjoint
from ..primitives.gather import Gather, ScatterAdd
from .alignments import print_alignments, print_alignments_gradient
from .contractions import print_contraction
from .expressions import LOOP_NAMES
from .fourier import print_fourier, print_fourier_adjoint
from .gathers import print_gather, print_scatter_add

Printer = Callable[[Value, Sequence[str], str, str], list[str]]


def calling(function: str) -> Printer:
    """A call of a library's function, with the arrays that are read and the one that is written."""
    return lambda value, names, result, main: [f"{function}({', '.join(names)}, {result})"]  # noqa: ARG005


def print_cumulate(value: Value, names: Sequence[str], result: str, main: str) -> list[str]:  # noqa: ARG001
    """Each element added to the sum before it."""
    assert isinstance(value.primitive, Cumulate)
    loops = list(LOOP_NAMES[: len(value.shape)])
    along = loops[value.primitive.axis]
    here = ", ".join(loops)
    before = ", ".join(f"{loop} - 1" if loop == along else loop for loop in loops)
    lines = [f"{result}[{here}] = {names[0]}[{here}] + {result}[{before}] if {along} > 0 else {names[0]}[{here}]"]
    for loop, extent in reversed(list(zip(loops, value.shape, strict=True))):
        lines = [f"for {loop} in range({extent}):", *(f"    {line}" for line in lines)]
    return lines


PRINTERS: dict[type[Primitive], Printer] = {
    Contract: print_contraction,
    Form: calling("form"),
    FormGradient: calling("form_gradient"),
    FormWeights: calling("form_weights"),
    Fourier: print_fourier,
    FourierAdjoint: print_fourier_adjoint,
    Gather: print_gather,
    ScatterAdd: print_scatter_add,
    Cumulate: print_cumulate,
    Alignments: print_alignments,
    AlignmentsGradient: print_alignments_gradient,
}
