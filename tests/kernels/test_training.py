"""Training: what is drawn for each call, and the two modes as two traces.

Masks are drawn by MXNet but not in the order of its own Dropout: what they must share is the distribution, the seed's
power over them, and the same mask in backward.
"""

import math
from collections.abc import Callable
from typing import Any

import mxnet as mx
import numpy as np
import pytest
from mxnet import autograd, gluon, nd
from mxnet.gluon import nn

from kernels import KernelError, build, jit, source, trace, value_and_gradient

TOLERANCE = {"rtol": 1e-4, "atol": 1e-5}


class Function(gluon.Block):
    """A Block without parameters."""

    def __init__(self, function: Callable[..., Any]) -> None:
        super().__init__()
        self._function = function

    def forward(self, *inputs: nd.NDArray) -> Any:
        return self._function(*inputs)


def values(*shape: int, seed: int = 0, dtype: str = "float32") -> nd.NDArray:
    return nd.array(np.random.default_rng((seed, *shape)).normal(1, 2, size=shape), dtype=dtype)


def fill(block: gluon.Block) -> gluon.Block:
    """Give every parameter numbers of this file's own, positive ones to what must be."""
    block.initialize()
    for seed, (name, parameter) in enumerate(sorted(block._collect_params_with_prefix().items())):
        numbers = values(*parameter.shape, seed=seed)
        parameter.set_data(nd.abs(numbers) + 0.5 if "var" in name else numbers / 2)
    return block


def seeded(function: Callable[[], Any], seed: int = 5) -> Any:
    mx.random.seed(seed)
    return function()


def trained(block: gluon.Block, x: nd.NDArray) -> nd.NDArray:
    with autograd.train_mode():
        return block(x)


P = 0.3
COUNT = 200_000


@pytest.fixture(scope="module")
def mask() -> np.ndarray:
    """One large mask: Dropout of ones."""
    drop = jit(nn.Dropout(P))
    drawn: np.ndarray = seeded(lambda: trained(drop, nd.ones((COUNT // 100, 100)))).asnumpy()
    return drawn


def test_elements_are_kept_with_the_right_probability_and_scaled(mask: np.ndarray) -> None:
    """Five standard deviations of a binomial count: a right mask fails once in 1.7 million seeds; this one is fixed."""
    assert set(np.unique(mask)) == {np.float32(0), np.float32(1 / (1 - P))}
    deviation = math.sqrt(COUNT * P * (1 - P))
    assert abs((mask == 0).sum() - COUNT * P) < 5 * deviation
    for axis in (0, 1):  # nothing is kept or dropped by row or by column
        dropped = (mask == 0).sum(axis=axis)
        length = mask.shape[axis]
        ratio = dropped.var() / (length * P * (1 - P))
        assert abs(ratio - 1) < 5 * math.sqrt(2 / (dropped.size - 1))


def test_neighbours_are_drawn_independently(mask: np.ndarray) -> None:
    for first, second in ((mask[1:], mask[:-1]), (mask[:, 1:], mask[:, :-1])):
        assert abs(np.corrcoef(first.ravel(), second.ravel())[0, 1]) < 5 / math.sqrt(first.size)


@pytest.mark.parametrize("axes", [(0,), (1,), (0, 2), (0, 1, 2)], ids=str)
def test_axes_share_a_mask(axes: tuple[int, ...]) -> None:
    drop = jit(nn.Dropout(0.5, axes=axes))
    y = seeded(lambda: trained(drop, nd.ones((8, 6, 7)))).asnumpy()
    first = y[tuple(slice(1) if axis in axes else slice(None) for axis in range(3))]
    np.testing.assert_array_equal(y, np.broadcast_to(first, y.shape))
    assert first.size == 1 or len(np.unique(first)) == 2


def dropping() -> gluon.Block:
    """Two masks of different rates, one of them over a hidden array, for inputs of 6."""
    net = nn.Sequential()
    net.add(nn.Dense(5, in_units=6, activation="tanh"), nn.Dropout(0.4), nn.Dense(300, in_units=5), nn.Dropout(0.2))
    return fill(net)


def test_the_seed_rules_the_masks() -> None:
    fast, x = jit(dropping()), values(4, 6)
    first, second, other = (seeded(lambda: trained(fast, x), seed).asnumpy() for seed in (1, 1, 2))
    np.testing.assert_array_equal(first, second)
    assert (first != other).any()
    assert (trained(fast, x).asnumpy() != other).any()  # without a seed the stream goes on


def test_a_call_draws_the_same_whether_its_plan_is_new_or_old() -> None:
    """Neither making a plan nor trying one that does not fit moves the random stream."""
    net, x, other = dropping(), values(4, 6), values(4, 6, dtype="float64")
    new = seeded(lambda: trained(jit(net), x)).asnumpy()
    fast = jit(net)
    trained(fast, x)
    np.testing.assert_array_equal(seeded(lambda: trained(fast, x)).asnumpy(), new)
    with pytest.raises(KernelError):  # the parameters are of another dtype
        seeded(lambda: trained(fast, other))
    np.testing.assert_array_equal(trained(fast, x).asnumpy(), new)
    fast(x)  # now the plan for inference is tried first
    np.testing.assert_array_equal(seeded(lambda: trained(fast, x)).asnumpy(), new)
    for rows in (1, 9):
        assert trained(fast, values(rows, 6)).shape == (rows, 300)
    np.testing.assert_array_equal(seeded(lambda: trained(fast, x)).asnumpy(), new)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("context", [mx.cpu(0), mx.cpu(1)], ids=str)
def test_backward_has_the_mask_of_forward(context: mx.Context, dtype: str) -> None:
    fast = jit(Function(lambda x: nd.Dropout(nd.Dropout(x, p=0.5) * 3, p=0.25)))
    x = values(50, 40, dtype=dtype).as_in_context(context)
    x.attach_grad()
    with autograd.record():
        y = fast(x)
    y.backward(2 * nd.ones_like(x), retain_graph=True)
    mask = (y / x).asnumpy()
    np.testing.assert_allclose(x.grad.asnumpy(), 2 * mask, rtol=1e-6)
    assert y.context == context
    assert {round(float(each), 4) for each in np.unique(mask)} == {0, 8}
    y.backward(nd.ones_like(x))
    np.testing.assert_allclose(x.grad.asnumpy(), mask, rtol=1e-6)


def test_gradients_without_a_tape_have_the_same_masks() -> None:
    net, x, head = dropping(), values(4, 6), values(4, 300, seed=1)
    x.attach_grad()
    fast = jit(net)
    mx.random.seed(7)
    with autograd.record():
        y = fast(x)
    y.backward(head)
    mx.random.seed(7)
    with autograd.train_mode():
        again, gradients = value_and_gradient(fast, x, head)
    np.testing.assert_array_equal(again.asnumpy(), y.asnumpy())
    np.testing.assert_array_equal(gradients["x"].asnumpy(), x.grad.asnumpy())
    assert (x.grad.asnumpy() != 0).any()
    for key, parameter in net._collect_params_with_prefix().items():
        np.testing.assert_array_equal(gradients[key].asnumpy(), parameter.grad().asnumpy())


def test_dropout_by_hand_is_the_kernel_with_the_same_numbers() -> None:
    """The numbers are the first of MXNet's uniform stream after the seed."""
    x = values(30, 20)
    y = seeded(lambda: trained(jit(nn.Dropout(0.5)), x)).asnumpy()
    kept = seeded(lambda: nd.random.uniform(shape=x.shape)).asnumpy() < 0.5
    np.testing.assert_array_equal(y, x.asnumpy() * kept * 2)


def test_what_is_not_finite_is_dropped_as_by_mxnet() -> None:
    x = nd.array([[np.inf, -np.inf, np.nan]] * 200)
    for p, kinds in ((0.5, 3), (1.0, 1)):
        drop = nn.Dropout(p)
        for block in (drop, jit(drop)):
            assert len(np.unique(trained(block, x).asnumpy())) == kinds


@pytest.mark.parametrize("p", [0.0, 0.5])
def test_inference_and_a_rate_of_zero_leave_the_input_as_it_is(generated: str, p: float) -> None:
    x, fast = values(4, 6), build(Function(lambda x: nd.Dropout(x, p=p) + 0), generated)
    modes = (autograd.predict_mode, *([autograd.train_mode] if p == 0 else []))
    for mode in modes:
        with mode():
            np.testing.assert_array_equal(seeded(lambda: fast(x)).asnumpy(), x.asnumpy())
    after = nd.random.uniform(shape=(3,)).asnumpy()
    np.testing.assert_array_equal(seeded(lambda: nd.random.uniform(shape=(3,))).asnumpy(), after)


def test_mode_always_drops_in_inference_too(generated: str) -> None:
    fast = build(Function(lambda x: nd.Dropout(x, p=0.5, mode="always") * 1), generated)
    for run in (fast, lambda x: trained(fast, x)):
        assert 800 < int((run(nd.ones((50, 40))) == 0).sum().asscalar()) < 1200


def forced(x: nd.NDArray) -> nd.NDArray:
    """Another function in training, and a mask of all or nothing, so that results do not depend on numbers drawn."""
    return nd.Dropout(x * 3 if autograd.is_training() else x, p=1e-9)


@pytest.mark.parametrize("first", [True, False], ids=["training first", "inference first"])
def test_each_mode_has_its_own_trace(generated: str, first: bool) -> None:
    x = values(4, 6)
    fast = build(Function(forced), generated)
    for training in (first, not first, first, not first):
        for recording in (False, True):
            with autograd._RecordingStateScope(recording, training):
                np.testing.assert_allclose(fast(x).asnumpy(), x.asnumpy() * (3 if training else 1), rtol=1e-6)


def test_switching_modes_makes_no_new_plan(monkeypatch: pytest.MonkeyPatch) -> None:
    fast, x = jit(dropping()), values(4, 6)
    trained(fast, x)
    fast(x)
    monkeypatch.setattr("kernels.jitted.trace_modes", None)
    for _ in range(2):
        inferred = fast(x)
        assert (inferred != trained(fast, x)).sum() > 0


def test_a_graph_and_its_source_say_the_mode() -> None:
    net, x = dropping(), values(4, 6)
    for training, word in ((True, "training"), (False, "inference")):
        with autograd._RecordingStateScope(False, training):
            assert str(trace(net, x)).startswith(f"Sequential: any batch size n, {word}\n")
            text = source(net, "numba", (4, 6))
            assert f"\nFor {word}.\n" in text
            assert ("drawn" in text) is training
    assert "For " not in source(nn.Dense(3, in_units=6), "numba", (4, 6))


DISTRIBUTIONS: dict[str, Callable[[nd.NDArray], nd.NDArray]] = {
    "uniform": lambda x: nd.random.uniform(-1, 2, shape=x.shape),
    "normal": lambda x: nd.random.normal(1, 0.5, shape=x.shape),
    "exponential": lambda x: nd.random.exponential(2, shape=(3, 2)).reshape((1, 6)),
    "gamma": lambda x: nd.random.gamma(2, 3, shape=x.shape),
    "normal like": lambda x: nd.random.normal_like(x, 1, 0.5),
    "uniform like": lambda x: nd.random.uniform_like(x),
}


def test_random_numbers_in_forward_are_those_that_mxnet_draws(generated: str) -> None:
    """In the order of the calls, so that the same seed gives the same numbers; each an output."""
    x = values(5, 6)

    def forward(x: nd.NDArray) -> list[nd.NDArray]:
        return [nd.broadcast_add(x * 0, draw(x)) for draw in DISTRIBUTIONS.values()]

    block = Function(forward)
    fast = build(block, generated)
    fast(x)
    expected, found = (seeded(lambda block=block: block(x)) for block in (block, fast))
    for name, wanted, given in zip(DISTRIBUTIONS, expected, found, strict=True):
        np.testing.assert_allclose(given.asnumpy(), wanted.asnumpy(), rtol=1e-6, atol=1e-7, err_msg=name)


def test_noise_has_no_gradient_but_what_it_multiplies_has() -> None:
    block = Function(lambda x: x * nd.random.normal(shape=x.shape))
    fast, x = jit(block), values(5, 6)
    x.attach_grad()
    mx.random.seed(2)
    with autograd.record():
        y = fast(x)
    y.backward()
    noise = seeded(lambda: nd.random.normal(shape=(5, 6)), 2)
    np.testing.assert_allclose(x.grad.asnumpy(), noise.asnumpy(), rtol=1e-6)


@pytest.mark.parametrize(
    "draw",
    [
        lambda x: nd.random.uniform(shape=x.shape),
        lambda x: nd.random.normal_like(x),
        lambda x: nd.random.randint(0, 5, shape=x.shape),
        lambda x: nd.random.shuffle(x),
        lambda x: nd.Dropout(x, mode="always"),
        lambda x: nd.LeakyReLU(x, act_type="rrelu"),
    ],
)
def test_a_trace_leaves_the_random_stream_alone(draw: Callable[[nd.NDArray], nd.NDArray]) -> None:
    untouched = seeded(lambda: nd.random.uniform(shape=(4,))).asnumpy()
    mx.random.seed(5)
    with autograd.train_mode():
        graph = trace(Function(draw), values(5, 6))
    np.testing.assert_array_equal(nd.random.uniform(shape=(4,)).asnumpy(), untouched)
    assert len(graph.calls) == 1
