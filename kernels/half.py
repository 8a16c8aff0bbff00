"""Half precision for compiled code: float32 from the bits of a half, and back to the nearest.

Numba has no float16 on CPUs, so kernels see such arrays as uint16.  LLVM makes one instruction of each conversion on
processors with F16C (from 2012 on) and a call of libgcc on others.
"""

from typing import Any

from llvmlite import ir
from numba import types
from numba.extending import intrinsic


@intrinsic
def single(typing_context, bits):  # type: ignore[no-untyped-def]  # noqa: ARG001
    """The float32 that the bits of a half stand for."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:  # noqa: ARG001
        return builder.fpext(builder.bitcast(arguments[0], ir.HalfType()), ir.FloatType())

    return types.float32(types.uint16), generate


@intrinsic
def half(typing_context, number):  # type: ignore[no-untyped-def]  # noqa: ARG001
    """The bits of the half nearest to a float32."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:  # noqa: ARG001
        return builder.bitcast(builder.fptrunc(arguments[0], ir.HalfType()), ir.IntType(16))

    return types.uint16(types.float32), generate
