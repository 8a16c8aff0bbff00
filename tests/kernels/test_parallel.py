"""``in_chunks``: every chunk is run once, by as many threads as it should be run by, whoever they are."""

import os
import signal
import threading
import time
from collections.abc import Iterator

import numpy as np
import pytest
from numba import njit, types

from kernels.parallel import OPENMP, WAKE, WORTH, in_chunks
from kernels.team import PATIENCE, hire

thread = types.ExternalFunction("pthread_self", types.uint64())


@njit(nogil=True)
def mark(first: int, last: int, counts: np.ndarray, shares: np.ndarray, threads: np.ndarray, step: float) -> None:
    """Count each chunk, and note its share, by its first chunk, and its thread."""
    for chunk in range(first, last):
        counts[chunk] += step
        shares[chunk] = first
        threads[chunk] = thread()


@njit(nogil=True)
def marked(chunks: int, nanoseconds: int, counts: np.ndarray, shares: np.ndarray, threads: np.ndarray) -> None:
    in_chunks(mark, chunks, nanoseconds, (counts, shares, threads, 0.5))


@njit
def fail(first: int, last: int, bad: int) -> None:
    if first <= bad < last:
        raise ValueError("a bad chunk")


@njit
def failing(chunks: int, nanoseconds: int, bad: int) -> int:
    in_chunks(fail, chunks, nanoseconds, (bad,))
    return chunks


@njit(nogil=True)
def nest(first: int, last: int, counts: np.ndarray) -> None:
    for chunk in range(first, last):
        in_chunks(count, counts.shape[1], WAKE, (counts, chunk))


@njit(nogil=True)
def count(first: int, last: int, counts: np.ndarray, row: int) -> None:
    for chunk in range(first, last):
        counts[row, chunk] += 1


@njit(nogil=True)
def nested(counts: np.ndarray) -> None:
    in_chunks(nest, len(counts), WAKE, (counts,))


@pytest.fixture
def two_threads() -> Iterator[None]:
    if not any(one.name.startswith("gluonmark worker") for one in threading.enumerate()):
        hire(1)  # this process was started for one thread
    before = OPENMP.omp_get_max_threads()
    OPENMP.omp_set_num_threads(2)
    yield
    OPENMP.omp_set_num_threads(before)


def run(chunks: int, nanoseconds: int) -> list[int]:
    """The first chunk of each chunk's share."""
    counts, shares, threads = np.zeros(chunks + 1), np.full(chunks + 1, -1), np.zeros(chunks + 1, np.uint64)
    marked(chunks, nanoseconds, counts, shares, threads)
    assert counts.tolist() == [0.5] * chunks + [0.0]
    return shares[:-1].tolist()


@pytest.mark.usefixtures("two_threads")
@pytest.mark.parametrize(
    ("chunks", "shares"), [(0, []), (1, [0]), (2, [0, 1]), (5, [0, 0, 2, 2, 2]), (100, [0] * 50 + [50] * 50)]
)
def test_shares_are_equal(chunks: int, shares: list[int]) -> None:
    assert run(chunks, WAKE) == shares


@pytest.mark.usefixtures("two_threads")
def test_too_little_work_is_not_shared() -> None:
    assert run(100, WORTH - 1) == [0] * 100


@pytest.mark.usefixtures("two_threads")
@pytest.mark.skipif(len(os.sched_getaffinity(0)) < 2, reason="there is one processor")
def test_a_worker_leaves_the_processor_of_the_caller() -> None:
    worker = next(one.native_id for one in threading.enumerate() if one.name.startswith("gluonmark worker"))
    every = os.sched_getaffinity(0)
    here = min(every)
    assert worker is not None

    def call() -> None:
        OPENMP.omp_set_num_threads(2)  # each thread has a number of its own
        os.sched_setaffinity(0, {here})
        os.sched_setaffinity(worker, {here})
        for _ in range(1_000_000):
            run(2, WAKE)
            if here not in os.sched_getaffinity(worker):
                break

    caller = threading.Thread(target=call)
    caller.start()
    caller.join()
    assert os.sched_getaffinity(worker) == every - {here}


@pytest.mark.usefixtures("two_threads")
def test_little_work_wakes_nobody_unless_it_comes_again() -> None:
    """The second of two calls, unless something kept it from coming soon, as it may on a busy machine."""

    def twice() -> tuple[list[int], list[int]]:
        time.sleep(100 * PATIENCE * 1e-9)
        return run(2, WORTH), run(2, WORTH)

    run(2, WAKE)
    tries = [twice() for _ in range(200)]
    assert {tuple(first) for first, _ in tries} == {(0, 0)}
    assert [0, 1] in [second for _, second in tries]


@pytest.mark.usefixtures("two_threads")
@pytest.mark.parametrize("threads", [1, 3])
def test_the_number_of_threads_is_asked_for_at_each_call(threads: int) -> None:
    OPENMP.omp_set_num_threads(threads)
    assert sorted(set(run(30, WAKE))) == [0, 10, 20][:threads]


@pytest.mark.usefixtures("two_threads")
@pytest.mark.parametrize("nanoseconds", [0, WAKE])
@pytest.mark.parametrize("bad", [0, 9])
def test_an_exception_reaches_the_caller(nanoseconds: int, bad: int) -> None:
    assert failing(10, nanoseconds, 10) == 10
    with pytest.raises(ValueError, match="a bad chunk"):
        failing(10, nanoseconds, bad)


@pytest.mark.usefixtures("two_threads")
def test_a_share_may_share_again() -> None:
    counts = np.zeros((40, 30))
    nested(counts)
    np.testing.assert_array_equal(counts, 1)


@pytest.mark.usefixtures("two_threads")
@pytest.mark.skipif(len(os.sched_getaffinity(0)) < 2, reason="there is one processor")
def test_a_worker_helps() -> None:
    """Sooner or later: who comes late finds nothing left to do."""
    by = np.zeros(2, np.uint64)
    end = time.monotonic() + 500
    while by[0] == by[1] and time.monotonic() < end:
        marked(2, WAKE, np.zeros(2), np.zeros(2, int), by)
    assert by[0] != by[1]


@pytest.mark.usefixtures("two_threads")
def test_callers_on_several_threads_do_not_disturb_each_other() -> None:
    results = [np.zeros((300, 64)) for _ in range(4)]

    def caller(rows: np.ndarray) -> None:
        OPENMP.omp_set_num_threads(2)  # each thread has a number of its own
        for row in rows:
            marked(64, WAKE, row, np.zeros(64, int), np.zeros(64, np.uint64))

    callers = [threading.Thread(target=caller, args=(rows,)) for rows in results]
    for one in callers:
        one.start()
    for one in callers:
        one.join()
    np.testing.assert_array_equal(results, 0.5)


@pytest.mark.usefixtures("two_threads")
def test_a_forked_child_uses_one_thread() -> None:
    """With more it would wait for threads that only its parent has."""
    assert set(run(10, WAKE)) == {0, 5}
    child = os.fork()
    if child == 0:
        signal.alarm(500)
        code = 1
        try:
            code = sum(run(10, WAKE))
        finally:
            os._exit(code)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    assert set(run(10, WAKE)) == {0, 5}
