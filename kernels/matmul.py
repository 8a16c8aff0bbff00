"""``matmul(a, b, out)`` for compiled code: matrix products by tiles, compiled once and not again in every kernel.

They are ahead of SciPy's OpenBLAS, which ``np.dot`` calls, because they start in no time and copy little: few rows and
operands that fit into the second-level cache are what layers have.
"""

import numpy as np
from numba.extending import overload

from .library import called
from .vectors import address_of


def matmul(a: np.ndarray, b: np.ndarray, out: np.ndarray) -> None:
    """out (n, m) = a (n, k) · b (k, m), of float32 or float64; the rows of out are contiguous."""
    np.dot(a, b, out)


@overload(matmul)
def _matmul(a, b, out):  # type: ignore[no-untyped-def]  # noqa: ARG001
    product = called("product", str(a.dtype))

    def by_tiles(a, b, out):  # type: ignore[no-untyped-def]
        (n, m), k = out.shape, a.shape[1]
        a_at, b_at, out_at = address_of(a), address_of(b), address_of(out)
        product(n, m, k, a_at, *a.strides, b_at, *b.strides, out_at, out.strides[0])

    return by_tiles
