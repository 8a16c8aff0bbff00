"""Loops on several threads, for compiled code: OpenMP's own region around a compiled function.

``in_chunks`` calls ``function(first, last, *arguments)`` for contiguous shares of a range.  Which thread takes which
share must not show in the result: chunks write apart, and what is summed in each is added up in their order afterwards.

The region is that of the libgomp that MXNet loaded, so there are as many threads as MXNet's own operators have, and no
other pool competes with them.  Numba's ``prange`` has one of its own and compiles every loop twice.

A second thread is called where there is work for hundreds of microseconds.  Alone in a process libgomp's threads wait
for the next region awake, and calling one takes 2 µs; once MXNet's engine has used OpenMP too, there are more threads
than processors, so they sleep at once: 35 µs of work then took 94 on two processors, 140 took 205 and 290 took 271.
"""

import ctypes
import os
from collections.abc import Sequence
from types import SimpleNamespace
from typing import Any

import llvmlite.binding
from llvmlite import ir
from mxnet.base import _LIB
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic

# Compiled code calls libgomp by name, so that Numba can cache it; MXNet's library leads to the one that it loaded.
llvmlite.binding.load_library_permanently(_LIB._name)
OPENMP = ctypes.CDLL(_LIB._name)

# A child of a process that has used OpenMP has the memory of its threads without the threads, and would wait for them
# for ever.  One thread waits for nobody; MXNet does without them in such a child too.
os.register_at_fork(after_in_child=lambda: OPENMP.omp_set_num_threads(1))

WORD, NUMBER, ADDRESS = ir.IntType(64), ir.IntType(32), ir.IntType(8).as_pointer()


@intrinsic
def in_chunks(typing_context, function, chunks, enough, arguments):  # type: ignore[no-untyped-def]  # noqa: ARG001
    """``function(first, last, *arguments)`` for all of ``range(chunks)``, which OpenMP's threads share if it is enough.

    ``function`` is made by ``njit`` and returns nothing, ``enough`` is a bool, ``arguments`` a tuple.  An exception of
    any share is raised once all have ended.
    """
    called = function.get_call_type(typing_context, (types.intp, types.intp, *arguments), {})

    def generate(context: Any, builder: Any, signature: Any, values: Any) -> Any:  # noqa: ARG001
        compiled = function.dispatcher.overloads[called.args]
        context.add_linking_libs((compiled.library,))
        _, chunks, enough, packed = values
        task = _Task(context, builder, compiled, [chunks, *cgutils.unpack_tuple(builder, packed)])
        most = openmp(builder, "omp_get_max_threads", NUMBER)
        fewer = builder.icmp_signed("<", chunks, builder.sext(most, WORD))
        threads = builder.select(fewer, builder.trunc(chunks, NUMBER), most)
        several = builder.and_(enough, builder.icmp_signed(">", threads, NUMBER(1)))
        with builder.if_else(several) as (shared, alone):
            with shared:
                handed = [task.outlined(), builder.bitcast(task.frame, ADDRESS), threads, NUMBER(0)]
                openmp(builder, "GOMP_parallel", ir.VoidType(), *handed)
            with alone:
                task.call(builder, task.frame, WORD(0), chunks)
        task.raise_failure()
        return context.get_dummy_value()

    return types.none(function, types.intp, types.boolean, arguments), generate


def openmp(builder: Any, name: str, result: ir.Type, *arguments: Any) -> Any:
    """A call of libgomp."""
    kind = ir.FunctionType(result, [argument.type for argument in arguments])
    return builder.call(cgutils.get_or_insert_function(builder.module, kind, name), arguments)


class _Task:
    """What the threads share: a frame with the status of a share that failed, where its exception is, and ``values``,
    the number of chunks and the arguments."""

    def __init__(self, context: Any, builder: Any, compiled: Any, values: Sequence[Any]) -> None:
        self._context, self._builder, self._compiled = context, builder, compiled
        kind = ir.LiteralStructType([NUMBER, ADDRESS, *(value.type for value in values)])
        self.frame = cgutils.alloca_once(builder, kind)
        for place, value in enumerate([NUMBER(0), ADDRESS(None), *values]):
            builder.store(value, field(builder, self.frame, place))

    def outlined(self) -> Any:
        """The function that each thread of a region calls: its share of the chunks."""
        module = self._builder.module
        kind = ir.FunctionType(ir.VoidType(), [ADDRESS])
        function = ir.Function(module, kind, module.get_unique_name(f"share.{self._compiled.fndesc.mangled_name}"))
        function.linkage = "internal"
        builder = ir.IRBuilder(function.append_basic_block())
        frame = builder.bitcast(function.args[0], self.frame.type)
        chunks = builder.load(field(builder, frame, 2))
        thread = builder.sext(openmp(builder, "omp_get_thread_num", NUMBER), WORD)
        threads = builder.sext(openmp(builder, "omp_get_num_threads", NUMBER), WORD)
        first, last = (
            builder.sdiv(builder.mul(chunks, number), threads) for number in (thread, builder.add(thread, WORD(1)))
        )
        self.call(builder, frame, first, last)
        builder.ret_void()
        return function

    def call(self, builder: Any, frame: Any, first: Any, last: Any) -> None:
        """One share, its failure noted in the frame."""
        described = self._compiled.fndesc
        kinds = frame.type.pointee.elements
        values = [builder.load(field(builder, frame, place)) for place in range(3, len(kinds))]
        function = self._context.declare_function(builder.module, described)
        status, _ = self._context.call_conv.call_function(
            builder, function, described.restype, described.argtypes, [first, last, *values]
        )
        with cgutils.if_unlikely(builder, status.is_error):
            builder.store(status.code, field(builder, frame, 0))
            builder.store(builder.bitcast(status.excinfoptr, ADDRESS), field(builder, frame, 1))

    def raise_failure(self) -> None:
        """Return as the share that failed did."""
        builder, conventions = self._builder, self._context.call_conv
        code, place = (builder.load(field(builder, self.frame, place)) for place in (0, 1))
        with cgutils.if_unlikely(builder, builder.icmp_signed("!=", code, NUMBER(0))):
            exception = conventions._get_excinfo_argument(builder.function).type.pointee
            failure = SimpleNamespace(code=code, excinfoptr=builder.bitcast(place, exception))
            conventions.return_status_propagate(builder, failure)


def field(builder: Any, frame: Any, place: int) -> Any:
    """The address of one value of a frame."""
    return builder.gep(frame, [NUMBER(0), NUMBER(place)], inbounds=True)
