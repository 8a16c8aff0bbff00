"""All rows of a transform, in shares for several threads where they are worth it (parallel.py says whose)."""

from collections.abc import Sequence
from typing import Any

from llvmlite import ir
from numba.core import cgutils

from ..parallel import bounds, field, region, share_function, shared_or_alone
from .vectors import INDEX

# What a transform takes for each number of a row, in thousandths of a nanosecond.
PICOSECONDS = 350


def write_shared(
    builder: Any, function: Any, arrays: Sequence[Any], widths: Sequence[int], rows: Any, lanes: int
) -> None:
    """Call ``function(source, result, rows)`` for all rows, or for whole groups of ``lanes`` of them in each thread.

    ``arrays`` are pointers to source and result, whose rows have ``widths`` numbers.
    """
    groups = builder.sdiv(rows, INDEX(lanes))
    nanoseconds = builder.sdiv(builder.mul(rows, INDEX(max(widths) * PICOSECONDS)), INDEX(1000))
    with shared_or_alone(builder, groups, nanoseconds) as (shares, shared, alone):
        with shared:
            values = [*arrays, rows]
            frame = cgutils.alloca_once(builder, ir.LiteralStructType([value.type for value in values]))
            for place, value in enumerate(values):
                builder.store(value, field(builder, frame, place))
            region(builder, _share(builder.module, function, frame.type, widths, lanes), frame, shares, nanoseconds)
        with alone:
            builder.call(function, [*arrays, rows])


def _share(module: Any, function: Any, frame: Any, widths: Sequence[int], lanes: int) -> Any:
    """What runs one share."""
    task = share_function(module, "share_of_transform")
    builder = ir.IRBuilder(task.append_basic_block())
    packed, share, shares = task.args
    shared = builder.bitcast(packed, frame)
    *arrays, rows = (builder.load(field(builder, shared, place)) for place in range(3))
    groups = builder.sdiv(builder.add(rows, INDEX(lanes - 1)), INDEX(lanes))
    first, end = (builder.mul(group, INDEX(lanes)) for group in bounds(builder, groups, share, shares))
    last = builder.select(builder.icmp_signed("<", end, rows), end, rows)
    parts = [
        builder.gep(array, [builder.mul(first, INDEX(width))]) for array, width in zip(arrays, widths, strict=True)
    ]
    builder.call(function, [*parts, builder.sub(last, first)])
    builder.ret_void()
    return task
