"""Vectors of numbers in LLVM's own terms: what a codelet computes with, one lane for each of several rows.

A codelet is a Python function of numbers.  Called with these, it writes instructions instead of computing: nothing
depends on what LLVM's vectoriser finds, and Numba has no types to infer.  Called with NumPy's arrays it computes.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Union

import numpy as np
from llvmlite import ir

# A product may be rounded together with the sum that it goes into, as everywhere in generated code.
FLAGS = ("contract", "nsz")
INDEX = ir.IntType(64)
ELEMENTS = {"float32": ir.FloatType(), "float64": ir.DoubleType()}


@dataclass(frozen=True)
class Layout:
    """How many rows lie side by side, and of which numbers: one vector."""

    dtype: str
    lanes: int

    @property
    def element(self) -> Any:
        """LLVM's type of a number."""
        return ELEMENTS[self.dtype]

    @property
    def vector(self) -> Any:
        """LLVM's type of a vector."""
        return ir.VectorType(self.element, self.lanes)


@dataclass(frozen=True, eq=False)
class Vector:
    """A vector in a register.  ``*`` waits for the sum that the product goes into: one instruction does both."""

    builder: Any
    value: Any

    def __add__(self, other: Union["Vector", "Product"]) -> "Vector":
        if isinstance(other, Product):
            return other + self
        return Vector(self.builder, self.builder.fadd(self.value, other.value, flags=FLAGS))

    def __sub__(self, other: Union["Vector", "Product"]) -> "Vector":
        if isinstance(other, Product):
            return -other + self
        return Vector(self.builder, self.builder.fsub(self.value, other.value, flags=FLAGS))

    def __neg__(self) -> "Vector":
        return Vector(self.builder, self.builder.fneg(self.value, flags=FLAGS))

    def __mul__(self, factor: Union["Vector", float]) -> "Product":
        if not isinstance(factor, Vector):
            kind = self.value.type
            factor = Vector(self.builder, ir.Constant(kind, [ir.Constant(kind.element, float(factor))] * kind.count))
        return Product(self, factor)


@dataclass(frozen=True, eq=False)
class Product:
    """Two vectors that are multiplied where the product is needed."""

    left: Vector
    right: Vector

    def __add__(self, other: Union[Vector, "Product"]) -> Vector:
        builder, term = self.left.builder, other.alone() if isinstance(other, Product) else other
        kind, declared = term.value.type, builder.module.globals
        name = f"llvm.fmuladd.v{kind.count}{kind.element.intrinsic_name}"
        multiply_add = declared.get(name) or ir.Function(builder.module, ir.FunctionType(kind, [kind] * 3), name)
        return Vector(builder, builder.call(multiply_add, [self.left.value, self.right.value, term.value]))

    def __sub__(self, other: Union[Vector, "Product"]) -> Vector:
        return self + -(other.alone() if isinstance(other, Product) else other)

    def __neg__(self) -> "Product":
        return Product(self.left, -self.right)

    def alone(self) -> Vector:
        """The product itself."""
        builder = self.left.builder
        return Vector(builder, builder.fmul(self.left.value, self.right.value, flags=FLAGS))


def everywhere(builder: Any, number: Any, lanes: int) -> Vector:
    """A number in every lane."""
    kind, places = ir.VectorType(number.type, lanes), ir.VectorType(ir.IntType(32), lanes)
    one = builder.insert_element(ir.Constant(kind, ir.Undefined), number, ir.IntType(32)(0))
    return Vector(builder, builder.shuffle_vector(one, one, ir.Constant(places, None)))


def shuffled(builder: Any, left: Any, right: Any, places: Any) -> Any:
    """The numbers at ``places`` of two vectors one after the other."""
    number = ir.IntType(32)
    mask = ir.Constant(ir.VectorType(number, len(places)), [number(place) for place in places])
    return builder.shuffle_vector(left, right, mask)


def constants(module: Any, numbers: np.ndarray) -> Any:
    """A pointer to the first of an array of constants."""
    kind = INDEX if numbers.dtype == np.int64 else ELEMENTS[str(numbers.dtype)]
    table = ir.Constant(ir.ArrayType(kind, len(numbers)), [kind(number) for number in numbers.tolist()])
    found = ir.GlobalVariable(module, table.type, module.get_unique_name("table"))
    found.initializer, found.global_constant, found.linkage = table, True, "internal"
    return found.gep([INDEX(0), INDEX(0)])


@contextmanager
def loop(builder: Any, start: Any, stop: Any, step: int) -> Iterator[Any]:
    """A loop that runs at least once and stays one: unrolled it is no faster, and takes long to compile."""
    before, body, after = builder.block, builder.append_basic_block(), builder.append_basic_block()
    builder.branch(body)
    builder.position_at_end(body)
    index = builder.phi(INDEX)
    index.add_incoming(start, before)
    yield index
    following = builder.add(index, INDEX(step))
    index.add_incoming(following, builder.block)
    jump = builder.cbranch(builder.icmp_signed("<", following, stop), body, after)
    mark = builder.module.add_metadata([ir.MetaDataString(builder.module, "llvm.loop.unroll.disable")])
    name = builder.module.add_metadata([mark, INDEX(len(builder.module.metadata))])
    name.operands = (name, mark)  # a loop's name begins with itself
    jump.set_metadata("llvm.loop", name)
    builder.position_at_end(after)
