"""Matrix products by tiles: every size around the edges of tiles, panels and blocks, contiguous and transposed."""

import itertools

import numpy as np
import pytest
from numba import njit

from kernels.library import DTYPES, library
from kernels.matmul import matmul
from kernels.parallel import OPENMP
from kernels.tiles import PANEL
from kernels.vectors import lanes

# Each of k additions rounds a sum of about √k: together a few times k units of 1; a wrong term is off by 1.
UNIT = {"float32": 2.0**-23, "float64": 2.0**-52}


@njit
def compiled(a, b, out):
    matmul(a, b, out)


def operand(rows: int, columns: int, transposed: bool, dtype: str, generator: np.random.Generator) -> np.ndarray:
    shape = (columns, rows) if transposed else (rows, columns)
    array = generator.standard_normal(shape).astype(dtype)
    return array.T if transposed else array


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize(("a_transposed", "b_transposed"), list(itertools.product((False, True), repeat=2)))
def test_product_is_that_of_float64(dtype: str, a_transposed: bool, b_transposed: bool) -> None:
    library("product", dtype)
    generator = np.random.default_rng(0)
    panel = PANEL * lanes(dtype)
    for n, k, m in itertools.product(
        (0, 1, 2, 3, 4, 5, 7, 8, 13, 25),
        (0, 1, 2, 17, 511, 513, 1030),
        (1, 3, lanes(dtype) - 1, lanes(dtype), lanes(dtype) + 1, 3 * lanes(dtype), panel, panel + 1, 4 * panel + 7),
    ):
        a, b = operand(n, k, a_transposed, dtype, generator), operand(k, m, b_transposed, dtype, generator)
        around = np.full((n + 2, m), 7, dtype)
        compiled(a, b, around[1:-1])
        expected = a.astype("float64") @ b.astype("float64")
        np.testing.assert_allclose(around[1:-1], expected, rtol=0, atol=4 * UNIT[dtype] * (k + 10))
        assert (around[[0, -1]] == 7).all(), "rows beside the result must not be written"


@pytest.mark.parametrize("dtype", DTYPES)
def test_operands_may_have_gaps(dtype: str) -> None:
    library("product", dtype)
    generator = np.random.default_rng(0)
    for n, k, m in itertools.product((1, 3, 13, 30), (1, 70), (5, 70)):
        a, b = (generator.standard_normal((2 * rows, 3 * columns)).astype(dtype) for rows, columns in ((n, k), (k, m)))
        out = np.empty((n, m), dtype)
        compiled(a[::2, ::3], b[::2, ::3], out)
        expected = a[::2, ::3].astype("float64") @ b[::2, ::3].astype("float64")
        np.testing.assert_allclose(out, expected, rtol=0, atol=4 * UNIT[dtype] * (k + 10))


@pytest.mark.usefixtures("threads_as_before")
def test_threads_do_not_show() -> None:
    library("product", "float32")
    generator = np.random.default_rng(0)
    for n, k, m in ((7, 1500, 1700), (300, 240, 256), (49, 600, 600)):
        a, b = operand(n, k, False, "float32", generator), operand(k, m, False, "float32", generator)
        assert n * k * m > 2**24, "not enough for a second thread"
        results = []
        for threads in (1, 2, 3):
            OPENMP.omp_set_num_threads(threads)
            results.append(np.empty((n, m), "float32"))
            compiled(a, b, results[-1])
        assert all((result == results[0]).all() for result in results)


def test_nan_and_infinity_stay_in_their_rows_and_columns() -> None:
    library("product", "float32")
    a, b, out = np.ones((9, 5), "float32"), np.ones((5, 70), "float32"), np.empty((9, 70), "float32")
    a[3, 2], b[4, 66] = np.nan, np.inf
    compiled(a, b, out)
    strange = np.zeros(out.shape, bool)
    strange[3] = strange[:, 66] = True
    assert (np.isfinite(out) == ~strange).all()
    assert np.isnan(out[3]).all()
