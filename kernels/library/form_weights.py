"""The gradient of quadratic forms for their weights.

This file is compiled through the kernel cache like generated source: ``library`` reads it, nothing imports it.
"""

import numpy as np
from numba import carray, cfunc, njit, types

from kernels.forms import FEW_HEADS, OPTIONS, nanoseconds, outer
from kernels.library import library
from kernels.matmul import matmul
from kernels.parallel import in_chunks
from kernels.whole import Whole

DTYPE = "float32"  # another one is written here
word, array = types.intp, types.CPointer(getattr(types, DTYPE))
library("product", DTYPE)


@njit(**OPTIONS)
def weights_of_pairs(first, last, head, x, out):
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


@cfunc(types.void(*[word] * 3, *[array] * 3), cache=True, pipeline_class=Whole, error_model="numpy")
def form_weights(rows, width, units, head, x, out):
    """out (width, width, units): the gradient of the weight for the head (rows, units)."""
    head, x = carray(head, (rows, units)), carray(x, (rows, width))
    if rows < FEW_HEADS:
        matmul(x.T, outer(x, head), carray(out, (width, width * units)))
    else:
        pairs = carray(out, (width, width, units))
        in_chunks(weights_of_pairs, (width + 1) // 2, nanoseconds(x, head), (head, x, pairs))
