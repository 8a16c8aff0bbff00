"""The gradient of quadratic forms for what stands in them twice.

This file is compiled through the kernel cache like generated source: ``library`` reads it, nothing imports it.
"""

import numpy as np
from numba import carray, cfunc, njit, types

from kernels.forms import FEW_HEADS, OPTIONS, blocks, nanoseconds, outer, rows_of_block
from kernels.library import library
from kernels.matmul import matmul
from kernels.parallel import in_chunks
from kernels.sums import plus
from kernels.whole import Whole

DTYPE = "float32"  # another one is written here
number = getattr(np, DTYPE)
word, array = types.intp, types.CPointer(getattr(types, DTYPE))
library("product", DTYPE)


@njit(**OPTIONS)
def gradient_of_rows(first, last, head, x, square, out):
    width, units = x.shape[1], head.shape[1]
    most = rows_of_block(len(x))
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
def gradient_of_few(head, x, weight, out):
    width, units = x.shape[1], head.shape[1]
    square = weight.reshape(width, width * units)
    matmul(outer(x, head), square.T, out)
    part = np.empty((len(x), width * units), out.dtype)
    matmul(x, square, part)
    for row in range(len(x)):
        for i in range(width):
            total = out.dtype.type(0)
            for unit in range(units):
                total = plus(total, part[row, i * units + unit] * head[row, unit])
            out[row, i] += total


@cfunc(types.void(*[word] * 3, *[array] * 4), cache=True, pipeline_class=Whole, error_model="numpy")
def form_gradient(rows, width, units, head, x, weight, out):
    """out (rows, width): the gradient of x for the head (rows, units)."""
    head, x = carray(head, (rows, units)), carray(x, (rows, width))
    weight, out = carray(weight, (width, width, units)), carray(out, (rows, width))
    if rows < FEW_HEADS:
        gradient_of_few(head, x, weight, out)
        return
    both = np.empty((width, width * units), number)
    for i in range(width):
        for j in range(width):
            for unit in range(units):
                both[i, j * units + unit] = weight[i, j, unit] + weight[j, i, unit]
    in_chunks(gradient_of_rows, blocks(rows), nanoseconds(x, head), (head, x, both, out))
