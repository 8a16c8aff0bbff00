"""Print Fourier transforms: of many rows at once where their length suits that (transform/), else rocket-fft's.

Each printer gets what those of wholes.py get.
"""

from collections.abc import Sequence

from ..extent import Extent
from ..primitives.base import Value
from ..primitives.fourier import Fourier, FourierAdjoint
from ..transform import suits

COMPLEX = {"float32": "complex64", "float64": "complex128"}


def print_fourier(value: Value, names: Sequence[str], result: str, main: str) -> list[str]:  # noqa: ARG001
    """A real-to-complex transform; its leading bins, interleaved."""
    lead, primitive = value.shape[:-1], value.primitive
    assert isinstance(primitive, Fourier)
    if suits(primitive.length):
        return [
            f"# the leading {primitive.kept} Fourier coefficients of each row of {names[0]}",
            f"bins_of_rows({names[0]}, {result}, {primitive.length}, {primitive.kept})",
        ]
    bins = ", ".join([*map(str, lead), str(primitive.length // 2 + 1)])
    return [
        f"spectrum = np.empty(({bins}), {COMPLEX[value.dtype]})",
        f"r2c({names[0]}, spectrum, np.array([{len(lead)}]), True, {value.dtype}(1), 1)",
        *_rows(
            lead,
            [
                f"for k in range({primitive.kept}):",
                f"    {_at(result, lead, '2 * k')} = {_at('spectrum', lead, 'k')}.real",
                f"    {_at(result, lead, '2 * k + 1')} = {_at('spectrum', lead, 'k')}.imag",
            ],
        ),
    ]


def print_fourier_adjoint(value: Value, names: Sequence[str], result: str, main: str) -> list[str]:  # noqa: ARG001
    """A complex-to-real transform: it counts every bin but the first, and the middle one, twice; hence the halves."""
    lead, primitive = value.shape[:-1], value.primitive
    assert isinstance(primitive, FourierAdjoint)
    if suits(primitive.length):
        return [
            f"# the adjoint: rows of {primitive.length} numbers from their leading {primitive.kept} coefficients",
            f"rows_of_bins({names[0]}, {result}, {primitive.length}, {primitive.kept})",
        ]
    length, kept, head, dtype = primitive.length, primitive.kept, names[0], value.dtype
    last = length // 2 + 1
    bins = ", ".join([*map(str, lead), str(last)])
    middle_kept = length % 2 == 0 and kept == last
    doubled = kept - 1 if middle_kept else kept

    def bin_of(k: str, factor: str) -> str:
        real, imaginary = _at(head, lead, f"2 * {k}"), _at(head, lead, f"2 * {k} + 1")
        return f"{_at('spectrum', lead, k)} = {COMPLEX[dtype]}(complex({factor}{real}, {factor}{imaginary}))"

    body = [f"{_at('spectrum', lead, '0')} = {COMPLEX[dtype]}({_at(head, lead, '0')})"]
    body += [f"for k in range(1, {doubled}):", f"    {bin_of('k', f'{dtype}(0.5) * ')}"]
    if middle_kept:
        body.append(f"{_at('spectrum', lead, str(kept - 1))} = {COMPLEX[dtype]}({_at(head, lead, str(2 * kept - 2))})")
    if kept < last:
        body += [f"for k in range({kept}, {last}):", f"    {_at('spectrum', lead, 'k')} = {COMPLEX[dtype]}(0)"]
    return [
        f"spectrum = np.empty(({bins}), {COMPLEX[dtype]})",
        *_rows(lead, body),
        f"c2r(spectrum, {result}, np.array([{len(lead)}]), False, {dtype}(1), 1)",
    ]


def _rows(shape: Sequence[Extent], body: Sequence[str]) -> list[str]:
    """Loops over leading axes around ``body``."""
    lines = list(body)
    for axis in reversed(range(len(shape))):
        lines = [
            f"for {_row_names(len(shape))[axis]} in range({shape[axis]}):",
            *(f"    {line}" for line in lines),
        ]
    return lines


def _row_names(count: int) -> list[str]:
    return ["row"] if count == 1 else [f"row_{axis}" for axis in range(count)]


def _at(name: str, shape: Sequence[Extent], *last: str) -> str:
    return f"{name}[{', '.join([*_row_names(len(shape)), *last])}]"
