"""Quadratic forms, one for each row.

This file is compiled through the kernel cache like generated source: ``library`` reads it, nothing imports it.
"""

import numpy as np
from numba import carray, cfunc, njit, types

from kernels.forms import FEW, OPTIONS, blocks, nanoseconds, rows_of_block
from kernels.library import library
from kernels.matmul import matmul
from kernels.parallel import in_chunks
from kernels.whole import Whole

DTYPE = "float32"  # another one is written here
word, array = types.intp, types.CPointer(getattr(types, DTYPE))
library("product", DTYPE)


@njit(**OPTIONS)
def clear(start, end, out):
    for row in range(start, end):  # out[:] = 0 takes Numba a second to compile
        for unit in range(out.shape[1]):
            out[row, unit] = 0


@njit(**OPTIONS)
def form_of_rows(first, last, x, sums, out):
    width, units = x.shape[1], out.shape[1]
    most = rows_of_block(len(x))
    part = np.empty((most, units), out.dtype)
    for block in range(first, last):
        start, end = block * most, min((block + 1) * most, len(x))
        clear(start, end, out)
        pair = 0
        for i in range(width):
            matmul(x[start:end, i:], sums[pair : pair + width - i], part[: end - start])
            for row in range(start, end):
                for unit in range(units):
                    out[row, unit] += x[row, i] * part[row - start, unit]
            pair += width - i


@njit(**OPTIONS)
def form_of_few(x, weight, out):
    width, units = x.shape[1], out.shape[1]
    part = np.empty((len(x), width * units), out.dtype)
    matmul(x, weight.reshape(width, width * units), part)
    clear(0, len(x), out)
    for row in range(len(x)):
        for i in range(width):
            for unit in range(units):
                out[row, unit] += x[row, i] * part[row, i * units + unit]


@njit(**OPTIONS)
def sums_of_pairs(weight):
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


@cfunc(types.void(*[word] * 3, *[array] * 3), cache=True, pipeline_class=Whole, error_model="numpy")
def form(rows, width, units, x, weight, out):
    """out (rows, units) = Σ_ij x[:, i]·x[:, j]·weight[i, j] of x (rows, width) and weight (width, width, units)."""
    x, weight = carray(x, (rows, width)), carray(weight, (width, width, units))
    out = carray(out, (rows, units))
    if rows < FEW:
        form_of_few(x, weight, out)
    else:
        in_chunks(form_of_rows, blocks(rows), nanoseconds(x, out), (x, sums_of_pairs(weight), out))
