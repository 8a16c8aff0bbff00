"""Whole transforms as LLVM's functions: of one group of rows, and of all rows, group by group."""

from typing import Any

import llvmlite.binding
import numpy as np
from llvmlite import ir

from . import plan
from .passes import Buffer, write_mirror, write_passes, write_zeros
from .rows import Rows, write_copy
from .vectors import INDEX, Layout, constants, loop

BITS = {"float32": 32, "float64": 64}
NARROW = 128  # bits of the vectors for a few rows


def wide() -> int:
    """Bits of the vectors for many rows.  Twice as many were no faster, and leave no room in the first cache."""
    return 256 if llvmlite.binding.get_host_cpu_features().get("avx") else NARROW


def _write_group(module: Any, length: int, kept: int, layout: Layout, backward: bool) -> Any:
    """A function of (source, its stride, result, its stride): one row in each lane."""
    pointer = layout.element.as_pointer()
    kind = ir.FunctionType(ir.VoidType(), [pointer, INDEX, pointer, INDEX])
    function = ir.Function(module, kind, module.get_unique_name(f"transform_{length}_{layout.lanes}"))
    function.linkage = "internal"
    function.attributes.add("noinline")
    builder = ir.IRBuilder(function.append_basic_block())
    count, radices = length // 2, plan.radices(length // 2)
    memory = builder.alloca(layout.vector, INDEX(length + 2))
    buffer = Buffer(builder, memory, layout)
    natural, order = (constants(module, slots) for slots in (np.arange(count), plan.order(radices)))
    source, source_stride, result, result_stride = function.args
    if backward:
        write_copy(buffer, Rows(source, source_stride, 2 * kept), order, into_buffer=True)
        write_zeros(buffer, order, kept, count)
        write_mirror(buffer, length, order, kept > count, backward)
        write_passes(buffer, radices, backward)
        write_copy(buffer, Rows(result, result_stride, length), natural, into_buffer=False)
    else:
        write_copy(buffer, Rows(source, source_stride, length), natural, into_buffer=True)
        write_passes(buffer, radices, backward)
        write_mirror(buffer, length, order, kept > count, backward)
        write_copy(buffer, Rows(result, result_stride, 2 * kept), order, into_buffer=False)
    builder.ret_void()
    return function


def write_rows(
    builder: Any, rows: Any, arrays: tuple[Any, Any], size: tuple[int, int], dtype: str, *, backward: bool
) -> None:
    """All rows: in wide groups or, if they are few, in narrow ones; the last may overlap the one before.

    ``arrays`` are pointers to source and result, ``size`` is (length, bins kept).
    """
    length, kept = size
    strides = (2 * kept, length) if backward else (length, 2 * kept)
    many, few = (Layout(dtype, bits // BITS[dtype]) for bits in (wide(), NARROW))

    def write_call(group: Any, row: Any, *, same: bool) -> None:
        arguments = []
        for memory, stride in zip(arrays, strides, strict=True):
            arguments += [builder.gep(memory, [builder.mul(row, INDEX(stride))]), INDEX(0 if same else stride)]
        builder.call(group, arguments)

    def write_groups(layout: Layout, group: Any) -> None:
        final = builder.sub(rows, INDEX(layout.lanes))
        with loop(builder, INDEX(0), rows, layout.lanes) as first:
            overlaps = builder.icmp_signed(">", first, final)
            write_call(group, builder.select(overlaps, final, first), same=False)

    narrow = _write_group(builder.module, length, kept, few, backward)
    any_row = builder.icmp_signed(">", rows, INDEX(0))
    with builder.if_else(builder.icmp_signed(">=", rows, INDEX(many.lanes))) as (enough, otherwise):
        with enough:
            write_groups(many, narrow if many == few else _write_group(builder.module, length, kept, many, backward))
        with otherwise, builder.if_else(builder.icmp_signed(">=", rows, INDEX(few.lanes))) as (some, fewer):
            with some:
                write_groups(few, narrow)
            with fewer, builder.if_then(any_row), loop(builder, INDEX(0), rows, 1) as row:
                write_call(narrow, row, same=True)  # every lane computes the same
