"""All rows of a transform, in shares for OpenMP's threads where they are worth it (parallel.py says whose threads)."""

from collections.abc import Sequence
from typing import Any

from llvmlite import ir
from numba.core import cgutils

from ..parallel import ADDRESS, NUMBER, field, openmp
from .vectors import INDEX

# Numbers in all rows from which on they are shared: some 360 µs.
WORTH = 2**20


def write_shared(
    builder: Any, function: Any, arrays: Sequence[Any], widths: Sequence[int], rows: Any, lanes: int
) -> None:
    """Call ``function(source, result, rows)`` for all rows, or for whole groups of ``lanes`` of them in each thread.

    ``arrays`` are pointers to source and result, whose rows have ``widths`` numbers.
    """
    most = openmp(builder, "omp_get_max_threads", NUMBER)
    enough = builder.icmp_signed(">=", rows, INDEX(-(-WORTH // max(widths))))
    several = builder.and_(enough, builder.icmp_signed(">", most, NUMBER(1)))
    with builder.if_else(several) as (shared, alone):
        with shared:
            values = [*arrays, rows]
            frame = cgutils.alloca_once(builder, ir.LiteralStructType([value.type for value in values]))
            for place, value in enumerate(values):
                builder.store(value, field(builder, frame, place))
            task = _share(builder.module, function, frame.type, widths, lanes)
            openmp(builder, "GOMP_parallel", ir.VoidType(), task, builder.bitcast(frame, ADDRESS), most, NUMBER(0))
        with alone:
            builder.call(function, [*arrays, rows])


def _share(module: Any, function: Any, frame: Any, widths: Sequence[int], lanes: int) -> Any:
    """What each thread of a region runs."""
    task = ir.Function(module, ir.FunctionType(ir.VoidType(), [ADDRESS]), module.get_unique_name("share_of_transform"))
    task.linkage = "internal"
    builder = ir.IRBuilder(task.append_basic_block())
    shared = builder.bitcast(task.args[0], frame)
    *arrays, rows = (builder.load(field(builder, shared, place)) for place in range(3))
    thread, threads = (
        builder.sext(openmp(builder, f"omp_get_{name}", NUMBER), INDEX) for name in ("thread_num", "num_threads")
    )
    groups = builder.sdiv(builder.add(rows, INDEX(lanes - 1)), INDEX(lanes))
    first, end = (
        builder.mul(builder.sdiv(builder.mul(groups, number), threads), INDEX(lanes))
        for number in (thread, builder.add(thread, INDEX(1)))
    )
    last = builder.select(builder.icmp_signed("<", end, rows), end, rows)
    parts = [
        builder.gep(array, [builder.mul(first, INDEX(width))]) for array, width in zip(arrays, widths, strict=True)
    ]
    builder.call(function, [*parts, builder.sub(last, first)])
    builder.ret_void()
    return task
