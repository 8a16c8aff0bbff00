"""Transforms of many rows at once, compiled, against the exact ones: lengths, numbers of rows and bins around every
boundary between one way of doing it and another."""

from typing import Any

import numba
import numpy as np
import pytest
import scipy.fft
from mxnet import gluon, nd

from kernels import source
from kernels.parallel import OPENMP, WORTH
from kernels.primitives.fourier import Fourier, half_basis
from kernels.transform import bins_of_rows, plan, rows_of_bins, shares, suits
from kernels.transform.codelets import SMALLEST, Complex, transform

# One for each radix, each remainder of columns, and some that mix them: (length, bins kept, dtype).
SIZES = [(4, 1, "float32"), (4, 3, "float64"), (6, 2, "float64"), (8, 5, "float32"), (10, 5, "float64"),
         (16, 4, "float32"), (30, 16, "float32"), (36, 7, "float64"), (64, 33, "float32"), (128, 1, "float64"),
         (256, 128, "float32"), (256, 129, "float64"), (480, 241, "float32"), (1000, 333, "float32"),
         (1024, 512, "float64")]  # fmt: skip
# Around the numbers that one group takes, of either dtype.
ROWS = (0, 1, 2, 3, 4, 5, 7, 8, 9, 15, 16, 17, 33)
SEED = 20


def compiled(length: int, kept: int):  # type: ignore[no-untyped-def]
    """Both directions as functions of (source, result)."""

    @numba.njit
    def forward(rows, bins):  # type: ignore[no-untyped-def]
        bins_of_rows(rows, bins, length, kept)

    @numba.njit
    def backward(bins, rows):  # type: ignore[no-untyped-def]
        rows_of_bins(bins, rows, length, kept)

    return forward, backward


def error(found: np.ndarray, expected: np.ndarray, source: np.ndarray) -> np.ndarray:
    """That of each number, in units of the rounding error of its row's norm."""
    norm = np.linalg.norm(source.astype(np.float64), axis=-1, keepdims=True)
    return np.asarray((found - expected) / (norm * np.finfo(source.dtype).eps))


def exact_basis(length: int, kept: int) -> np.ndarray:
    """The matrix that a row is multiplied by, to more digits than float64 has."""
    turns = np.outer(np.arange(length), np.arange(kept)) % length / np.longdouble(length)
    phases = 8 * np.arctan(np.longdouble(1)) * turns
    return np.stack([np.cos(phases), -np.sin(phases)], axis=-1).reshape(length, 2 * kept)


@pytest.mark.parametrize(("length", "kept", "dtype"), SIZES)
def test_a_transform_of_rows_is_that_of_each_row(length: int, kept: int, dtype: str) -> None:
    assert suits(length)
    forward, backward = compiled(length, kept)
    basis = exact_basis(length, kept)
    for function, matrix in ((forward, basis), (backward, basis.T)):
        source = np.random.default_rng(SEED).standard_normal((max(ROWS), len(matrix))).astype(dtype)
        expected = source @ matrix
        for rows in ROWS:
            # what lies beyond the rows must stay as it is
            memory = np.full((rows + 2, matrix.shape[1]), -77.0, dtype)
            given = source[:rows].copy()
            function(given, memory[1:-1])
            assert (np.abs(error(memory[1:-1], expected[:rows], given)) < 6).all()
            assert (memory[[0, -1]] == -77).all()
            np.testing.assert_array_equal(given, source[:rows])


@pytest.mark.parametrize("rows", [1, 3, 6, 16, 19])
def test_rows_do_not_reach_each_other(rows: int) -> None:
    """NaN, infinity and numbers of another magnitude in one row; the same bits in all others."""
    forward, backward = compiled(64, 32)
    clean = np.random.default_rng(SEED).standard_normal((rows, 64)).astype("float32")
    for function in (forward, backward):
        expected = np.empty_like(clean)
        function(clean, expected)
        for row in range(rows):
            for bad in (np.nan, np.inf, 1e30):
                spoiled = clean.copy()
                spoiled[row, 5] = bad
                found = np.empty_like(clean)
                function(spoiled, found)
                others = np.arange(rows) != row
                np.testing.assert_array_equal(found[others], expected[others])
                assert np.isfinite(found[row]).all() == (bad == 1e30)


@pytest.mark.usefixtures("threads_as_before")
@pytest.mark.parametrize("threads", [2, 3, 5])
def test_threads_share_the_rows(threads: int) -> None:
    """The same bits as from one thread, which each row is given by one alone; the last groups are not whole."""
    forward, backward = compiled(1024, 512)
    fewest = -(-WORTH * 1000 // (1024 * shares.PICOSECONDS))
    for function in (forward, backward):
        for rows in (fewest - 1, fewest, fewest + 1, fewest + 23, 1031):
            source = np.random.default_rng(SEED).standard_normal((rows, 1024)).astype("float32")
            results = np.full((2, rows + 1, 1024), -77, "float32")
            for result, number in zip(results, (1, threads), strict=True):
                OPENMP.omp_set_num_threads(number)
                function(source, result[:-1])
            np.testing.assert_array_equal(results[0], results[1])


@pytest.mark.parametrize("length", [16, 60, 256])
def test_each_direction_is_the_adjoint_of_the_other(length: int) -> None:
    """⟨F x, g⟩ = ⟨x, Fᵀ g⟩."""
    kept = length // 2 + 1
    forward, backward = compiled(length, kept)
    generator = np.random.default_rng(SEED)
    x, g = generator.standard_normal((9, length)), generator.standard_normal((9, 2 * kept))
    bins, rows = np.empty_like(g), np.empty_like(x)
    forward(x, bins)
    backward(g, rows)
    np.testing.assert_allclose((bins * g).sum(axis=1), (x * rows).sum(axis=1), rtol=1e-12)


def test_it_is_as_exact_as_scipy_is_in_the_same_dtype() -> None:
    forward, _ = compiled(256, 129)
    x = np.random.default_rng(SEED).standard_normal((500, 256)).astype("float32")
    found = np.empty((500, 258), "float32")
    forward(x, found)
    expected = Fourier(256, 129).evaluate(500, x.astype("float64"))
    ours, scipys = (error(result, expected, x) for result in (found, scipy.fft.rfft(x).view("float32")))
    assert np.sqrt(np.square(ours).mean()) < 1.05 * np.sqrt(np.square(scipys).mean())


def test_rows_may_have_several_axes_or_none_beside_their_own() -> None:
    forward, _ = compiled(12, 4)
    for shape in ((12,), (2, 3, 12), (3, 1, 2, 12)):
        x = np.random.default_rng(SEED).standard_normal(shape)
        found = np.empty((*shape[:-1], 8))
        forward(x, found)
        np.testing.assert_allclose(found, Fourier(12, 4).evaluate(1, x), atol=1e-13)


class Transforms(gluon.Block):
    """Products with the bases of lengths that do not suit, which go to rocket-fft."""

    def __init__(self, *sizes: tuple[int, int]) -> None:
        super().__init__(prefix="")
        self.bases = [gluon.Constant(f"basis{length}", nd.array(half_basis(length, kept))) for length, kept in sizes]
        for basis in self.bases:
            self.params.update({basis.name: basis})
            setattr(self, basis.name, basis)

    def forward(self, *inputs: nd.NDArray) -> list[nd.NDArray]:
        return [nd.dot(x, basis.data()) for x, basis in zip(inputs, self.bases, strict=True)]


def test_rows_of_other_lengths_may_have_several_axes_too(agree: Any, normal: Any) -> None:
    """All bins of an odd length; of an even one the middle bin and, from rows without another axis, some."""
    block, shapes = Transforms((7, 4), (22, 12), (14, 3)), ((3, 2, 7), (3, 2, 4, 22), (3, 14))
    assert not any(suits(shape[-1]) for shape in shapes)
    arrays = [normal(*shape) for shape in shapes]
    assert source(block, "numba", shapes).count("r2c(") == len(shapes)
    assert agree(block, *arrays) == []


@pytest.mark.parametrize("count", [*SMALLEST, 6, 8, 9, 10, 12, 16, 25])
def test_a_codelet_computes_with_numbers_what_it_writes_with_vectors(count: int) -> None:
    x = np.random.default_rng(SEED).standard_normal((2, count, 3))
    found = transform([Complex(*parts) for parts in zip(*x, strict=True)])
    expected = np.fft.fft(x[0] + 1j * x[1], axis=0)
    np.testing.assert_allclose([number.real + 1j * number.imaginary for number in found], expected, atol=1e-13)


def test_a_length_suits_if_its_half_has_small_factors() -> None:
    assert [length for length in range(1, 40) if suits(length)] == [
        4, 6, 8, 10, 12, 16, 18, 20, 24, 30, 32, 36]  # fmt: skip
    assert plan.radices(480) == (8, 4, 3, 5)
    assert plan.radices(128) == (8, 4, 4)
    assert not suits(2 * plan.LONGEST)
