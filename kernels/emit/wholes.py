"""Print the primitives that are loops of their own: pairs, folds and sums along an axis here, others in their files.

Each printer gets the value, the names of the arrays it reads, the name of the array it writes and the dtype of the
module's own ``zero``.
"""

from collections.abc import Callable, Sequence

from ..extent import Extent
from ..primitives.alignment import Alignments, AlignmentsGradient
from ..primitives.base import Primitive, Value
from ..primitives.contract import Contract
from ..primitives.cumulate import Cumulate
from ..primitives.fourier import Fourier, FourierAdjoint
from ..primitives.gather import Gather, ScatterAdd
from ..primitives.symmetric import Fold, Pairs, PairsGradient, Unfold
from .alignments import print_alignments, print_alignments_gradient
from .contractions import print_contraction
from .expressions import LOOP_NAMES, number_text
from .fourier import print_fourier, print_fourier_adjoint
from .gathers import print_gather, print_scatter_add

Printer = Callable[[Value, Sequence[str], str, str], list[str]]


def print_pairs(value: Value, names: Sequence[str], result: str, main: str) -> list[str]:  # noqa: ARG001
    """Products of x by x, one row of the upper triangle after the other."""
    width, x = value.primitive.width, names[0]  # type: ignore[attr-defined]
    return [
        "pair = 0",
        f"for i in range({width}):",
        f"    for j in range(i, {width}):",
        *_inner(value.shape[1:], f"{result}[pair{{}}] = {x}[i{{}}] * {x}[j{{}}]", 2),
        "        pair += 1",
    ]


def print_pairs_gradient(value: Value, names: Sequence[str], result: str, main: str) -> list[str]:
    """Each pair's head, times the other of the two, to both."""
    width = value.primitive.width  # type: ignore[attr-defined]
    head, x = names
    return [
        f"{result}[:] = {number_text(0.0, value.dtype, main)}",
        "pair = 0",
        f"for i in range({width}):",
        f"    for j in range(i, {width}):",
        *_inner(value.shape[1:], f"{result}[i{{}}] += {head}[pair{{}}] * {x}[j{{}}]", 2),
        *_inner(value.shape[1:], f"{result}[j{{}}] += {head}[pair{{}}] * {x}[i{{}}]", 2),
        "        pair += 1",
    ]


def print_fold(value: Value, names: Sequence[str], result: str, main: str) -> list[str]:  # noqa: ARG001
    """W[i, j] + W[j, i] above the diagonal, W[i, i] on it."""
    width, rest = value.primitive.width, _rest(value.shape[1:])  # type: ignore[attr-defined]
    weight = names[0]
    return [
        "pair = 0",
        f"for i in range({width}):",
        f"    {result}[pair{rest}] = {weight}[i, i{rest}]",
        f"    for j in range(i + 1, {width}):",
        *_inner(value.shape[1:], f"{result}[pair + j - i{{}}] = {weight}[i, j{{}}] + {weight}[j, i{{}}]", 2),
        f"    pair += {width} - i",
    ]


def print_unfold(value: Value, names: Sequence[str], result: str, main: str) -> list[str]:  # noqa: ARG001
    """The upper triangle, mirrored."""
    width = value.primitive.width  # type: ignore[attr-defined]
    sums = names[0]
    return [
        "pair = 0",
        f"for i in range({width}):",
        f"    for j in range(i, {width}):",
        *_inner(value.shape[2:], f"{result}[i, j{{}}] = {sums}[pair{{}}]", 2),
        *_inner(value.shape[2:], f"{result}[j, i{{}}] = {sums}[pair{{}}]", 2),
        "        pair += 1",
    ]


def _rest(shape: Sequence[Extent]) -> str:
    return ", :" if shape else ""


def _inner(shape: Sequence[Extent], template: str, depth: int) -> list[str]:
    """Loops over the trailing axes of a weight, at some depth of indentation."""
    letters = "kpqrs"[: len(shape)]
    lines = [template.replace("{}", "".join(f", {letter}" for letter in letters))]
    for letter, extent in reversed(list(zip(letters, shape, strict=True))):
        lines = [f"for {letter} in range({extent}):", *(f"    {line}" for line in lines)]
    return ["    " * depth + line for line in lines]


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
    Pairs: print_pairs,
    PairsGradient: print_pairs_gradient,
    Fold: print_fold,
    Unfold: print_unfold,
    Fourier: print_fourier,
    FourierAdjoint: print_fourier_adjoint,
    Gather: print_gather,
    ScatterAdd: print_scatter_add,
    Cumulate: print_cumulate,
    Alignments: print_alignments,
    AlignmentsGradient: print_alignments_gradient,
}
