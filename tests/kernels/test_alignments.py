"""CTCLoss: MXNet's own result and gradients against the compiled kernels, in every layout and at the edges.

The gradient of x alone is compared: MXNet leaves the memory of the labels' gradient as it was.
"""

from collections.abc import Sequence

import numpy as np
import pytest
from mxnet import autograd, gluon, nd
from mxnet.gluon import loss

from kernels import jit, trace

TOLERANCE = {"rtol": 2e-5, "atol": 2e-5}
LABELS = np.array([[0, 3, 1], [2, 2, -1], [1, -1, -1], [-1, -1, -1], [3, 3, 3]])  # −1: no more labels
FRAMES, COUNTS = np.array([7, 5, 3, 6, 5]), np.array([3, 2, 1, 0, 2])
Arrays = Sequence[np.ndarray | None]


def numbers(*shape: int) -> np.ndarray:
    return 3 * np.random.default_rng(3).standard_normal(shape).astype(np.float32)


def cost_and_gradient(block: gluon.Block, arrays: Arrays, record: bool = True) -> list[np.ndarray]:
    """The cost of each row and the gradient of x under a head that tells rows apart."""
    inputs = [None if array is None else nd.array(array, dtype=np.float32) for array in arrays]
    inputs[0].attach_grad()
    with autograd._RecordingStateScope(record, record):
        cost = block(*inputs)
    if record:
        cost.backward(1 + nd.arange(len(cost)))
    return [array.asnumpy() for array in (cost, inputs[0].grad)]


def assert_agreement(block: gluon.Block, *arrays: np.ndarray | None) -> None:
    fast = jit(block, strict=True)
    for record in (True, False):
        for right, found in zip(*(cost_and_gradient(one, arrays, record) for one in (block, fast)), strict=True):
            np.testing.assert_allclose(found, right, **TOLERANCE)


LAYOUTS = [("NTC", "NT"), ("TNC", "NT"), ("NTC", "TN"), ("TNC", "TN")]


@pytest.mark.parametrize(("layout", "label_layout"), LAYOUTS)
def test_every_layout_agrees_with_mxnet(layout: str, label_layout: str) -> None:
    x = numbers(5, 7, 5) if layout == "NTC" else numbers(7, 5, 5)
    labels = LABELS if label_layout == "NT" else LABELS.T
    assert_agreement(loss.CTCLoss(layout, label_layout, weight=0.3), x, labels)


LENGTHS: dict[str, Arrays] = {
    "of frames": (FRAMES,),
    "of labels": (None, COUNTS),
    "of both": (FRAMES, COUNTS),
    "of both, weighted": (FRAMES, COUNTS, np.array([2.0, 0.5, 1.0, 0.0, 3.0])),
}


@pytest.mark.parametrize("name", LENGTHS)
def test_lengths_agree_with_mxnet(name: str) -> None:
    assert_agreement(loss.CTCLoss(), numbers(5, 7, 5), LABELS, *LENGTHS[name])


def test_one_kernel_serves_every_batch_size() -> None:
    fast = jit(loss.CTCLoss(), strict=True)
    for batch in (5, 1, 3):
        arrays = numbers(batch, 7, 5), LABELS[:batch], FRAMES[:batch]
        for right, found in zip(*(cost_and_gradient(one, arrays) for one in (loss.CTCLoss(), fast)), strict=True):
            np.testing.assert_allclose(found, right, **TOLERANCE)
    assert trace(loss.CTCLoss(), nd.array(numbers(5, 7, 5)), nd.array(LABELS)).polymorphic


def test_a_batch_of_sequences_of_one_frame_agrees_with_mxnet() -> None:
    assert_agreement(loss.CTCLoss(), numbers(2, 1, 4), np.array([[2], [-1]]))


def test_large_numbers_and_symbols_without_probability_agree_with_mxnet() -> None:
    """Rows: sums of thousands, a symbol that no label needs, one that a label needs (the cost is infinite)."""
    x = numbers(3, 7, 5)
    x[0] *= 300
    x[1, :, 3] = x[2, :, 0] = -np.inf
    assert_agreement(loss.CTCLoss(), x, np.array([[0, 3, 1], [2, 2, -1], [0, 1, -1]]))


def test_a_number_that_is_none_reaches_its_own_row_alone() -> None:
    x = numbers(2, 7, 5)
    x[0, 3, 2] = np.nan
    (right, _), (found, slope) = (
        cost_and_gradient(one, (x, LABELS[:2])) for one in (loss.CTCLoss(), jit(loss.CTCLoss(), strict=True))
    )
    np.testing.assert_allclose(found, right, **TOLERANCE)
    assert np.isnan(found[0])
    assert np.isnan(slope[0]).any()
    assert np.isfinite(slope[1]).all()


def test_labels_that_cannot_be_aligned_cost_nothing_and_move_nothing() -> None:
    """MXNet's gradient is whatever its memory held."""
    arrays = numbers(2, 4, 5), np.array([[3, 3, 3], [0, 1, 2]]), np.array([4, 2])
    cost, slope = cost_and_gradient(jit(loss.CTCLoss(), strict=True), arrays)
    np.testing.assert_array_equal(cost, cost_and_gradient(loss.CTCLoss(), arrays)[0])
    np.testing.assert_array_equal(cost, 0)
    np.testing.assert_array_equal(slope, 0)


def test_a_batch_without_labels_costs_its_blanks() -> None:
    """MXNet returns whatever its memory held."""
    x = numbers(2, 4, 5)
    cost, slope = cost_and_gradient(jit(loss.CTCLoss(), strict=True), (x, -np.ones((2, 3))))
    shares = np.exp(x) / np.exp(x).sum(axis=2, keepdims=True)
    np.testing.assert_allclose(cost, -np.log(shares[:, :, 4]).sum(axis=1), **TOLERANCE)
    np.testing.assert_allclose(slope, (shares - np.eye(5)[4]) * [[[1]], [[2]]], **TOLERANCE)


def test_what_is_certain_has_no_gradient() -> None:
    """MXNet's is 1 where the softmax is exactly 1."""
    x = np.zeros((1, 2, 3), np.float32)
    x[:, :, 1] = 300
    cost, slope = cost_and_gradient(jit(loss.CTCLoss(), strict=True), (x, np.array([[1]])))
    np.testing.assert_array_equal(cost, 0)
    np.testing.assert_array_equal(slope, 0)


def test_lengths_and_labels_outside_read_nothing_outside() -> None:
    """Frames and labels are no more than there are, symbols the nearest; in MXNet such reads go anywhere."""
    fast, x = jit(loss.CTCLoss(), strict=True), numbers(3, 4, 5)
    wild = np.array([[9, -7], [0, 9], [3, 0]]), np.array([99, -5, 4]), np.array([99, 1, -3])
    tame = np.array([[4, 0], [0, 4], [3, 0]]), np.array([4, 0, 4]), np.array([2, 1, 0])
    for right, found in zip(*(cost_and_gradient(fast, (x, *arrays)) for arrays in (tame, wild)), strict=True):
        np.testing.assert_array_equal(found, right)
