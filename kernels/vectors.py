"""LLVM's vectors, and memory by its addresses, for code that Numba compiles: what register tiles are written in.

Addresses are plain integers and strides are bytes.
"""

from collections.abc import Sequence
from typing import Any

import llvmlite.binding
from llvmlite import ir
from numba import types
from numba.extending import intrinsic

BYTE, INDEX, WORD = ir.IntType(8), ir.IntType(32), ir.IntType(64)
NUMBERS = {"float32": ir.FloatType(), "float64": ir.DoubleType()}
BYTES = {"float32": 4, "float64": 8}


def _vector_bytes() -> int:
    """Of the widest vectors that this processor multiplies."""
    features = llvmlite.binding.get_host_cpu_features()
    return 64 if features.get("avx512f") else 32 if features.get("avx") else 16


VECTOR_BYTES = _vector_bytes()


def lanes(dtype: str) -> int:
    """Numbers in a vector."""
    return VECTOR_BYTES // BYTES[dtype]


class Vectors:
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


def step(builder: Any, address: Any, stride: Any, count: int) -> list[Any]:
    """``count`` addresses, a stride apart."""
    return [builder.add(address, builder.mul(stride, ir.Constant(WORD, number))) for number in range(count)]


class Loop:
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
