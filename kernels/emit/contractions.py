"""Print a contraction: a product of two matrices is a call of ``matmul``, everything else loops along memory."""

from collections.abc import Sequence
from dataclasses import dataclass

from ..dtypes import FLOATS
from ..extent import Extent, Shape, volume
from ..primitives.base import Value
from ..primitives.contract import Contract
from .expressions import number_text


@dataclass(frozen=True)
class Operand:
    """An array of the contraction: its name in the source, its letters, its shape."""

    name: str
    letters: str
    shape: Shape

    def at(self) -> str:
        """One element."""
        return f"{self.name}[{', '.join(self.letters)}]" if self.letters else self.name


def print_contraction(target: Value, names: Sequence[str], result: str, main: str) -> list[str]:
    """The lines that compute ``target`` into the array ``result`` from the arrays ``names``."""
    primitive = target.primitive
    assert isinstance(primitive, Contract)
    operands = [
        Operand(name, letters, source.shape)
        for name, letters, source in zip(names, primitive.operands, target.inputs, strict=True)
    ]
    out = Operand(result, primitive.result, target.shape)
    extents = {letter: extent for one in operands for letter, extent in zip(one.letters, one.shape, strict=True)}
    floats = target.dtype in FLOATS
    product = _matrix_product(operands, out) if floats else None
    zero = number_text(0.0, target.dtype, main)
    return _loops(operands, out, extents, zero, floats) if product is None else [product]


def _loops(operands: Sequence[Operand], out: Operand, extents: dict[str, Extent], zero: str, floats: bool) -> list[str]:
    """A nest whose innermost loop runs along memory, summing into a scalar or along the result's row."""
    inner = _innermost(operands, out, extents)
    summed = [letter for letter in extents if letter not in out.letters]
    product = " * ".join(one.at() for one in operands)
    if inner in summed:
        total = f"{out.name}_here" if out.letters else out.name
        addition = f"{total} = plus({total}, {product})" if floats else f"{total} += {product}"
        nest = _nest([*(letter for letter in summed if letter != inner), inner], extents, [addition])
        body = [f"{total} = {zero}", *nest]
        return _nest(list(out.letters), extents, [*body, f"{out.at()} = {total}"] if out.letters else body)
    outer = [letter for letter in out.letters if letter != inner]
    if not summed:
        return _nest([*outer, inner], extents, [f"{out.at()} = {product}"])
    return [f"{out.name}[:] = {zero}", *_nest([*outer, *summed, inner], extents, [f"{out.at()} += {product}"])]


def _innermost(operands: Sequence[Operand], out: Operand, extents: dict[str, Extent]) -> str:
    """The letter along which most arrays are contiguous or constant; of equals the longest."""

    def merit(letter: str) -> tuple[int, int, bool]:
        strided = sum(letter in one.letters and one.letters[-1] != letter for one in (*operands, out))
        return -strided, extents[letter].at(16), letter in out.letters

    return max(extents, key=merit)


def _nest(letters: Sequence[str], extents: dict[str, Extent], body: Sequence[str]) -> list[str]:
    lines = list(body)
    for letter in reversed(letters):
        lines = [f"for {letter} in range({extents[letter]}):", *(f"    {line}" for line in lines)]
    return lines


def _matrix_product(operands: Sequence[Operand], out: Operand) -> str | None:
    """The call of ``matmul``, if merging neighbouring letters makes this a product of two matrices."""
    if len(operands) != 2 or not out.letters:
        return None
    for left, right in (operands, operands[::-1]):
        rows = _shared(left, out)
        columns = _shared(right, out)
        summed = _shared(left, right)
        if not rows or not columns or not summed or set(left.letters) & set(right.letters) & set(out.letters):
            continue
        if out.letters != rows + columns:
            continue
        first = _as_matrix(left, rows, summed)
        second = _as_matrix(right, summed, columns)
        third = _as_matrix(out, rows, columns)
        if first and second and third:
            return f"matmul({first}, {second}, {third})"
    return None


def _shared(one: Operand, other: Operand) -> str:
    return "".join(letter for letter in one.letters if letter in other.letters)


def _as_matrix(one: Operand, rows: str, columns: str) -> str | None:
    """An operand as a matrix of these rows and columns, reshaped or transposed without a copy."""
    extents = dict(zip(one.letters, one.shape, strict=True))

    def merged(letters: str) -> str:
        return str(volume(tuple(extents[letter] for letter in letters)))

    if one.letters == rows + columns:
        return one.name if len(one.letters) == 2 else f"{one.name}.reshape({merged(rows)}, {merged(columns)})"
    if one.letters == columns + rows:
        plain = one.name if len(one.letters) == 2 else f"{one.name}.reshape({merged(columns)}, {merged(rows)})"
        return f"{plain}.T"
    return None
