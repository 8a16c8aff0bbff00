"""Register tiles: the innermost loops of matrix products, as vector instructions.

LLVM vectorises loops, but it does not keep a block of a result in registers while it walks along the depth of a
product; so these loops are written as LLVM's vectors.  A tile of 6 × 64 float32 on a processor with 512-bit vectors
reads 4 vectors and 6 numbers for 24 multiply-adds, which is what keeps both multipliers busy.
Addresses are plain integers and strides are bytes.
"""

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

from llvmlite import ir
from numba import types
from numba.extending import intrinsic

from .vectors import VECTOR_BYTES, WORD, Loop, Vectors, lanes, step

Emit = Callable[..., Any]


# Rows of a tile by its number of vectors.  32 registers of 512 bits or 16 smaller ones hold the tile, one row of the
# right operand and one broadcast number; fewer than 6 accumulators would wait for each other (4 cycles a sum).
ROWS = {4: 6, 2: 8, 1: 8} if VECTOR_BYTES == 64 else {2: 6, 1: 8}
PANEL = max(ROWS)  # vectors
WIDE = 4 * PANEL  # vectors of a single row: long stretches of memory are read faster
HEIGHTS = {vectors: (rows, 4, 2, 1) for vectors, rows in ROWS.items()} | {WIDE: (1,)}
DOTS = [(4, 4), (4, 1), (2, 4), (2, 1), (1, 8), (1, 1)]  # what is read side by side of rows and transposed columns
SIZES = [(rows, vectors) for vectors, heights in HEIGHTS.items() for rows in heights]


def product_tile(dtype: str) -> Any:
    """A compiled ``tile(rows, vectors, width, depth, a, a_row, a_column, b, b_row, c, c_row, add)``.

    It is c = a·b, or c += a·b.  ``rows`` and ``vectors`` are one of ``SIZES``: c has ``rows`` × ``width`` numbers in
    that many vectors.  a is ``rows`` × ``depth`` with any strides; the rows of b and c are contiguous.  ``depth`` is at
    least 1.
    """
    body = partial(_product, dtype)

    @intrinsic
    def tile(typing_context, rows, vectors, width, depth, a, a_row, a_column, b, b_row, c, c_row, add):  # type: ignore[no-untyped-def]  # noqa: ARG001
        return types.void(*[types.intp] * 12), partial(_by_size, f"product_{dtype}", body, SIZES)

    return tile


def dots_tile(dtype: str) -> Any:
    """A compiled ``tile(rows, columns, depth, a, a_row, b, b_column, c, c_row)``: c = a·b for some rows and columns.

    ``rows`` and ``columns`` are one of ``DOTS``; the rows of a and c and the columns of b are contiguous.  ``depth`` is
    at least 1.
    """
    body = partial(_dots, dtype)

    @intrinsic
    def tile(typing_context, rows, columns, depth, a, a_row, b, b_column, c, c_row):  # type: ignore[no-untyped-def]  # noqa: ARG001
        return types.void(*[types.intp] * 9), partial(_by_size, f"dots_{dtype}", body, DOTS)

    return tile


def _by_size(
    name: str,
    body: Emit,
    sizes: Sequence[tuple[int, int]],
    context: Any,
    builder: Any,
    signature: Any,  # noqa: ARG001
    arguments: Sequence[Any],
) -> Any:
    """Call the function for the size that the first two arguments name."""
    rows, vectors, *others = arguments
    base = 1 + max(size for _, size in sizes)
    key = builder.add(builder.mul(rows, ir.Constant(WORD, base)), vectors)
    end = builder.append_basic_block("sized")
    switch = builder.switch(key, end)
    for size in sizes:
        block = builder.append_basic_block("size")
        switch.add_case(ir.Constant(WORD, size[0] * base + size[1]), block)
        builder.position_at_end(block)
        builder.call(_function(builder.module, name, body, size, len(others)), others)
        builder.branch(end)
    builder.position_at_end(end)
    return context.get_dummy_value()


def _function(module: Any, name: str, body: Emit, size: tuple[int, int], arguments: int) -> Any:
    name = f"gluonmark_{name}_{size[0]}_{size[1]}"
    if name not in module.globals:
        function = ir.Function(module, ir.FunctionType(ir.VoidType(), [WORD] * arguments), name)
        function.linkage = "internal"
        function.attributes.add("noinline")  # a switch over all sizes in one function takes LLVM seconds
        builder = ir.IRBuilder(function.append_basic_block("entry"))
        body(builder, size, function.args)
        builder.ret_void()
    return module.globals[name]


def _product(dtype: str, builder: Any, size: tuple[int, int], arguments: Sequence[Any]) -> None:
    rows, vectors = size
    width, depth, a, a_row, a_column, b, b_row, c, c_row, add = arguments
    on = Vectors(builder, dtype)
    whole = vectors // 2  # of fewer vectors there are tiles
    masks = [on.first(width, vector) if vector >= whole else None for vector in range(vectors)]
    places = [(address, vector, mask) for address in step(builder, c, c_row, rows) for vector, mask in enumerate(masks)]
    loop = Loop(builder, ir.Constant(WORD, 0), depth, [on.zero] * len(places))
    b_here = builder.add(b, builder.mul(loop.index, b_row))
    columns = [on.load(b_here, vector, mask) for vector, mask in enumerate(masks)]
    a_here = builder.add(a, builder.mul(loop.index, a_column))
    factors = [on.everywhere(address) for address in step(builder, a_here, a_row, rows)]
    sums = loop.close(
        [on.fma(factors[at // vectors], columns[at % vectors], total) for at, total in enumerate(loop.carried)]
    )
    with builder.if_else(builder.icmp_signed("!=", add, ir.Constant(WORD, 0))) as (adding, setting):
        with adding:
            for total, place in zip(sums, places, strict=True):
                on.store(builder.fadd(on.load(*place), total), *place)
        with setting:
            for total, place in zip(sums, places, strict=True):
                on.store(total, *place)


def _dots(dtype: str, builder: Any, size: tuple[int, int], arguments: Sequence[Any]) -> None:
    rows, columns = size
    depth, a, a_row, b, b_column, c, c_row = arguments
    on = Vectors(builder, dtype)
    lane_count = ir.Constant(WORD, lanes(dtype))
    steps = builder.sdiv(builder.add(depth, ir.Constant(WORD, lanes(dtype) - 1)), lane_count)
    loop = Loop(builder, ir.Constant(WORD, 0), steps, [on.zero] * (rows * columns))
    done = builder.mul(loop.index, lane_count)
    mask = on.first(builder.sub(depth, done), 0)
    here = builder.mul(done, ir.Constant(WORD, on.bytes))
    left = [on.load(address, 0, mask) for address in step(builder, builder.add(a, here), a_row, rows)]
    right = [on.load(address, 0, mask) for address in step(builder, builder.add(b, here), b_column, columns)]
    sums = loop.close(
        [on.fma(left[at // columns], right[at % columns], total) for at, total in enumerate(loop.carried)]
    )
    item = ir.Constant(WORD, on.bytes)
    places = [place for row in step(builder, c, c_row, rows) for place in step(builder, row, item, columns)]
    for place, total in zip(places, sums, strict=True):
        builder.store(on.total(total), on.pointer(place, on.number))


def transposed_tile(dtype: str) -> Any:
    """A compiled ``tile(source, source_row, target, target_row)``: lanes × lanes numbers, rows to columns."""

    @intrinsic
    def tile(typing_context, source, source_row, target, target_row):  # type: ignore[no-untyped-def]  # noqa: ARG001
        def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:  # noqa: ARG001
            source, source_row, target, target_row = arguments
            on, size = Vectors(builder, dtype), lanes(dtype)
            rows = [on.load(address) for address in step(builder, source, source_row, size)]
            distance = 1
            while distance < size:  # exchange ever larger squares on both sides of the diagonal
                for row in range(size):
                    if not row & distance:
                        rows[row], rows[row + distance] = on.exchanged(rows[row], rows[row + distance], distance)
                distance *= 2
            for row, address in zip(rows, step(builder, target, target_row, size), strict=True):
                on.store(row, address)
            return context.get_dummy_value()

        return types.void(*[types.intp] * 4), generate

    return tile
