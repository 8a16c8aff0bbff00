"""``matmul(a, b, out)`` for compiled code: matrix products by tiles, compiled once and not again in every kernel.

They are ahead of SciPy's OpenBLAS, which ``np.dot`` calls, because they start in no time and copy little: few rows and
operands that fit into the second-level cache are what layers have.
"""

from functools import cache
from pathlib import Path
from typing import Any

import llvmlite.binding
import numpy as np
from numba import types
from numba.extending import overload

from .compile import load
from .tiles import BYTES, address_of

DTYPES = tuple(BYTES)


def matmul(a: np.ndarray, b: np.ndarray, out: np.ndarray) -> None:
    """out (n, m) = a (n, k) · b (k, m), of float32 or float64; the rows of out are contiguous."""
    np.dot(a, b, out)


@cache
def products(dtype: str) -> Any:
    """What ``matmul`` calls for arrays of a dtype: compiled, or loaded from the cache, before a kernel that calls it.

    Kernels know it by name, so that their own code can be cached: every module of kernels asks for it when imported.
    """
    name = f"gluonmark_product_{dtype}"
    text = (Path(__file__).parent / "products.py").read_text()
    module = load(f"products-{dtype}", text.replace('DTYPE = "float32"', f'DTYPE = "{dtype}"', 1))
    llvmlite.binding.add_symbol(name, module.product.address)
    return types.ExternalFunction(name, types.void(*[types.intp] * 11))


@overload(matmul)
def _matmul(a, b, out):  # type: ignore[no-untyped-def]  # noqa: ARG001
    product = products(str(a.dtype))

    def by_tiles(a, b, out):  # type: ignore[no-untyped-def]
        (n, m), k = out.shape, a.shape[1]
        a_at, b_at, out_at = address_of(a), address_of(b), address_of(out)
        product(n, m, k, a_at, *a.strides, b_at, *b.strides, out_at, out.strides[0])

    return by_tiles
