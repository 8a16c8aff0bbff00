"""Register tiles: the innermost loops of matrix products, as vector instructions.

LLVM vectorises loops, but it does not keep a block of a result in registers while it walks along the depth of a
product; so these loops are written as LLVM's vectors.  A tile of 6 × 64 float32 on a processor with 512-bit vectors
reads 4 vectors and 6 numbers for 24 multiply-adds, which is what keeps both multipliers busy.
Addresses are plain integers and strides are bytes.
"""

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import llvmlite.binding
from llvmlite import ir
from numba import types
from numba.extending import intrinsic

BYTE, INDEX, WORD = ir.IntType(8), ir.IntType(32), ir.IntType(64)
NUMBERS = {"float32": ir.FloatType(), "float64": ir.DoubleType()}
BYTES = {"float32": 4, "float64": 8}

Emit = Callable[..., Any]


def _vector_bytes() -> int:
    """Of the widest vectors that this processor multiplies."""
    features = llvmlite.binding.get_host_cpu_features()
    return 64 if features.get("avx512f") else 32 if features.get("avx") else 16


VECTOR_BYTES = _vector_bytes()
# Rows of a tile by its number of vectors.  32 registers of 512 bits or 16 smaller ones hold the tile, one row of the
# right operand and one broadcast number; fewer than 6 accumulators would wait for each other (4 cycles a sum).
ROWS = {4: 6, 2: 8, 1: 8} if VECTOR_BYTES == 64 else {2: 6, 1: 8}
PANEL = max(ROWS)  # vectors
WIDE = 4 * PANEL  # vectors of a single row: long stretches of memory are read faster
HEIGHTS = {vectors: (rows, 4, 2, 1) for vectors, rows in ROWS.items()} | {WIDE: (1,)}
DOTS = [(4, 4), (4, 1), (2, 4), (2, 1), (1, 8), (1, 1)]  # what is read side by side of rows and transposed columns
SIZES = [(rows, vectors) for vectors, heights in HEIGHTS.items() for rows in heights]


def lanes(dtype: str) -> int:
    """Numbers in a vector."""
    return VECTOR_BYTES // BYTES[dtype]


class _Vectors:
    """LLVM code for loads, stores and multiply-adds of whole vectors of one dtype."""

    def __init__(self, builder: Any, dtype: str) -> None:
        self.builder = builder
        self.number = NUMBERS[dtype]
        self.kind = ir.VectorType(self.number, lanes(dtype))
        self.bytes = BYTES[dtype]
        self.zero = ir.Constant(self.kind, [0.0] * lanes(dtype))
        self._name = f"v{lanes(dtype)}f{8 * self.bytes}"

    def pointer(self, address: Any, kind: Any, offset: Any = 0) -> Any:
        if not isinstance(offset, ir.Value):
            offset = ir.Constant(WORD, offset)
        base = self.builder.gep(self.builder.inttoptr(address, BYTE.as_pointer()), [offset])
        return self.builder.bitcast(base, kind.as_pointer())

    def load(self, address: Any, vector: int = 0, mask: Any = None) -> Any:
        """The vector at an address, or some vectors behind it; zeros outside of the mask."""
        place = self.pointer(address, self.kind, vector * VECTOR_BYTES)
        if mask is not None:
            align = ir.Constant(INDEX, self.bytes)
            return self._llvm(f"masked.load.{self._name}.p0", self.kind, place, align, mask, self.zero)
        loaded = self.builder.load(place)
        loaded.align = self.bytes
        return loaded

    def store(self, value: Any, address: Any, vector: int = 0, mask: Any = None) -> None:
        """What ``load`` would read."""
        place = self.pointer(address, self.kind, vector * VECTOR_BYTES)
        if mask is not None:
            align = ir.Constant(INDEX, self.bytes)
            self._llvm(f"masked.store.{self._name}.p0", ir.VoidType(), value, place, align, mask)
        else:
            self.builder.store(value, place).align = self.bytes

    def everywhere(self, address: Any) -> Any:
        """The number at an address, in all lanes."""
        undefined = ir.Constant(self.kind, ir.Undefined)
        first = self.builder.insert_element(
            undefined, self.builder.load(self.pointer(address, self.number)), ir.Constant(INDEX, 0)
        )
        mask = ir.Constant(ir.VectorType(INDEX, self.kind.count), [0] * self.kind.count)
        return self.builder.shuffle_vector(first, undefined, mask)

    def fma(self, a: Any, b: Any, c: Any) -> Any:
        """a·b + c."""
        return self._llvm(f"fma.{self._name}", self.kind, a, b, c)

    def total(self, vector: Any) -> Any:
        """The sum of all lanes, halves first."""
        count = self.kind.count
        while count > 1:
            count //= 2
            halves = (list(range(start, start + count)) for start in (0, count))
            masks = (ir.Constant(ir.VectorType(INDEX, count), half) for half in halves)
            low, high = (self.builder.shuffle_vector(vector, vector, mask) for mask in masks)
            vector = self.builder.fadd(low, high)
        return self.builder.extract_element(vector, ir.Constant(INDEX, 0))

    def first(self, count: Any, vector: int) -> Any:
        """The mask of those lanes of a vector that are among the first ``count`` numbers."""
        start = vector * self.kind.count
        numbers = ir.Constant(ir.VectorType(WORD, self.kind.count), list(range(start, start + self.kind.count)))
        undefined = ir.Constant(numbers.type, ir.Undefined)
        one = self.builder.insert_element(undefined, count, ir.Constant(INDEX, 0))
        everywhere = ir.Constant(ir.VectorType(INDEX, self.kind.count), [0] * self.kind.count)
        return self.builder.icmp_signed("<", numbers, self.builder.shuffle_vector(one, undefined, everywhere))

    def exchanged(self, upper: Any, lower: Any, distance: int) -> tuple[Any, Any]:
        """Two rows of squares of ``distance`` lanes, those right above the diagonal exchanged with those left below."""
        count = self.kind.count
        kept = [lane if not lane & distance else count + lane - distance for lane in range(count)]
        moved = [lane + distance if not lane & distance else count + lane for lane in range(count)]
        masks = (ir.Constant(ir.VectorType(INDEX, count), places) for places in (kept, moved))
        first, second = (self.builder.shuffle_vector(upper, lower, mask) for mask in masks)
        return first, second

    def _llvm(self, name: str, result: Any, *arguments: Any) -> Any:
        """A call of one of LLVM's intrinsics."""
        signature = ir.FunctionType(result, [argument.type for argument in arguments])
        name = f"llvm.{name}"
        function = self.builder.module.globals.get(name) or ir.Function(self.builder.module, signature, name)
        return self.builder.call(function, arguments)


def _step(builder: Any, address: Any, stride: Any, count: int) -> list[Any]:
    """``count`` addresses, a stride apart."""
    return [builder.add(address, builder.mul(stride, ir.Constant(WORD, number))) for number in range(count)]


class _Loop:
    """A loop that carries values: ``while index < end``."""

    def __init__(self, builder: Any, start: Any, end: Any, carried: Sequence[Any]) -> None:
        self.builder, self._end, before = builder, end, builder.block
        self._block, self._done = builder.append_basic_block("along"), builder.append_basic_block("done")
        builder.branch(self._block)
        builder.position_at_end(self._block)
        self.index = builder.phi(WORD)
        self.index.add_incoming(start, before)
        self.carried = [builder.phi(value.type) for value in carried]
        for phi, value in zip(self.carried, carried, strict=True):
            phi.add_incoming(value, before)

    def close(self, values: Sequence[Any]) -> list[Any]:
        """Go on with these values; what they are after the last round."""
        builder = self.builder
        following = builder.add(self.index, ir.Constant(WORD, 1))
        self.index.add_incoming(following, builder.block)
        for phi, value in zip(self.carried, values, strict=True):
            phi.add_incoming(value, builder.block)
        builder.cbranch(builder.icmp_signed("<", following, self._end), self._block, self._done)
        builder.position_at_end(self._done)
        return list(values)


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
    on = _Vectors(builder, dtype)
    whole = vectors // 2  # of fewer vectors there are tiles
    masks = [on.first(width, vector) if vector >= whole else None for vector in range(vectors)]
    places = [
        (address, vector, mask) for address in _step(builder, c, c_row, rows) for vector, mask in enumerate(masks)
    ]
    loop = _Loop(builder, ir.Constant(WORD, 0), depth, [on.zero] * len(places))
    b_here = builder.add(b, builder.mul(loop.index, b_row))
    columns = [on.load(b_here, vector, mask) for vector, mask in enumerate(masks)]
    a_here = builder.add(a, builder.mul(loop.index, a_column))
    factors = [on.everywhere(address) for address in _step(builder, a_here, a_row, rows)]
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
    on = _Vectors(builder, dtype)
    lane_count = ir.Constant(WORD, lanes(dtype))
    steps = builder.sdiv(builder.add(depth, ir.Constant(WORD, lanes(dtype) - 1)), lane_count)
    loop = _Loop(builder, ir.Constant(WORD, 0), steps, [on.zero] * (rows * columns))
    done = builder.mul(loop.index, lane_count)
    mask = on.first(builder.sub(depth, done), 0)
    here = builder.mul(done, ir.Constant(WORD, on.bytes))
    left = [on.load(address, 0, mask) for address in _step(builder, builder.add(a, here), a_row, rows)]
    right = [on.load(address, 0, mask) for address in _step(builder, builder.add(b, here), b_column, columns)]
    sums = loop.close(
        [on.fma(left[at // columns], right[at % columns], total) for at, total in enumerate(loop.carried)]
    )
    item = ir.Constant(WORD, on.bytes)
    places = [place for row in _step(builder, c, c_row, rows) for place in _step(builder, row, item, columns)]
    for place, total in zip(places, sums, strict=True):
        builder.store(on.total(total), on.pointer(place, on.number))


def transposed_tile(dtype: str) -> Any:
    """A compiled ``tile(source, source_row, target, target_row)``: lanes × lanes numbers, rows to columns."""

    @intrinsic
    def tile(typing_context, source, source_row, target, target_row):  # type: ignore[no-untyped-def]  # noqa: ARG001
        def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:  # noqa: ARG001
            source, source_row, target, target_row = arguments
            on, size = _Vectors(builder, dtype), lanes(dtype)
            rows = [on.load(address) for address in _step(builder, source, source_row, size)]
            distance = 1
            while distance < size:  # exchange ever larger squares on both sides of the diagonal
                for row in range(size):
                    if not row & distance:
                        rows[row], rows[row + distance] = on.exchanged(rows[row], rows[row + distance], distance)
                distance *= 2
            for row, address in zip(rows, _step(builder, target, target_row, size), strict=True):
                on.store(row, address)
            return context.get_dummy_value()

        return types.void(*[types.intp] * 4), generate

    return tile


@intrinsic
def address_of(typing_context, array):  # type: ignore[no-untyped-def]  # noqa: ARG001
    """Where the elements of an array begin."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        data = context.make_array(signature.args[0])(context, builder, arguments[0]).data
        return builder.ptrtoint(data, WORD)

    return types.intp(array), generate


@intrinsic
def read(typing_context, dtype, address):  # type: ignore[no-untyped-def]  # noqa: ARG001
    """The number of a dtype at an address."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        kind = context.get_data_type(signature.return_type)
        return builder.load(builder.inttoptr(arguments[1], kind.as_pointer()))

    return dtype.dtype(dtype, types.intp), generate


@intrinsic
def write(typing_context, address, value):  # type: ignore[no-untyped-def]  # noqa: ARG001
    """Put a number at an address."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:  # noqa: ARG001
        place, value = arguments
        builder.store(value, builder.inttoptr(place, value.type.as_pointer()))
        return context.get_dummy_value()

    return types.void(types.intp, value), generate
