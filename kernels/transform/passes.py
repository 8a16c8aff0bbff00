"""The steps of a transform, written as LLVM's instructions: codelets over a buffer in which rows lie side by side.

Vector 2j of the buffer holds the real parts of the j-th number of each row, one in each lane; vector 2j + 1 holds the
imaginary ones.  Together they are slot j.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
from llvmlite import ir

from . import plan
from .codelets import Complex, mirrored, transform
from .vectors import INDEX, Layout, Vector, constants, everywhere, loop


@dataclass(frozen=True)
class Buffer:
    """Reads and writes slots.  ``swapped``: with real and imaginary parts exchanged."""

    builder: Any
    memory: Any
    layout: Layout
    swapped: bool = False

    def pointer(self, slot: Any, part: int) -> Any:
        """To one part of a slot."""
        place = self.builder.add(self.builder.shl(slot, INDEX(1)), INDEX(part))
        return self.builder.gep(self.memory, [place])

    def read(self, slot: Any) -> Complex:
        """A number of each row."""
        parts = [Vector(self.builder, self.builder.load(self.pointer(slot, part))) for part in (0, 1)]
        return Complex(*(reversed(parts) if self.swapped else parts))

    def write(self, slot: Any, number: Complex) -> None:
        """A number of each row."""
        parts = (number.imaginary, number.real) if self.swapped else (number.real, number.imaginary)
        for part, vector in enumerate(parts):
            self.builder.store(vector.value, self.pointer(slot, part))

    def factor(self, table: Any, place: Any) -> Complex:
        """A complex number of a constant table, for all rows."""
        parts = []
        for part in (0, 1):
            number = self.builder.load(self.builder.gep(table, [self.builder.add(place, INDEX(part))]))
            number.set_metadata("invariant.load", self.builder.module.add_metadata([]))
            parts.append(everywhere(self.builder, number, self.layout.lanes))
        return Complex(*parts)

    def nothing(self) -> Vector:
        """Zeros."""
        return Vector(self.builder, ir.Constant(self.layout.vector, None))


def write_passes(buffer: Buffer, radices: tuple[int, ...], backward: bool) -> None:
    """The transform of the complex numbers in the buffer; backward the other direction, from where the first one ends.

    The first numbers of each block of a pass are turned by nothing, so they have a loop without factors.
    """
    buffer = Buffer(buffer.builder, buffer.memory, buffer.layout, swapped=backward)
    count = int(np.prod(radices))
    table = constants(buffer.builder.module, plan.twiddles(radices).astype(buffer.layout.dtype))
    steps = plan.passes(radices)
    for radix, step, place in reversed(steps) if backward else steps:
        block = radix * step
        with loop(buffer.builder, INDEX(0), INDEX(count), block) as start:
            _butterfly(buffer, radix, step, start, [], backward)
        if step == 1:
            continue
        with loop(buffer.builder, INDEX(1), INDEX(step), 1) as offset:
            first = buffer.builder.add(buffer.builder.mul(offset, INDEX(2 * (radix - 1))), INDEX(place))
            places = [buffer.builder.add(first, INDEX(2 * number)) for number in range(radix - 1)]
            factors = [buffer.factor(table, place) for place in places]
            with loop(buffer.builder, offset, INDEX(count), block) as start:
                _butterfly(buffer, radix, step, start, factors, backward)


def _butterfly(buffer: Buffer, radix: int, step: int, start: Any, factors: list[Complex], backward: bool) -> None:
    """The transform of numbers ``step`` apart; all but the first are turned, after it or, backward, before."""
    slots = [buffer.builder.add(start, INDEX(number * step)) for number in range(radix)]
    numbers = [buffer.read(slot) for slot in slots]
    numbers = transform(_turned(numbers, factors)) if backward else _turned(transform(numbers), factors)
    for slot, number in zip(slots, numbers, strict=True):
        buffer.write(slot, number)


def _turned(numbers: list[Complex], factors: list[Complex]) -> list[Complex]:
    if not factors:
        return numbers
    return [numbers[0], *(x * factor for x, factor in zip(numbers[1:], factors, strict=True))]


def write_mirror(buffer: Buffer, length: int, order: Any, keeps_last: bool, backward: bool) -> None:
    """The bins of ``length`` real numbers from those of their pairs, or back; bin k is in slot ``order[k]``.

    The bins at both ends are real: forward, Re Z + Im Z and, if it is kept, Re Z − Im Z.
    """
    builder, count, first = buffer.builder, length // 2, INDEX(0)
    last, here = INDEX(count), buffer.read(first)
    if backward:
        there = buffer.read(last).real if keeps_last else None
        buffer.write(first, Complex(here.real + there, here.real - there) if there else Complex(here.real, here.real))
    else:
        buffer.write(first, Complex(here.real + here.imaginary, buffer.nothing()))
        if keeps_last:
            buffer.write(last, Complex(here.real - here.imaginary, buffer.nothing()))
    if count < 2:
        return
    table = constants(builder.module, plan.mirror_roots(length).astype(buffer.layout.dtype))
    with loop(builder, INDEX(1), INDEX(count // 2 + 1), 1) as k:
        low = builder.load(builder.gep(order, [k]))
        high = builder.load(builder.gep(order, [builder.sub(last, k)]))
        root = buffer.factor(table, builder.shl(k, INDEX(1)))
        if backward:
            root = Complex(root.real, -root.imaginary)
        numbers = mirrored(buffer.read(low), buffer.read(high), 0.5, root)
        for slot, number in zip((low, high), numbers, strict=True):
            buffer.write(slot, number)


def write_zeros(buffer: Buffer, order: Any, start: int, stop: int) -> None:
    """Nothing in bins ``start`` to ``stop``."""
    if start < stop:
        with loop(buffer.builder, INDEX(start), INDEX(stop), 1) as k:
            slot = buffer.builder.load(buffer.builder.gep(order, [k]))
            buffer.write(slot, Complex(buffer.nothing(), buffer.nothing()))
