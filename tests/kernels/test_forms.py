"""Quadratic forms and their gradients against NumPy in float64, around the edges of blocks and of few rows."""

import itertools

import numpy as np
import pytest
from numba import njit

from kernels import forms
from kernels.library import DTYPES, library
from kernels.parallel import OPENMP, WORTH

FUNCTIONS = ("form", "form_gradient", "form_weights")
UNIT = {"float32": 2.0**-23, "float64": 2.0**-52}


@njit
def form(x, weight, out):
    forms.form(x, weight, out)


@njit
def form_gradient(head, x, weight, out):
    forms.form_gradient(head, x, weight, out)


@njit
def form_weights(head, x, out):
    forms.form_weights(head, x, out)


@pytest.mark.parametrize("dtype", DTYPES)
def test_forms_are_those_of_float64(dtype: str) -> None:
    for name in FUNCTIONS:
        library(name, dtype)
    generator = np.random.default_rng(0)
    edges = (1, forms.FEW_HEADS, forms.FEW, forms.ROWS, 2 * forms.ROWS)
    rows = [edge + step for edge in edges for step in (-1, 0, 1)]
    for n, width, units in itertools.product(rows, (1, 2, 7, 20), (1, 3, 17)):
        x, weight, head = (
            generator.uniform(-1, 1, shape).astype(dtype) for shape in ((n, width), (width, width, units), (n, units))
        )
        for compiled, plain, arrays, shape in (
            (form, forms.form, (x, weight), (n, units)),
            (form_gradient, forms.form_gradient, (head, x, weight), (n, width)),
            (form_weights, forms.form_weights, (head, x), (width, width, units)),
        ):
            found, expected = np.full(shape, 7, dtype), np.empty(shape)
            compiled(*arrays, found)
            plain(*(array.astype("float64") for array in arrays), expected)
            terms = max(width * width, width * units, n)
            np.testing.assert_allclose(found, expected, rtol=0, atol=4 * UNIT[dtype] * terms, err_msg=plain.__name__)


@pytest.mark.usefixtures("threads_as_before")
def test_threads_do_not_show() -> None:
    for name in FUNCTIONS:
        library(name, "float32")
    generator = np.random.default_rng(0)
    n, width, units = 300, 63, 29
    x, head = generator.standard_normal((n, width), "float32"), generator.standard_normal((n, units), "float32")
    weight = generator.standard_normal((width, width, units), "float32")
    assert n * width * width * units // 2 >= forms.SPEED * WORTH
    for compiled, arrays, shape in (
        (form, (x, weight), (n, units)),
        (form_gradient, (head, x, weight), (n, width)),
        (form_weights, (head, x), (width, width, units)),
    ):
        results = []
        for threads in (1, 2, 3):
            OPENMP.omp_set_num_threads(threads)
            results.append(np.empty(shape, "float32"))
            compiled(*arrays, results[-1])
        assert all((result == results[0]).all() for result in results)
