"""Between rows in memory and lanes of a buffer: transposition in registers, a square of numbers at a time."""

from dataclasses import dataclass
from typing import Any

from llvmlite import ir
from numba.core import cgutils

from .passes import Buffer
from .vectors import INDEX, Layout, loop, shuffled

PIECE = 16  # bytes that a shuffle moves within
NUMBER, ADDRESS = ir.IntType(32), ir.IntType(8).as_pointer()
LINE = 64  # bytes of a line of the cache
TO_READ_INTO_SECOND_CACHE = (0, 2, 1)  # LLVM's prefetch: to read or to write, how near, data or code


@dataclass(frozen=True)
class Rows:
    """One row of ``width`` numbers for each lane, ``stride`` apart in memory."""

    memory: Any
    stride: Any
    width: int


def write_copy(buffer: Buffer, rows: Rows, order: Any, result: Rows | None = None) -> None:
    """Copy columns 2k and 2k + 1 of ``rows`` to slot ``order[k]``: in squares, the rest one by one.

    Meanwhile the memory of the next group, and that of its ``result``, is asked for.  Without ``result``: copy back.
    """
    into_buffer = result is not None
    builder, layout = buffer.builder, buffer.layout
    whole = rows.width // layout.lanes * layout.lanes
    if whole:
        with loop(builder, INDEX(0), INDEX(whole), layout.lanes) as column:
            if result is not None:
                step = builder.udiv(column, INDEX(layout.lanes))
                for later in (rows, result):
                    _write_ahead(buffer, later, step, whole // layout.lanes)
            _square(buffer, rows, order, column, into_buffer)
    if whole < rows.width:
        with loop(builder, INDEX(whole), INDEX(rows.width), 1) as column:
            _column(buffer, rows, order, column, into_buffer)


def _write_ahead(buffer: Buffer, rows: Rows, step: Any, steps: int) -> None:
    """Ask for a part of the memory of the group after this one: what the processor foresees by itself is one row after
    the other, not all at once.

    ``step`` is the number of this part among ``steps``.  What lies behind the last row may be asked for as well.
    """
    builder, lanes = buffer.builder, buffer.layout.lanes
    lines = -(-lanes * rows.width * _bytes(buffer.layout) // (LINE * steps))
    following = builder.gep(rows.memory, [builder.mul(rows.stride, INDEX(lanes))])
    start = builder.gep(builder.bitcast(following, ADDRESS), [builder.mul(step, INDEX(lines * LINE))])
    kind = ir.FunctionType(ir.VoidType(), [ADDRESS, *[NUMBER] * 3])
    prefetch = cgutils.get_or_insert_function(builder.module, kind, "llvm.prefetch.p0")
    for line in range(lines):
        place = builder.gep(start, [INDEX(line * LINE)])
        builder.call(prefetch, [place, *map(NUMBER, TO_READ_INTO_SECOND_CACHE)])


def _slot(buffer: Buffer, order: Any, column: Any) -> Any:
    """Where in the buffer an even column is; the next one follows it."""
    return buffer.builder.load(buffer.builder.gep(order, [buffer.builder.lshr(column, INDEX(1))]))


def _column(buffer: Buffer, rows: Rows, order: Any, column: Any, into_buffer: bool) -> None:
    builder, lanes = buffer.builder, buffer.layout.lanes
    numbers = builder.bitcast(buffer.memory, buffer.layout.element.as_pointer())
    twice = builder.shl(_slot(buffer, order, column), INDEX(1))
    first = builder.mul(builder.add(twice, builder.and_(column, INDEX(1))), INDEX(lanes))
    with loop(builder, INDEX(0), INDEX(lanes), 1) as lane:
        inside = builder.gep(numbers, [builder.add(first, lane)])
        outside = builder.gep(rows.memory, [builder.add(builder.mul(lane, rows.stride), column)])
        source, target = (outside, inside) if into_buffer else (inside, outside)
        builder.store(builder.load(source), target)


def _square(buffer: Buffer, rows: Rows, order: Any, column: Any, into_buffer: bool) -> None:
    """``lanes`` rows by ``lanes`` columns, in pieces of a few columns."""
    builder, layout = buffer.builder, buffer.layout
    size = _bytes(layout)
    width = PIECE // size  # numbers of a piece
    piece = ir.VectorType(layout.element, width).as_pointer()
    corner = builder.gep(rows.memory, [column])
    lines = [builder.gep(corner, [builder.mul(rows.stride, INDEX(row))]) for row in range(layout.lanes)]
    for first in range(0, layout.lanes, width):
        slots = [_slot(buffer, order, builder.add(column, INDEX(first + pair))) for pair in range(0, width, 2)]
        inside = [buffer.pointer(slot, part) for slot in slots for part in (0, 1)]
        outside = [builder.bitcast(builder.gep(line, [INDEX(first)]), piece) for line in lines]
        if into_buffer:
            parts = [builder.load(pointer, align=size) for pointer in outside]
            vectors = [_joined(builder, parts[number::width]) for number in range(width)]
            for pointer, vector in zip(inside, _transposed(builder, vectors), strict=True):
                builder.store(vector, pointer)
        else:
            vectors = _transposed(builder, [builder.load(pointer) for pointer in inside])
            for line, pointer in enumerate(outside):
                places = range(line // width * width, (line // width + 1) * width)
                vector = vectors[line % width]
                builder.store(shuffled(builder, vector, vector, places), pointer, align=size)


def _bytes(layout: Layout) -> int:
    return 4 if layout.dtype == "float32" else 8


def _joined(builder: Any, parts: list[Any]) -> Any:
    """One vector after the other."""
    while len(parts) > 1:
        places = range(2 * parts[0].type.count)
        parts = [shuffled(builder, low, high, places) for low, high in zip(parts[::2], parts[1::2], strict=True)]
    return parts[0]


def _transposed(builder: Any, vectors: list[Any]) -> list[Any]:
    """The squares within each piece of as many vectors as a piece has numbers: perfect shuffles."""
    width, count = len(vectors), vectors[0].type.count
    half = width // 2
    for _ in range(width.bit_length() - 1):
        vectors = [
            shuffled(builder, vectors[number], vectors[number + half], _interleaved(first, count, width))
            for number in range(half)
            for first in (0, half)
        ]
    return vectors


def _interleaved(first: int, count: int, width: int) -> list[int]:
    """From each piece, half of its numbers from ``first`` on, in turn with those of a second vector."""
    return [
        piece + first + number + vector
        for piece in range(0, count, width)
        for number in range(width // 2)
        for vector in (0, count)
    ]
