"""No system, but the least that any must do: the memory traffic, the matrix product or the transform of a layer alone.

``option`` "numba" takes the triad of STREAM, SciPy's BLAS (through Numba) and SciPy's FFT, "torch" PyTorch's matrix
product.  Only forward: what a backward must do depends on what the forward keeps.
"""

import os
from collections.abc import Callable
from typing import Any

import numpy as np

from benchmarks.grid import Cell
from benchmarks.peers.systems import Given, Prepared

Product = Callable[[np.ndarray, np.ndarray], Callable[[], Any]]


def prepare(cell: Cell, given: Given, option: str) -> Prepared:
    """``call()`` computes something else than the layer: there are no results."""
    product = _product_by_torch if option == "torch" else _product_by_scipy
    return Prepared(ROOFS[cell.layer](given, product), dict)


def _traffic(given: Given, _: Product) -> Callable[[], Any]:
    """a = b + s·c moves 12 bytes an element: as much as x is read twice and y written."""
    import numba

    @numba.njit(parallel=True, fastmath=True)
    def triad(a: Any, b: Any, c: Any) -> None:
        for i in numba.prange(a.size):
            a[i] = b[i] + np.float32(0.5) * c[i]

    a, b, c = (given.x.ravel().copy() for _ in range(3))
    return lambda: triad(a, b, c)


def _dense(given: Given, product: Product) -> Callable[[], Any]:
    return product(given.x, given.parameters["weight"])


def _folded(given: Given, product: Product) -> Callable[[], Any]:
    """The products of pairs i ≤ j, which are as many as the weights that a fold leaves, by these."""
    count, _, units = given.parameters["weight"].shape
    pairs = count * (count + 1) // 2
    return product(np.ones((len(given.x), pairs), given.x.dtype), np.ones((pairs, units), given.x.dtype))


def _transform(given: Given, _: Product) -> Callable[[], Any]:
    import scipy.fft

    workers = int(os.environ["OMP_NUM_THREADS"])
    return lambda: scipy.fft.rfft(given.x, workers=workers)


def _product_by_scipy(a: np.ndarray, b: np.ndarray) -> Callable[[], Any]:
    import numba

    @numba.njit
    def product(a: Any, b: Any, out: Any) -> None:
        np.dot(a, b, out)

    out = np.empty((a.shape[0], b.shape[1]), a.dtype)
    return lambda: product(a, b, out)


def _product_by_torch(a: np.ndarray, b: np.ndarray) -> Callable[[], Any]:
    import torch

    first, second = torch.from_numpy(a), torch.from_numpy(b)
    out = torch.empty((a.shape[0], b.shape[1]))
    return lambda: torch.mm(first, second, out=out)


ROOFS: dict[str, Callable[[Given, Product], Callable[[], Any]]] = {
    "CenteredLayer": _traffic,
    "LearnedAffine": _traffic,
    "MyDense": _dense,
    "TensorReduction": _folded,
    "HalfFourier": _transform,
}
