"""What a call returns is its caller's: memory is written to again only when nobody can see it any more."""

import threading
from collections.abc import Callable
from typing import Any

import mxnet as mx
import numpy as np
import pytest
from mxnet import autograd, gluon, nd

from kernels import KernelError, jit, value_and_gradient
from kernels.counts import holders_are_countable


class Doubled(gluon.Block):
    """Twice its input."""

    def forward(self, x: nd.NDArray) -> nd.NDArray:
        return x * 2


def filled(number: float, rows: int = 4) -> nd.NDArray:
    return nd.full((rows, 3), number)


@pytest.fixture
def fast() -> gluon.Block:
    """A variant that has been called, so that the next calls take the short way."""
    block = jit(Doubled())
    for number in range(3):
        block(filled(number))
    return block


def test_the_memory_of_what_was_dropped_is_used_again(fast: gluon.Block) -> None:
    assert holders_are_countable()
    x = filled(1)
    handles = set()
    for _ in range(20):
        y = fast(x)
        handles.add(y.handle.value)
    assert len(handles) == 2
    for _ in range(20):
        handles.add(fast(x).handle.value)
    assert len(handles) <= 3


def tape(y: nd.NDArray) -> Any:
    weight = filled(1)
    weight.attach_grad()
    with autograd.record():
        z = (y * weight).sum()

    def gradient() -> np.ndarray:
        z.backward()
        return weight.grad.asnumpy()

    return gradient


# How a result may go on to be seen, and how to see it after its name is gone.
KEEPERS: dict[str, tuple[Callable[[nd.NDArray], Any], Callable[[Any], np.ndarray]]] = {
    "a name": (lambda y: y, nd.NDArray.asnumpy),
    "a list": (lambda y: [y], lambda kept: kept[0].asnumpy()),
    "another shape": (lambda y: y.reshape((3, 4)), lambda kept: kept.asnumpy().reshape(4, 3)),
    "rows": (lambda y: y[0:4], nd.NDArray.asnumpy),
    "a row": (lambda y: y[1], lambda kept: np.stack([kept.asnumpy()] * 4)),
    "detached": (lambda y: y.detach(), nd.NDArray.asnumpy),
    "for NumPy's interface": (lambda y: y.as_np_ndarray(), lambda kept: kept.asnumpy()),
    "a capsule": (lambda y: y.to_dlpack_for_read(), lambda kept: nd.from_dlpack(kept).asnumpy()),
    "a tape": (tape, lambda gradient: gradient()),
    "a parameter": (
        lambda y: gluon.Parameter("p", shape=y.shape, init=mx.init.Constant(y)),
        lambda parameter: parameter.initialize() or parameter.data().asnumpy(),
    ),
}


@pytest.mark.parametrize("how", KEEPERS)
def test_what_can_still_be_seen_is_left_alone(how: str, fast: gluon.Block) -> None:
    keep, see = KEEPERS[how]
    kept = [keep(fast(filled(number))) for number in range(6)]
    for number in range(6, 12):
        fast(filled(number))
    for number, one in enumerate(kept):
        np.testing.assert_array_equal(see(one), np.full((4, 3), 2.0 * number))


def test_what_mxnet_has_yet_to_read_is_left_alone() -> None:
    """The result is dropped while an operator that reads it waits for a longer one."""
    fast, big = jit(Doubled()), nd.random.normal(shape=(600, 600))
    fast(filled(0, 600))
    sums = []
    for number in range(8):
        slow = nd.dot(nd.dot(big, big), big) * 0
        sums.append(nd.dot(slow, fast(filled(number, 600))) + fast(filled(number, 600)))
    for number, total in enumerate(sums):
        np.testing.assert_array_equal(total.asnumpy(), np.full((600, 3), 2.0 * number))


def test_a_result_with_a_gradient_of_its_own_is_not_given_out_again(fast: gluon.Block) -> None:
    for number in range(6):
        y = fast(filled(number))
        assert y.grad is None
        y.attach_grad()
        with autograd.record():
            z = (y * y).sum()
        z.backward()
        np.testing.assert_array_equal(y.grad.asnumpy(), np.full((4, 3), 4.0 * number))


def test_a_recorded_result_is_not_kept_from_being_freed(fast: gluon.Block) -> None:
    """Its tape holds whatever led to it."""
    x = filled(1)
    x.attach_grad()
    with autograd.record():
        held = x * 1
        y = fast(held)
    handle, frames = y.handle.value, fast._plans._latest.frames
    assert all(handle not in (frame.older_handle, frame.newer_handle) for frame in frames)


def test_a_result_goes_into_the_block_that_made_it(fast: gluon.Block) -> None:
    x = filled(1)
    for _ in range(10):
        x = fast(x)
    np.testing.assert_array_equal(x.asnumpy(), np.full((4, 3), 2.0**10))


def test_other_batch_sizes_have_memory_of_their_own(fast: gluon.Block) -> None:
    for rows in (4, 7, 4, 1, 9, 9, 9, 4):
        y = fast(filled(rows, rows))
        assert y.shape == (rows, 3)
        np.testing.assert_array_equal(y.asnumpy(), np.full((rows, 3), 2.0 * rows))


def test_threads_do_not_share_results(fast: gluon.Block) -> None:
    failures = []

    def work(seed: int) -> None:
        for step in range(2000):
            number = seed * 10_000 + step
            y = fast(filled(number))
            if not (y.asnumpy() == 2.0 * number).all():
                failures.append(number)

    threads = [threading.Thread(target=work, args=(seed,)) for seed in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=1500)
    assert not any(thread.is_alive() for thread in threads)
    assert failures == []


class Weighted(gluon.Block):
    """Two outputs of an input and a weight."""

    def __init__(self) -> None:
        super().__init__()
        self.weight = self.params.get("weight", shape=(3,), init=mx.init.One())

    def forward(self, x: nd.NDArray) -> tuple[nd.NDArray, nd.NDArray]:
        return x * self.weight.data(), x + 1


def test_outputs_and_gradients_without_a_tape_are_their_caller_s() -> None:
    block = Weighted()
    block.initialize()
    fast, kept, handles = jit(block), [], set()
    for number in range(1, 12):
        x, heads = filled(number), [filled(1), filled(number)]
        (y, z), gradients = value_and_gradient(fast, x, heads)
        handles.add(gradients["weight"].handle.value)
        if number % 3 == 0:
            kept.append((number, y, z.reshape((3, 4)), gradients["x"], gradients["weight"][0:3]))
        del y, z, gradients
    assert len(handles) < 11
    for number, y, z, of_x, of_weight in kept:
        np.testing.assert_array_equal(y.asnumpy(), np.full((4, 3), number))
        np.testing.assert_array_equal(z.asnumpy(), np.full((3, 4), number + 1))
        np.testing.assert_array_equal(of_x.asnumpy(), np.full((4, 3), 1 + number))
        np.testing.assert_array_equal(of_weight.asnumpy(), np.full(3, 4 * number))


def test_several_outputs_are_their_caller_s() -> None:
    block = Weighted()
    block.initialize()
    fast, kept = jit(block), []
    for number in range(12):
        y, z = fast(filled(number))
        if number % 3 == 0:
            kept.append((number, y, z))
        del y, z
    for number, y, z in kept:
        np.testing.assert_array_equal(y.asnumpy(), np.full((4, 3), number))
        np.testing.assert_array_equal(z.asnumpy(), np.full((4, 3), number + 1))


def test_a_head_that_does_not_fit_changes_nothing() -> None:
    block = Weighted()
    block.initialize()
    fast, x = jit(block), filled(2)
    for _ in range(3):
        value_and_gradient(fast, x, [filled(1), filled(1)])
        with pytest.raises(KernelError, match="head gradients must have the shapes"):
            value_and_gradient(fast, x, [filled(1), filled(1, rows=5)])
    _, gradients = value_and_gradient(fast, x, [filled(3), filled(1)])
    np.testing.assert_array_equal(gradients["x"].asnumpy(), np.full((4, 3), 4))


def test_other_values_of_parameters_are_seen_on_the_short_way() -> None:
    """Whether they were written into the same array or are another one."""
    block, x = Weighted(), filled(2)
    block.initialize()
    fast = jit(block)
    for number in range(8):
        if number % 2:
            block.weight.set_data(nd.full((3,), number))
        else:
            block.weight.initialize(mx.init.Constant(number), force_reinit=True)
        for _ in range(3):
            np.testing.assert_array_equal(fast(x)[0].asnumpy(), np.full((4, 3), 2 * number))
            (y, _), _ = value_and_gradient(fast, x, [x, x])
            np.testing.assert_array_equal(y.asnumpy(), np.full((4, 3), 2 * number))
