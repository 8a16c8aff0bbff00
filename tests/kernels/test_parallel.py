"""``in_chunks``: every chunk is run once, by the threads that it should be run by, whatever their number."""

import os
import signal
from collections.abc import Iterator

import numpy as np
import pytest
from numba import njit, types

from kernels.parallel import OPENMP, in_chunks

thread_number = types.ExternalFunction("omp_get_thread_num", types.int32())


@njit
def mark(first: int, last: int, counts: np.ndarray, threads: np.ndarray, step: float) -> None:
    """Count each chunk, and note who ran it."""
    for chunk in range(first, last):
        counts[chunk] += step
        threads[chunk] = thread_number()


@njit
def marked(chunks: int, enough: bool, counts: np.ndarray, threads: np.ndarray) -> None:
    in_chunks(mark, chunks, enough, (counts, threads, 0.5))


@njit
def fail(first: int, last: int, bad: int) -> None:
    if first <= bad < last:
        raise ValueError("a bad chunk")


@njit
def failing(chunks: int, enough: bool, bad: int) -> int:
    in_chunks(fail, chunks, enough, (bad,))
    return chunks


@pytest.fixture
def two_threads() -> Iterator[None]:
    before = OPENMP.omp_get_max_threads()
    OPENMP.omp_set_num_threads(2)
    yield
    OPENMP.omp_set_num_threads(before)


def run(chunks: int, enough: bool) -> list[int]:
    """The thread of each chunk."""
    counts, threads = np.zeros(chunks + 1), np.full(chunks + 1, -1)
    marked(chunks, enough, counts, threads)
    assert counts.tolist() == [0.5] * chunks + [0.0]
    return threads[:-1].tolist()


@pytest.mark.usefixtures("two_threads")
@pytest.mark.parametrize(
    ("chunks", "shares"), [(0, []), (1, [0]), (2, [0, 1]), (5, [0, 0, 1, 1, 1]), (100, [0] * 50 + [1] * 50)]
)
def test_threads_take_equal_shares(chunks: int, shares: list[int]) -> None:
    assert run(chunks, True) == shares


@pytest.mark.usefixtures("two_threads")
def test_too_little_work_is_done_by_the_caller() -> None:
    assert run(100, False) == [0] * 100


@pytest.mark.usefixtures("two_threads")
@pytest.mark.parametrize("threads", [1, 3])
def test_the_number_of_threads_is_asked_for_at_each_call(threads: int) -> None:
    OPENMP.omp_set_num_threads(threads)
    assert sorted(set(run(30, True))) == list(range(threads))


@pytest.mark.usefixtures("two_threads")
@pytest.mark.parametrize("enough", [True, False])
@pytest.mark.parametrize("bad", [0, 9])
def test_an_exception_reaches_the_caller(enough: bool, bad: int) -> None:
    assert failing(10, enough, 10) == 10
    with pytest.raises(ValueError, match="a bad chunk"):
        failing(10, enough, bad)


@pytest.mark.usefixtures("two_threads")
def test_a_forked_child_uses_one_thread() -> None:
    """With more it would wait for threads that only its parent has."""
    assert set(run(10, True)) == {0, 1}
    child = os.fork()
    if child == 0:
        signal.alarm(60)
        os._exit(sum(run(10, True)))
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    assert set(run(10, True)) == {0, 1}
