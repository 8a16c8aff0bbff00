"""Quadratic forms of many rows, for compiled code: Σ_ij x[i]·x[j]·weight[i, j], and its gradients.

Of many rows only pairs i ≤ j are computed, with weight[i, j] + weight[j, i]; of few rows the sums would cost more than
they save, and each gradient is one or two products with all weights.  Products of pairs are never in memory: all pairs
with one i are a matrix product of x, weighed by x[i].
"""

import numpy as np
from numba import njit
from numba.extending import overload

from .apart import APART
from .matmul import matmul
from .parallel import in_chunks
from .primitives.form import Form, FormGradient, FormWeights
from .sums import plus
from .whole import PART

OPTIONS = {"fastmath": {"contract", "nsz"}, APART: True, "error_model": "numpy", **PART}

ROWS = 64  # of a block, at most: what is computed of them on the way stays in the second-level cache
FEW = 20  # rows below which the sums of weights cost more than half of the products
FEW_HEADS = 8  # the same for gradients
SPEED = 45  # multiply-adds in a nanosecond, about


def form(x: np.ndarray, weight: np.ndarray, out: np.ndarray) -> None:
    """out (n, u) of x (n, m) and weight (m, m, u), all of one float dtype."""
    out[:] = Form().evaluate(len(x), x, weight)


def form_gradient(head: np.ndarray, x: np.ndarray, weight: np.ndarray, out: np.ndarray) -> None:
    """out (n, m): the gradient of x for the head (n, u)."""
    out[:] = FormGradient().evaluate(len(x), head, x, weight)


def form_weights(head: np.ndarray, x: np.ndarray, out: np.ndarray) -> None:
    """out (m, m, u): the gradient of the weight for the head (n, u)."""
    out[:] = FormWeights().evaluate(len(x), head, x)


@njit(**OPTIONS)
def _rows_of_block(rows):  # type: ignore[no-untyped-def]
    return ROWS if rows >= 2 * ROWS else ROWS // 2


@njit(**OPTIONS)
def _blocks(rows):  # type: ignore[no-untyped-def]
    return (rows - 1) // _rows_of_block(rows) + 1


@njit(**OPTIONS)
def _nanoseconds(x, of_units):  # type: ignore[no-untyped-def]
    return x.size * x.shape[1] * of_units.shape[1] // (2 * SPEED)


@njit(**OPTIONS)
def _clear(start, end, out):  # type: ignore[no-untyped-def]
    for row in range(start, end):  # out[:] = 0 takes Numba a second to compile
        for unit in range(out.shape[1]):
            out[row, unit] = 0


@njit(**OPTIONS)
def _form_of_rows(first, last, x, sums, out):  # type: ignore[no-untyped-def]
    width, units = x.shape[1], out.shape[1]
    most = _rows_of_block(len(x))
    part = np.empty((most, units), out.dtype)
    for block in range(first, last):
        start, end = block * most, min((block + 1) * most, len(x))
        _clear(start, end, out)
        pair = 0
        for i in range(width):
            matmul(x[start:end, i:], sums[pair : pair + width - i], part[: end - start])
            for row in range(start, end):
                for unit in range(units):
                    out[row, unit] += x[row, i] * part[row - start, unit]
            pair += width - i


@njit(**OPTIONS)
def _form_of_few(x, weight, out):  # type: ignore[no-untyped-def]
    width, units = x.shape[1], out.shape[1]
    part = np.empty((len(x), width * units), out.dtype)
    matmul(x, weight.reshape(width, width * units), part)
    _clear(0, len(x), out)
    for row in range(len(x)):
        for i in range(width):
            for unit in range(units):
                out[row, unit] += x[row, i] * part[row, i * units + unit]


@njit(**OPTIONS)
def _sums_of_pairs(weight):  # type: ignore[no-untyped-def]
    width, units = weight.shape[1], weight.shape[2]
    sums = np.empty((width * (width + 1) // 2, units), weight.dtype)
    pair = 0
    for i in range(width):
        for unit in range(units):
            sums[pair, unit] = weight[i, i, unit]
        for j in range(i + 1, width):
            for unit in range(units):
                sums[pair + j - i, unit] = weight[i, j, unit] + weight[j, i, unit]
        pair += width - i
    return sums


@njit(**OPTIONS)
def _gradient_of_rows(first, last, head, x, square, out):  # type: ignore[no-untyped-def]
    width, units = x.shape[1], head.shape[1]
    most = _rows_of_block(len(x))
    part = np.empty((most, units * width), out.dtype)
    for block in range(first, last):
        start, end = block * most, min((block + 1) * most, len(x))
        matmul(x[start:end], square, part[: end - start])
        for row in range(start, end):
            for i in range(width):
                total = out.dtype.type(0)
                for unit in range(units):
                    total = plus(total, part[row - start, i * units + unit] * head[row, unit])
                out[row, i] = total


@njit(**OPTIONS)
def _gradient_of_few(head, x, weight, out):  # type: ignore[no-untyped-def]
    width, units = x.shape[1], head.shape[1]
    square = weight.reshape(width, width * units)
    matmul(_outer(x, head), square.T, out)
    part = np.empty((len(x), width * units), out.dtype)
    matmul(x, square, part)
    for row in range(len(x)):
        for i in range(width):
            total = out.dtype.type(0)
            for unit in range(units):
                total = plus(total, part[row, i * units + unit] * head[row, unit])
            out[row, i] += total


@njit(**OPTIONS)
def _outer(x, head):  # type: ignore[no-untyped-def]
    width, units = x.shape[1], head.shape[1]
    products = np.empty((len(x), width * units), x.dtype)
    for row in range(len(x)):
        for i in range(width):
            for unit in range(units):
                products[row, i * units + unit] = x[row, i] * head[row, unit]
    return products


@njit(**OPTIONS)
def _weights_of_pairs(first, last, head, x, out):  # type: ignore[no-untyped-def]
    width, units = x.shape[1], head.shape[1]
    weighed = np.empty_like(head)
    part = np.empty((width, units), out.dtype)
    for number in range(2 * first, 2 * last):  # a long stretch of pairs and a short one in turns
        i = number // 2 if number % 2 == 0 else width - 1 - number // 2
        if number % 2 and i == number // 2:
            continue
        for row in range(len(x)):
            for unit in range(units):
                weighed[row, unit] = x[row, i] * head[row, unit]
        matmul(x[:, i:].T, weighed, part[: width - i])
        for j in range(i, width):
            for unit in range(units):
                out[i, j, unit] = part[j - i, unit]
            for unit in range(units):
                out[j, i, unit] = part[j - i, unit]


@overload(form)
def _form(x, weight, out):  # type: ignore[no-untyped-def]  # noqa: ARG001
    def by_rows(x, weight, out):  # type: ignore[no-untyped-def]
        if len(x) < FEW:
            _form_of_few(x, weight, out)
        else:
            in_chunks(_form_of_rows, _blocks(len(x)), _nanoseconds(x, out), (x, _sums_of_pairs(weight), out))

    return by_rows


@overload(form_gradient)
def _form_gradient(head, x, weight, out):  # type: ignore[no-untyped-def]  # noqa: ARG001
    def by_rows(head, x, weight, out):  # type: ignore[no-untyped-def]
        if len(x) < FEW_HEADS:
            _gradient_of_few(head, x, weight, out)
            return
        width, units = x.shape[1], head.shape[1]
        both = np.empty_like(weight)
        for i in range(width):
            for j in range(width):
                for unit in range(units):
                    both[i, j, unit] = weight[i, j, unit] + weight[j, i, unit]
        flat = both.reshape(width, width * units)
        in_chunks(_gradient_of_rows, _blocks(len(x)), _nanoseconds(x, head), (head, x, flat, out))

    return by_rows


@overload(form_weights)
def _form_weights(head, x, out):  # type: ignore[no-untyped-def]  # noqa: ARG001
    def by_pairs(head, x, out):  # type: ignore[no-untyped-def]
        if len(x) < FEW_HEADS:
            width, units = x.shape[1], head.shape[1]
            matmul(x.T, _outer(x, head), out.reshape(width, width * units))
            return
        in_chunks(_weights_of_pairs, (x.shape[1] + 1) // 2, _nanoseconds(x, head), (head, x, out))

    return by_pairs
