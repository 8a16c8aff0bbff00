"""Quadratic forms of many rows, for compiled code: Σ_ij x[i]·x[j]·weight[i, j], and its gradients.

Of many rows only pairs i ≤ j are computed, with weight[i, j] + weight[j, i]; of few rows the sums would cost more than
they save, and each gradient is one or two products with all weights.  Products of pairs are never in memory: all pairs
with one i are a matrix product of x, weighed by x[i].
"""

from typing import Any

import numpy as np
from numba import njit
from numba.extending import overload

from .apart import APART
from .library import called
from .primitives.form import Form, FormGradient, FormWeights
from .vectors import address_of
from .whole import PART

OPTIONS = {"fastmath": {"contract", "nsz"}, APART: True, "error_model": "numpy", **PART}

ROWS = 64  # of a block, at most: what is computed of them on the way stays in the second-level cache
FEW = 20  # rows below which the sums of weights cost more than half of the products
FEW_HEADS = 8  # the same for gradients
SPEED = 45  # multiply-adds in a nanosecond, about


def form(x: np.ndarray, weight: np.ndarray, out: np.ndarray) -> None:
    """out (n, u) of x (n, m) and weight (m, m, u), all of float32 or all of float64, and contiguous."""
    out[:] = Form().evaluate(len(x), x, weight)


def form_gradient(head: np.ndarray, x: np.ndarray, weight: np.ndarray, out: np.ndarray) -> None:
    """out (n, m): the gradient of x for the head (n, u)."""
    out[:] = FormGradient().evaluate(len(x), head, x, weight)


def form_weights(head: np.ndarray, x: np.ndarray, out: np.ndarray) -> None:
    """out (m, m, u): the gradient of the weight for the head (n, u)."""
    out[:] = FormWeights().evaluate(len(x), head, x)


@njit(**OPTIONS)
def rows_of_block(rows):  # type: ignore[no-untyped-def]
    return ROWS if rows >= 2 * ROWS else ROWS // 2


@njit(**OPTIONS)
def blocks(rows):  # type: ignore[no-untyped-def]
    return (rows - 1) // rows_of_block(rows) + 1


@njit(**OPTIONS)
def nanoseconds(x, of_units):  # type: ignore[no-untyped-def]
    return x.size * x.shape[1] * of_units.shape[1] // (2 * SPEED)


@njit(**OPTIONS)
def outer(x, head):  # type: ignore[no-untyped-def]
    width, units = x.shape[1], head.shape[1]
    products = np.empty((len(x), width * units), x.dtype)
    for row in range(len(x)):
        for i in range(width):
            for unit in range(units):
                products[row, i * units + unit] = x[row, i] * head[row, unit]
    return products


def _contiguous(*arrays: Any) -> bool:
    return all(array.layout == "C" for array in arrays)


@overload(form)
def _form(x, weight, out):  # type: ignore[no-untyped-def]
    compiled = called("form", str(x.dtype))

    def by_rows(x, weight, out):  # type: ignore[no-untyped-def]
        (rows, width), units = x.shape, out.shape[1]
        compiled(rows, width, units, address_of(x), address_of(weight), address_of(out))

    return by_rows if _contiguous(x, weight, out) else None


@overload(form_gradient)
def _form_gradient(head, x, weight, out):  # type: ignore[no-untyped-def]
    compiled = called("form_gradient", str(x.dtype))

    def by_rows(head, x, weight, out):  # type: ignore[no-untyped-def]
        (rows, width), units = x.shape, head.shape[1]
        compiled(rows, width, units, address_of(head), address_of(x), address_of(weight), address_of(out))

    return by_rows if _contiguous(head, x, weight, out) else None


@overload(form_weights)
def _form_weights(head, x, out):  # type: ignore[no-untyped-def]
    compiled = called("form_weights", str(x.dtype))

    def by_pairs(head, x, out):  # type: ignore[no-untyped-def]
        (rows, width), units = x.shape, head.shape[1]
        compiled(rows, width, units, address_of(head), address_of(x), address_of(out))

    return by_pairs if _contiguous(head, x, out) else None
