"""Loops on several threads, for compiled code: a region of ``team.py`` around a compiled function.

``in_chunks`` calls ``function(first, last, *arguments)`` for contiguous shares of a range.  Which thread takes which
share must not show in the result: chunks write apart, and what is summed in each is added up in their order afterwards.

The caller says how long the work takes, about; from that follows whether threads share it: rules in one place.

There are as many threads as MXNet's own operators have: its OpenMP is asked at each call.  Numba's ``prange`` has a
pool of its own, which spins against MXNet's, and compiles every loop twice.
"""

import ctypes
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from types import SimpleNamespace
from typing import Any

import llvmlite.binding
from llvmlite import ir
from mxnet.base import _LIB
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic

from .team import dismiss, hire

# Compiled code calls by name, so that Numba can cache it; MXNet's library leads to the libgomp that it loaded.
llvmlite.binding.load_library_permanently(_LIB._name)
OPENMP = ctypes.CDLL(_LIB._name)

hire(OPENMP.omp_get_max_threads() - 1)


def _alone() -> None:
    """In a child, which has the memory of the threads without the threads; MXNet does without them there too."""
    dismiss()
    OPENMP.omp_set_num_threads(1)


os.register_at_fork(after_in_child=_alone)

# Nanoseconds of work.  From WORTH on threads that are awake share it: a region takes 0.4 µs, and what one processor has
# written the other must fetch.  From WAKE on those that sleep are woken, which takes the caller 15 µs.
WORTH = 2_000
WAKE = 50_000

# For compiled code: how many threads MXNet's operators have.
get_threads = types.ExternalFunction("omp_get_max_threads", types.int32())

BOOL, WORD, NUMBER, ADDRESS = ir.IntType(1), ir.IntType(64), ir.IntType(32), ir.IntType(8).as_pointer()


@intrinsic
def in_chunks(typing_context, function, chunks, nanoseconds, arguments):  # type: ignore[no-untyped-def]  # noqa: ARG001
    """``function(first, last, *arguments)`` for all of ``range(chunks)``, which threads share if it takes long enough.

    ``function`` is made by ``njit`` and returns nothing, ``nanoseconds`` say what all of it takes one thread, about,
    ``arguments`` is a tuple.  An exception of any share is raised once all have ended.
    """
    called = function.get_call_type(typing_context, (types.intp, types.intp, *arguments), {})

    def generate(context: Any, builder: Any, signature: Any, values: Any) -> Any:  # noqa: ARG001
        compiled = function.dispatcher.overloads[called.args]
        context.add_linking_libs((compiled.library,))
        _, chunks, nanoseconds, packed = values
        task = _Task(context, builder, compiled, [chunks, *cgutils.unpack_tuple(builder, packed)])
        with shared_or_alone(builder, chunks, nanoseconds) as (shares, shared, alone):
            with shared:
                region(builder, task.outlined(), task.frame, shares, nanoseconds)
            with alone:
                task.call(builder, task.frame, WORD(0), chunks)
        task.raise_failure()
        return context.get_dummy_value()

    return types.none(function, types.intp, types.intp, arguments), generate


@contextmanager
def shared_or_alone(builder: Any, most: Any, nanoseconds: Any) -> Iterator[tuple[Any, Any, Any]]:
    """Two branches, and how many shares there are in the first: as many as threads, and at most so many."""
    threads = _threads(builder)
    shares = builder.select(builder.icmp_signed("<", most, threads), most, threads)
    enough = builder.icmp_signed(">=", nanoseconds, WORD(WORTH))
    several = builder.and_(enough, builder.icmp_signed(">", shares, WORD(1)))
    with builder.if_else(several) as (shared, alone):
        yield shares, shared, alone


def _threads(builder: Any) -> Any:
    """The same, for code that is written as LLVM's."""
    kind = ir.FunctionType(NUMBER, [])
    found = builder.call(cgutils.get_or_insert_function(builder.module, kind, get_threads.symbol), [])
    return builder.sext(found, WORD)


def region(builder: Any, task: Any, frame: Any, shares: Any, nanoseconds: Any) -> None:
    """Have ``task(frame, share, shares)`` called for each share."""
    kind = ir.FunctionType(ir.VoidType(), [ADDRESS, ADDRESS, WORD, BOOL])
    call = cgutils.get_or_insert_function(builder.module, kind, "gluonmark_region")
    wake = builder.icmp_signed(">=", nanoseconds, WORD(WAKE))
    builder.call(call, [builder.bitcast(task, ADDRESS), builder.bitcast(frame, ADDRESS), shares, wake])


def share_function(module: Any, name: str) -> Any:
    """The function that ``region`` takes, yet without a body: it is given the frame, its share and their number."""
    kind = ir.FunctionType(ir.VoidType(), [ADDRESS, WORD, WORD])
    function = ir.Function(module, kind, module.get_unique_name(name))
    function.linkage = "internal"
    return function


def bounds(builder: Any, count: Any, share: Any, shares: Any) -> tuple[Any, Any]:
    """The first of ``count`` things that belong to a share, and the one behind its last."""
    first, last = (builder.sdiv(builder.mul(count, number), shares) for number in (share, builder.add(share, WORD(1))))
    return first, last


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
        """The function that runs one share of the chunks."""
        function = share_function(self._builder.module, f"share.{self._compiled.fndesc.mangled_name}")
        builder = ir.IRBuilder(function.append_basic_block())
        packed, share, shares = function.args
        frame = builder.bitcast(packed, self.frame.type)
        chunks = builder.load(field(builder, frame, 2))
        self.call(builder, frame, *bounds(builder, chunks, share, shares))
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
