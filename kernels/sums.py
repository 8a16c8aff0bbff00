"""Addition whose order does not matter, for compiled code: what lets a sum run in vector lanes.

LLVM's permission to regroup (``reassoc``) stands at single instructions.  Given to a whole function it also makes x - x
zero where x is infinite, exp(x)·exp(y) the exponential of x + y, and x/y·z overflow as x·z/y.
"""

from typing import Any

from numba.extending import intrinsic


@intrinsic
def plus(typing_context, total, term):  # type: ignore[no-untyped-def]  # noqa: ARG001
    """``total + term``.  Together with ``nsz`` LLVM would strike out x and -x among the terms: NaN would be lost."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:  # noqa: ARG001
        return builder.fadd(*arguments, flags=("reassoc", "contract"))

    return total(total, total), generate
