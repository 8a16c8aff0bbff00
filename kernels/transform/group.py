"""Whole transforms as LLVM's functions: of one group of rows, and of all rows, group by group."""

from typing import Any

import llvmlite.binding
import numpy as np
from llvmlite import ir

from . import plan
from .passes import Buffer, write_mirror, write_passes, write_zeros
from .rows import Rows, write_copy
from .shares import write_shared
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
    function = ir.Function(module, kind, module.get_unique_name("transform_group"))
    function.linkage = "internal"
    function.attributes.add("noinline")
    builder = ir.IRBuilder(function.append_basic_block())
    count, radices = length // 2, plan.radices(length // 2)
    memory = builder.alloca(layout.vector, INDEX(length + 2))
    buffer = Buffer(builder, memory, layout)
    natural, order = (constants(module, slots) for slots in (np.arange(count), plan.order(radices)))
    source, source_stride, result, result_stride = function.args
    rows, bins = Rows(source, source_stride, length), Rows(result, result_stride, 2 * kept)
    if backward:
        rows, bins = Rows(result, result_stride, length), Rows(source, source_stride, 2 * kept)
        write_copy(buffer, bins, order, result=rows)
        write_zeros(buffer, order, kept, count)
        write_mirror(buffer, length, order, kept > count, backward)
        write_passes(buffer, radices, backward)
        write_copy(buffer, rows, natural)
    else:
        write_copy(buffer, rows, natural, result=bins)
        write_passes(buffer, radices, backward)
        write_mirror(buffer, length, order, kept > count, backward)
        write_copy(buffer, bins, order)
    builder.ret_void()
    return function


def write_transform(
    builder: Any, arrays: tuple[Any, Any], rows: Any, size: tuple[int, int], dtype: str, *, backward: bool
) -> None:
    """The transform of all rows.  ``arrays`` are pointers to source and result, ``size`` is (length, bins kept)."""
    length, kept = size
    widths = (2 * kept, length) if backward else (length, 2 * kept)
    layouts = [Layout(dtype, bits // BITS[dtype]) for bits in sorted({NARROW, wide()})]
    groups = [(layout, _write_group(builder.module, length, kept, layout, backward)) for layout in layouts]
    function = _write_rows(builder.module, groups, widths)
    write_shared(builder, function, arrays, widths, rows, layouts[-1].lanes)


def _write_rows(module: Any, groups: list[tuple[Layout, Any]], widths: tuple[int, int]) -> Any:
    """A function of (source, result, rows): in groups as wide as there are rows for; the last may overlap another.

    Where there are fewer than the narrowest takes, each row is all rows of a group.
    """
    pointer = groups[0][0].element.as_pointer()
    kind = ir.FunctionType(ir.VoidType(), [pointer, pointer, INDEX])
    function = ir.Function(module, kind, module.get_unique_name("transform_rows"))
    function.linkage = "internal"
    builder = ir.IRBuilder(function.append_basic_block())
    *arrays, rows = function.args

    def write_call(group: Any, row: Any, *, same: bool) -> None:
        arguments = []
        for memory, width in zip(arrays, widths, strict=True):
            arguments += [builder.gep(memory, [builder.mul(row, INDEX(width))]), INDEX(0 if same else width)]
        builder.call(group, arguments)

    for layout, group in reversed(groups):
        with builder.if_then(builder.icmp_signed(">=", rows, INDEX(layout.lanes))):
            final = builder.sub(rows, INDEX(layout.lanes))
            with loop(builder, INDEX(0), rows, layout.lanes) as first:
                overlaps = builder.icmp_signed(">", first, final)
                write_call(group, builder.select(overlaps, final, first), same=False)
            builder.ret_void()
    with builder.if_then(builder.icmp_signed(">", rows, INDEX(0))), loop(builder, INDEX(0), rows, 1) as row:
        write_call(groups[0][1], row, same=True)
    builder.ret_void()
    return function
