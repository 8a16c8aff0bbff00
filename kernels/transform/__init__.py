"""Fourier transforms of many rows of real numbers at once, for compiled code.

A group of rows is transposed into a buffer that stays in the first cache, one row in each lane of a vector, so that the
transform is arithmetic on whole vectors (codelets.py, passes.py).  A row of n numbers is taken as n/2 complex ones; the
passes leave them in the order of reversed digits, which the transposition back undoes.

Rows are independent: what is infinite or NaN in one does not reach another.

The code is written as LLVM's instructions, not as Python for Numba: ten times faster to compile, and vectors are chosen
here instead of being found again by a vectoriser.
"""

from typing import Any

from numba import types
from numba.core import cgutils
from numba.core.errors import TypingError
from numba.extending import intrinsic

from . import group, plan
from .vectors import INDEX

__all__ = ["bins_of_rows", "rows_of_bins", "suits"]

suits = plan.suits


@intrinsic(prefer_literal=True)
def bins_of_rows(typing_context, rows, bins, length, kept):  # type: ignore[no-untyped-def]  # noqa: ARG001
    """Write the leading ``kept`` bins of each row to ``bins``, real and imaginary parts interleaved.

    ``rows`` is (…, length) and ``bins`` (…, 2·kept), of one dtype, one row after the other; ``length`` and ``kept`` are
    literals, for which ``suits(length)`` holds.
    """
    return _signature_and_code(rows, bins, length, kept, backward=False)


@intrinsic(prefer_literal=True)
def rows_of_bins(typing_context, bins, rows, length, kept):  # type: ignore[no-untyped-def]  # noqa: ARG001
    """The adjoint of ``bins_of_rows``: the real part of Σ_k bins[k]·e^(+2πi·jk/length) in each row."""
    return _signature_and_code(bins, rows, length, kept, backward=True)


def _signature_and_code(source: Any, result: Any, length: Any, kept: Any, *, backward: bool) -> tuple[Any, Any]:
    if not isinstance(length, types.IntegerLiteral) or not isinstance(kept, types.IntegerLiteral):
        raise TypingError("length and bins of a transform must be written as numbers")

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        arrays = [context.make_array(kind)(context, builder, array)
                  for kind, array in zip(signature.args[:2], arguments[:2], strict=True)]  # fmt: skip
        memory = tuple(array.data for array in arrays)
        rows = INDEX(1)
        for extent in cgutils.unpack_tuple(builder, arrays[0].shape)[:-1]:
            rows = builder.mul(rows, extent)
        size = (length.literal_value, kept.literal_value)
        group.write_transform(builder, memory, rows, size, str(source.dtype), backward=backward)
        return context.get_dummy_value()

    return types.void(source, result, length, kept), generate
