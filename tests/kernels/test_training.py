"""Training: what is drawn for each call, the statistics that move, and the two modes as two traces.

Masks are drawn by MXNet but not in the order of its own Dropout: what they must share is the distribution, the seed's
power over them, and the same mask in backward.
"""

import math
from collections.abc import Callable
from pathlib import Path
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
    """Give every parameter numbers of this file's own, positive ones to what must be; a fixed γ is 1 as it is."""
    block.initialize()
    for seed, (name, parameter) in enumerate(sorted(block._collect_params_with_prefix().items())):
        numbers = values(*parameter.shape, seed=seed)
        if not ("gamma" in name and parameter.grad_req == "null"):
            parameter.set_data(nd.abs(numbers) + 0.5 if "var" in name else numbers / 2)
    return block


def seeded(function: Callable[[], Any], seed: int = 5) -> Any:
    mx.random.seed(seed)
    return function()


def trained(block: gluon.Block, *inputs: nd.NDArray) -> nd.NDArray:
    with autograd.train_mode():
        return block(*inputs)


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


def test_random_slopes_are_halfway_in_inference_and_refused_in_training() -> None:
    usual, x = Function(lambda x: nd.LeakyReLU(x, act_type="rrelu")[0]), values(5, 6)
    np.testing.assert_allclose(jit(usual)(x).asnumpy(), usual(x).asnumpy(), rtol=1e-6)
    block = Function(lambda x: nd.LeakyReLU(x, act_type="rrelu", lower_bound=0.1, upper_bound=0.4)[0])
    fast, x = jit(block), values(5, 6)
    np.testing.assert_allclose(fast(x).asnumpy(), block(x).asnumpy(), rtol=1e-6)
    x.attach_grad()
    with autograd.record(train_mode=False):
        y = fast(x)
    y.backward()
    np.testing.assert_allclose(x.grad.asnumpy(), np.where(x.asnumpy() > 0, 1, 0.25), rtol=1e-6)
    with autograd.record(), pytest.raises(KernelError, match="with act_type='rrelu' in training: MXNet itself crashes"):
        fast(x)


HALF_NORMS = {
    "of features": ({}, (7, 6)),
    "without γ": ({"scale": False}, (7, 6)),
    "of images": ({"momentum": 0.4}, (5, 6, 3, 3)),
    "of the last axis": ({"axis": -1, "center": False}, (4, 3, 6)),
    "of running statistics": ({"use_global_stats": True}, (7, 6)),
}


@pytest.mark.parametrize("train", [False, True], ids=["inference", "training"])
@pytest.mark.parametrize("name", HALF_NORMS)
def test_halves_are_normalized_by_single_statistics(name: str, train: bool) -> None:
    """Parameters and statistics stay in float32.  MXNet rounds to halves on its way, kernels once."""
    options, shape = HALF_NORMS[name]
    results = []
    for build_one in (lambda block: block, lambda block: jit(block, strict=True)):
        block = fill(nn.BatchNorm(in_channels=6, **options))
        block.cast("float16")
        runner, x = build_one(block), values(*shape).astype("float16")
        x.attach_grad()
        with autograd.record(train_mode=train):
            y = runner(x)
        y.backward(values(*shape, seed=4).astype("float16"), train_mode=train)
        arrays = [p.grad() if p.grad_req != "null" else p.data() for p in block.collect_params().values()]
        results.append([array.asnumpy() for array in (y, x.grad, *arrays)])
    assert {array.dtype.name for array in results[1][:2]} == {"float16"}
    for right, found in zip(*results, strict=True):
        assert found.dtype == right.dtype
        np.testing.assert_allclose(found, right, rtol=3e-3, atol=5e-3 * max(1.0, abs(right).max()))


def normed() -> gluon.Block:
    """Two BatchNorms, one of them without γ, for inputs of 6."""
    net = nn.Sequential()
    net.add(nn.Dense(5, in_units=6, activation="tanh"), nn.BatchNorm(in_channels=5))
    net.add(nn.Dense(4, in_units=5), nn.BatchNorm(in_channels=4, momentum=0.4, epsilon=0.1, scale=False))
    return fill(net)


def convolved() -> gluon.Block:
    """Normalised along other axes, by the statistics of the batch and by the running ones, for inputs of 6."""
    net = nn.Sequential()
    net.add(
        nn.Lambda(lambda x: x.reshape((-1, 3, 2))), nn.BatchNorm(in_channels=3), nn.BatchNorm(axis=-1, in_channels=2)
    )
    net.add(
        nn.BatchNorm(in_channels=3, use_global_stats=True, center=False),
        gluon.contrib.nn.SyncBatchNorm(in_channels=3, num_devices=1),
    )
    return fill(net)


def shared() -> gluon.Block:
    """One BatchNorm twice: backward goes through the second call first."""

    class Twice(gluon.Block):
        def __init__(self) -> None:
            super().__init__()
            self.norm = nn.BatchNorm(in_channels=6)

        def forward(self, x: nd.NDArray) -> nd.NDArray:
            return self.norm(self.norm(x) * x)

    return fill(Twice())


def everything() -> gluon.Block:
    """Batch normalisation with Dropout that drops nothing, so that it is the same for every variant."""
    net = nn.Sequential()
    net.add(nn.Dense(5, in_units=6), nn.BatchNorm(in_channels=5), nn.Activation("relu"), nn.Dropout(1e-9))
    net.add(nn.Dense(3, in_units=5))
    return fill(net)


NETS = {function.__name__: function for function in (normed, convolved, shared, everything)}


def state(block: gluon.Block) -> dict[str, np.ndarray]:
    return {key: parameter.data().asnumpy() for key, parameter in block._collect_params_with_prefix().items()}


def assert_same_state(first: gluon.Block, second: gluon.Block) -> None:
    other = state(second)
    for key, value in state(first).items():
        np.testing.assert_allclose(value, other[key], **TOLERANCE, err_msg=key)


def train(block: gluon.Block, steps: int = 4) -> list[float]:
    """Steps with batches of several sizes, and inference after each."""
    trainer = gluon.Trainer(block.collect_params(), "sgd", {"learning_rate": 0.05, "momentum": 0.9})
    losses = []
    for step in range(steps):
        x = values(7 + step % 2, 6, seed=step)
        with autograd.record():
            loss = (block(x) ** 2 - block(x * 2)).mean()
        loss.backward()
        trainer.step(1)
        losses += [float(loss.asscalar()), float(block(x).mean().asscalar())]
    return losses


@pytest.mark.parametrize("net", NETS)
def test_training_goes_as_with_mxnet(net: str, generated: str) -> None:
    """Every parameter and every running statistic, after several steps; two calls in one recording move them twice."""
    plain, subject = NETS[net](), NETS[net]()
    expected, before = train(plain), state(subject)
    np.testing.assert_allclose(train(build(subject, generated)), expected, **TOLERANCE)
    assert_same_state(subject, plain)
    moved = [key for key, value in state(subject).items() if (value != before[key]).any()]
    assert sum("running_mean" in key for key in moved) == {"normed": 2, "convolved": 3, "shared": 1}.get(net, 1)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("context", [mx.cpu(0), mx.cpu(1)], ids=str)
def test_statistics_move_on_every_context_and_dtype(context: mx.Context, dtype: str) -> None:
    def moved(make: Callable[[gluon.Block], gluon.Block]) -> list[np.ndarray]:
        norm = nn.BatchNorm(in_channels=3)
        norm.initialize(ctx=[mx.cpu(0), mx.cpu(1)])
        norm.cast(dtype)
        x = values(8, 3, dtype=dtype).as_in_context(context)
        with autograd.record():
            y = make(norm)(x)
        y.backward()
        return [p.data(c).asnumpy() for p in (norm.running_mean, norm.running_var) for c in (mx.cpu(0), mx.cpu(1))]

    for found, expected in zip(moved(jit), moved(lambda block: block), strict=True):
        np.testing.assert_allclose(found, expected, rtol=1e-5 if dtype == "float32" else 1e-12)


HEAD = values(7, 4, seed=1)


def train_mode_only(block: gluon.Block, x: nd.NDArray) -> None:
    trained(block, x)


def forward_only(block: gluon.Block, x: nd.NDArray) -> None:
    with autograd.record():
        block(x)


def backward_twice(block: gluon.Block, x: nd.NDArray) -> None:
    with autograd.record():
        y = block(x)
    y.backward(HEAD, retain_graph=True)
    y.backward(HEAD)


def predicting(block: gluon.Block, x: nd.NDArray) -> None:
    with autograd.record(train_mode=False):
        y = block(x)
    y.backward(HEAD, train_mode=False)


def backward_in_prediction_mode(block: gluon.Block, x: nd.NDArray) -> None:
    with autograd.record():
        y = block(x)
    y.backward(HEAD, train_mode=False)


def gradients_of_the_input_alone(block: gluon.Block, x: nd.NDArray) -> None:
    block.collect_params().setattr("grad_req", "null")
    x.attach_grad()
    with autograd.record():
        y = block(x)
    y.backward(HEAD)


def gradients_behind_alone(block: gluon.Block, x: nd.NDArray) -> None:
    """What is not wanted by anything before it is not gone back through: the first BatchNorm stays as it is."""
    for layer in (block[0], block[1]):
        layer.collect_params().setattr("grad_req", "null")
    with autograd.record():
        y = block(x)
    y.backward(HEAD)


def no_gradient_but_of_a_factor(block: gluon.Block, x: nd.NDArray) -> None:
    block.collect_params().setattr("grad_req", "null")
    factor = nd.ones((1,))
    factor.attach_grad()
    with autograd.record():
        y = nd.broadcast_mul(block(x), factor)
    y.backward(HEAD)


def accumulating(block: gluon.Block, x: nd.NDArray) -> None:
    block.collect_params().setattr("grad_req", "add")  # of the statistics too
    for _ in range(2):
        with autograd.record():
            y = block(x)
        y.backward(HEAD)


WAYS = {way.__name__: way for way in (
    train_mode_only, forward_only, backward_twice, predicting, backward_in_prediction_mode,
    gradients_of_the_input_alone, gradients_behind_alone, no_gradient_but_of_a_factor, accumulating,
)}  # fmt: skip
STILL = {"train_mode_only", "forward_only", "predicting", "backward_in_prediction_mode", "no_gradient_but_of_a_factor"}


@pytest.mark.parametrize("way", WAYS)
def test_statistics_move_exactly_when_mxnet_moves_them(way: str) -> None:
    plain, subject, x = normed(), normed(), values(7, 6)
    before = state(subject)
    WAYS[way](plain, x.copy())
    WAYS[way](jit(subject), x.copy())
    assert_same_state(subject, plain)
    still = all((value == before[key]).all() for key, value in state(subject).items())
    assert still is (way in STILL)
    for key, parameter in plain._collect_params_with_prefix().items():
        if parameter.grad_req != "null" and way == "accumulating":
            found = subject._collect_params_with_prefix()[key].grad().asnumpy()
            np.testing.assert_allclose(found, parameter.grad().asnumpy(), rtol=1e-4, atol=1e-4, err_msg=key)


def test_gradients_without_a_tape_move_the_statistics_once() -> None:
    plain, subject, x, head = normed(), normed(), values(7, 6), values(7, 4, seed=1)
    x.attach_grad()
    with autograd.record():
        y = plain(x)
    y.backward(head)
    fast = jit(subject)
    with autograd.train_mode():
        found, gradients = value_and_gradient(fast, x, head)
    np.testing.assert_allclose(found.asnumpy(), y.asnumpy(), **TOLERANCE)
    np.testing.assert_allclose(gradients["x"].asnumpy(), x.grad.asnumpy(), **TOLERANCE)
    assert not [key for key in gradients if "running" in key]
    assert_same_state(subject, plain)
    value_and_gradient(fast, x, head)  # inference: statistics are read, and have no gradient
    assert_same_state(subject, plain)


def test_a_move_waits_for_readers_and_writers_and_is_waited_for() -> None:
    """The engine knows of it: nothing here waits for anything by hand, and the product keeps the engine busy."""
    for make in (jit, lambda block: block):
        norm, x, big = nn.BatchNorm(in_channels=3, momentum=0.5), values(9, 3), nd.ones((400, 400))
        norm.initialize()
        fast = make(norm)
        for _ in range(3):
            busy = nd.dot(nd.dot(big, big), big).sum()
            norm.running_mean.data()[:] = busy * 0 + 8  # not yet written when backward is called
            read_before = norm.running_mean.data() * 1
            with autograd.record():
                y = fast(x)
            y.backward(nd.ones_like(x) * (busy * 0 + 1))
            read_after = norm.running_mean.data() * 1
            norm.running_mean.data()[:] = 3
            mean = x.asnumpy().mean(axis=0)
            np.testing.assert_array_equal(norm.running_mean.data().asnumpy(), [3, 3, 3])
            np.testing.assert_array_equal(read_before.asnumpy(), [8, 8, 8])
            np.testing.assert_allclose(read_after.asnumpy(), 4 + mean / 2, rtol=1e-5)


def test_two_variants_of_one_layer_move_the_same_statistics() -> None:
    plain, subject, x = normed(), normed(), values(7, 6)
    for blocks in ([plain, plain, plain], [jit(subject), build(subject, "hybridized"), jit(subject)]):
        with autograd.record():
            total = blocks[0](x) + blocks[1](x * x) * blocks[2](x + 1)
        total.backward()
    assert_same_state(subject, plain)


def test_statistics_are_saved_and_loaded(tmp_path: Path, generated: str) -> None:
    subject, other, x = normed(), normed(), values(7, 6)
    fast, loaded = build(subject, generated), build(other, generated)
    loaded(x)
    train(fast, 2)
    fast.save_parameters(str(tmp_path / "net.params"))
    loaded.load_parameters(str(tmp_path / "net.params"))
    assert_same_state(other, subject)
    np.testing.assert_array_equal(loaded(x).asnumpy(), fast(x).asnumpy())
    plain = normed()
    plain.load_parameters(str(tmp_path / "net.params"))
    np.testing.assert_allclose(fast(x).asnumpy(), plain(x).asnumpy(), **TOLERANCE)


def test_a_fixed_gamma_counts_as_one_and_has_a_gradient_of_zero(generated: str) -> None:
    norm, x = fill(nn.BatchNorm(in_channels=3, epsilon=0.1)), values(9, 3)
    norm._kwargs["fix_gamma"] = True
    norm.gamma.set_data(nd.array([2, 3, 4]))
    trace(norm, x)
    source(norm, "numba", (9, 3))
    np.testing.assert_array_equal(norm.gamma.data().asnumpy(), [2, 3, 4])
    for mode in (autograd.train_mode, autograd.predict_mode):
        with mode():
            found = build(norm, generated)(x)
            np.testing.assert_allclose(found.asnumpy(), norm(x).asnumpy(), **TOLERANCE)
        norm.gamma.set_data(nd.array([2, 3, 4]))
    norm.gamma.grad()[:] = 7
    with autograd.record():
        y = build(norm, generated)(x)
    y.backward()
    np.testing.assert_array_equal(norm.gamma.grad().asnumpy(), [0, 0, 0])


class Statistics(gluon.Block):
    """A BatchNorm whose statistics come from elsewhere."""

    def __init__(self, function: Callable[..., nd.NDArray]) -> None:
        super().__init__()
        self._function = function
        self.mean = self.params.get("mean", shape=(3,))

    def forward(self, x: nd.NDArray, variance: nd.NDArray) -> nd.NDArray:
        return nd.BatchNorm(x, variance, variance, self._function(self.mean.data()), variance)


@pytest.mark.parametrize("function", [lambda mean: mean * 2, lambda mean: mean], ids=["computed", "an input"])
def test_statistics_that_are_no_parameters_are_refused_in_training(function: Callable[..., nd.NDArray]) -> None:
    fast = jit(fill(Statistics(function)))
    assert fast(values(5, 3), nd.ones((3,))).shape == (5, 3)
    with pytest.raises(KernelError, match=r"cannot compile BatchNorm at .* with running statistics that are not param"):
        trained(fast, values(5, 3), nd.ones((3,)))
