"""``backward`` of a recorded call's output, with and without MXNet's search through the tape: nobody sees a difference.

Whether it went straight is seen by the output's place on the tape: it has none then, where MXNet's has forgotten it.
"""

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import mxnet as mx
import numpy as np
import pytest
from mxnet import autograd, gluon, nd
from mxnet.gluon import nn

from kernels import going_back, jit, nodes
from kernels.native.nodes import NODE
from kernels.nodes import tapes_are_readable
from layers.my_dense import MyDense

ROOT = Path(__file__).resolve().parents[2]
ROWS, WIDTH, UNITS = 3, 6, 4


class Product(nn.Block):
    """Two inputs, one output."""

    def forward(self, a: nd.NDArray, b: nd.NDArray) -> nd.NDArray:
        return a * b


class Sums(nn.Block):
    """Two outputs."""

    def forward(self, x: nd.NDArray) -> tuple[nd.NDArray, nd.NDArray]:
        return x + x, x * x


def values(*shape: int, seed: int = 0, dtype: str = "float32") -> nd.NDArray:
    return nd.array(np.random.default_rng((seed, *shape)).normal(size=shape), dtype=dtype)


def watched(*shape: int, seed: int = 0, request: str = "write", dtype: str = "float32") -> nd.NDArray:
    x = values(*shape, seed=seed, dtype=dtype)
    x.attach_grad(request)
    return x


def recorded(block: gluon.Block, *inputs: nd.NDArray | list[nd.NDArray]) -> nd.NDArray:
    with autograd.record():
        return block(*inputs)


def goes_straight(output: nd.NDArray, *arguments: object, **named: object) -> bool:
    assert nodes._word(output, NODE) != 0
    output.backward(*arguments, **named)
    return nodes._word(output, NODE) == 0


def my_dense(dtype: str = "float32") -> MyDense:
    layer = MyDense(UNITS, in_units=WIDTH)
    layer.initialize()
    layer.cast(dtype)
    for seed, parameter in enumerate(layer.collect_params().values()):
        parameter.set_data(values(*parameter.shape, seed=seed, dtype=dtype))
    return layer


@pytest.mark.parametrize("with_head", [True, False], ids=["head", "no-head"])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("request_", ["write", "add"])
def test_the_gradients_are_those_of_mxnets_search(request_: str, dtype: str, with_head: bool) -> None:
    """To the last bit, twice in a row: the second time gradients are written or added to."""
    found = []
    for straight in (True, False):
        layer = my_dense(dtype)
        layer.collect_params().setattr("grad_req", request_)
        fast, x = jit(layer), watched(ROWS, WIDTH, request=request_, dtype=dtype)
        head = values(ROWS, UNITS, seed=1, dtype=dtype) if with_head else None
        for _ in range(2):
            y = recorded(fast, x)
            if straight:
                assert goes_straight(y, head)
            else:
                autograd.backward([y], None if head is None else [head])
        found.append([x.grad.asnumpy(), *(p.grad().asnumpy() for p in layer.collect_params().values())])
    for one, other in zip(*found, strict=True):
        assert one.any()
        assert np.array_equal(one, other)


def twice() -> bool:
    """MXNet adds the two gradients of one input."""
    x = watched(ROWS, WIDTH)
    straight = goes_straight(recorded(jit(Product()), x, x))
    np.testing.assert_allclose(x.grad.asnumpy(), 2 * x.asnumpy(), rtol=1e-6)
    return straight


def of_a_result() -> bool:
    x = watched(ROWS, WIDTH)
    with autograd.record():
        y = jit(Product())(x * 2, values(ROWS, WIDTH, seed=1))
    straight = goes_straight(y)
    np.testing.assert_allclose(x.grad.asnumpy(), 2 * values(ROWS, WIDTH, seed=1).asnumpy(), rtol=1e-6)
    return straight


def of_an_unwatched_input() -> bool:
    x = watched(ROWS, WIDTH)
    straight = goes_straight(recorded(jit(Product()), x, values(ROWS, WIDTH, seed=1)))
    assert np.array_equal(x.grad.asnumpy(), values(ROWS, WIDTH, seed=1).asnumpy())
    return straight


def of_one_output_of_two() -> bool:
    x = watched(ROWS, WIDTH)
    straight = goes_straight(recorded(jit(Sums()), x)[1])
    np.testing.assert_allclose(x.grad.asnumpy(), 2 * x.asnumpy(), rtol=1e-6)
    return straight


def retained() -> bool:
    x = watched(ROWS, WIDTH, request="add")
    y = recorded(jit(my_dense()), x)
    straight = goes_straight(y, retain_graph=True)
    once = x.grad.asnumpy()
    assert goes_straight(y)
    np.testing.assert_allclose(x.grad.asnumpy(), 2 * once, rtol=1e-6)
    return straight


def with_statistics() -> bool:
    block = nn.BatchNorm(in_channels=WIDTH)
    block.initialize()
    x = watched(ROWS, WIDTH)
    straight = goes_straight(recorded(jit(block), x), values(ROWS, WIDTH, seed=1))
    nd.waitall()
    assert block.running_mean.data().asnumpy().any()
    return straight


def into_one_array_for_two() -> bool:
    a, b, gradient = values(ROWS, WIDTH), values(ROWS, WIDTH, seed=1), nd.zeros((ROWS, WIDTH))
    autograd.mark_variables([a, b], [gradient, gradient])
    return goes_straight(recorded(jit(Product()), a, b))


def from_its_own_gradient() -> bool:
    x = watched(ROWS, WIDTH)
    x.grad[:] = 3
    straight = goes_straight(recorded(jit(Product()), x, values(ROWS, WIDTH, seed=1)), x.grad)
    np.testing.assert_allclose(x.grad.asnumpy(), 3 * values(ROWS, WIDTH, seed=1).asnumpy(), rtol=1e-6)
    return straight


def from_itself() -> bool:
    x = watched(ROWS, WIDTH)
    y = recorded(jit(nn.Lambda(nd.sigmoid)), x)
    straight = goes_straight(y, y)
    kept = y.asnumpy()
    np.testing.assert_allclose(x.grad.asnumpy(), kept * kept * (1 - kept), rtol=1e-5)
    return straight


def of_half_precision_without_a_head() -> bool:
    x = watched(ROWS, WIDTH, dtype="float16")
    straight = goes_straight(recorded(jit(Product()), x, values(ROWS, WIDTH, seed=1, dtype="float16")))
    assert np.array_equal(x.grad.asnumpy(), values(ROWS, WIDTH, seed=1, dtype="float16").asnumpy())
    return straight


def under_another_result() -> bool:
    """Whose graph is gone afterwards, too."""
    x, fast = watched(ROWS, WIDTH), jit(my_dense())
    with autograd.record():
        y = fast(x)
        z = y * 2
    straight = goes_straight(y)
    with pytest.raises(mx.MXNetError):
        z.backward()
    return straight


def beside_a_call_with_the_same_unwatched_input() -> bool:
    x, mask, fast = watched(ROWS, WIDTH), values(ROWS, WIDTH, seed=1), jit(Product())
    with autograd.record():
        y, z = fast(x, mask), fast(x, mask)
    straight = goes_straight(y)
    assert np.array_equal(x.grad.asnumpy(), mask.asnumpy())
    del z
    return straight


def from_a_head_in_a_layout_of_onednns() -> bool:
    """The engine would wait for itself if it were reordered while backward runs."""
    convolution = nn.Conv2D(16, 3, padding=1, in_channels=16)
    convolution.initialize()
    x, fast = watched(2, 16, 8, 8), jit(nn.Lambda(nd.relu))
    head = convolution(values(2, 16, 8, 8, seed=1))
    straight = goes_straight(recorded(fast, x), head)
    assert np.array_equal(x.grad.asnumpy(), head.asnumpy() * (x.asnumpy() > 0))
    return straight


def into_a_gradient_in_a_layout_of_onednns() -> bool:
    convolution = nn.Conv2D(16, 3, padding=1, in_channels=16)
    convolution.initialize()
    x, fast = watched(2, 16, 8, 8), jit(nn.Lambda(nd.relu))
    recorded(convolution, x).backward()
    straight = goes_straight(recorded(fast, x))
    assert np.array_equal(x.grad.asnumpy(), x.asnumpy() > 0)
    return straight


def of_very_many_inputs() -> bool:
    inputs = [watched(2, seed=seed) for seed in range(65)]
    straight = goes_straight(recorded(jit(nn.Lambda(lambda arrays: nd.add_n(*arrays) * 3)), inputs))
    assert np.array_equal(inputs[64].grad.asnumpy(), [3, 3])
    return straight


def of_mxnets_own() -> bool:
    x = watched(ROWS, WIDTH)
    straight = goes_straight(recorded(Product(), x, values(ROWS, WIDTH, seed=1)))
    assert np.array_equal(x.grad.asnumpy(), values(ROWS, WIDTH, seed=1).asnumpy())
    return straight


WAYS = [
    (of_an_unwatched_input, True),
    (from_itself, True),
    (from_a_head_in_a_layout_of_onednns, True),
    (into_a_gradient_in_a_layout_of_onednns, True),
    (under_another_result, False),
    (beside_a_call_with_the_same_unwatched_input, False),
    (twice, False),
    (of_a_result, False),
    (of_one_output_of_two, False),
    (retained, False),
    (with_statistics, False),
    (into_one_array_for_two, False),
    (from_its_own_gradient, False),
    (of_half_precision_without_a_head, False),
    (of_very_many_inputs, False),
    (of_mxnets_own, False),
]


@pytest.mark.parametrize(("way", "straight"), WAYS, ids=[way.__name__ for way, _ in WAYS])
def test_only_what_is_simple_goes_straight(way: Callable[[], bool], straight: bool) -> None:
    assert way() is straight


def test_the_graph_is_gone_afterwards() -> None:
    y = recorded(jit(my_dense()), watched(ROWS, WIDTH))
    before = y.asnumpy()
    assert goes_straight(y)
    with pytest.raises(mx.MXNetError, match="Cannot differentiate node because it is not in a computational graph"):
        y.backward()
    assert np.array_equal(y.asnumpy(), before)


def test_an_output_that_became_a_variable_is_no_output_any_more() -> None:
    x = watched(ROWS, WIDTH)
    y = recorded(jit(my_dense()), x)
    y.attach_grad()
    y.backward()
    assert not x.grad.asnumpy().any()


def test_a_sparse_gradient_is_refused_as_mxnet_does() -> None:
    x = values(ROWS, WIDTH)
    x.attach_grad(stype="row_sparse")
    with pytest.raises(mx.MXNetError, match="Storage type inconsistent"):
        recorded(jit(Product()), x, values(ROWS, WIDTH, seed=1)).backward()


@pytest.mark.parametrize("compiled", [True, False], ids=["jit", "mxnet"])
def test_an_unwatched_input_may_be_written_in_the_next_recording(compiled: bool) -> None:
    x, data = watched(ROWS, WIDTH), values(ROWS, WIDTH)
    block = jit(Product()) if compiled else Product()
    for number in (1, 2, 3):
        with autograd.record():
            data[:] = number  # refused by MXNet for what is in a graph
            y = block(x, data)
        assert goes_straight(y) is compiled
        assert (x.grad.asnumpy() == number).all()


FRESH_PROCESS = """
import mxnet_compat
from mxnet import autograd, nd
from kernels import jit, nodes
from layers.my_dense import MyDense

tried, probe = [], nodes._is_recorded
nodes._is_recorded = lambda: tried.append(1) or probe()
layer = MyDense(4, in_units=6)
layer.initialize()
for step in range(2):
    x = nd.ones((3, 6))
    x.attach_grad()
    with autograd.record():
        y = jit(layer)(x)
    y.backward()
    assert nodes._word(y, nodes.NODE) == 0
    assert len(tried) == 1
print("went straight")
"""


def test_the_first_backward_of_a_process_goes_straight() -> None:
    """And tries once whether MXNet's tape is readable, with MXNet's own backward."""
    finished = subprocess.run(
        [sys.executable, "-c", FRESH_PROCESS], cwd=ROOT, capture_output=True, text=True, timeout=1500, check=False
    )
    assert finished.stdout == "went straight\n", finished.stderr


def test_an_interrupt_leaves_the_output_whole(monkeypatch: pytest.MonkeyPatch) -> None:
    """Python raises it as soon as the compiled function has returned."""
    y = recorded(jit(my_dense()), watched(ROWS, WIDTH))
    straight = going_back.straight()

    def interrupted(*arguments: int) -> int:
        straight(*arguments)
        raise KeyboardInterrupt

    monkeypatch.setattr(going_back, "straight", lambda: interrupted)
    before = y.asnumpy()
    with pytest.raises(KeyboardInterrupt):
        y.backward()
    assert np.array_equal(y.asnumpy(), before)


def test_what_somebody_else_put_in_its_place_stays(monkeypatch: pytest.MonkeyPatch) -> None:
    called: list[nd.NDArray] = []
    monkeypatch.setattr(nd.NDArray, "backward", lambda array: called.append(array))
    y = recorded(jit(my_dense()), watched(ROWS, WIDTH))
    y.backward()
    assert called == [y]


def test_what_failed_before_is_raised_by_whoever_reads_the_gradient() -> None:
    x = watched(ROWS, WIDTH)
    y = recorded(jit(Product()), x, values(ROWS, WIDTH))

    def read() -> None:
        y.backward(nd.random.normal(0, -1, (ROWS, WIDTH)))
        x.grad.wait_to_read()

    with pytest.raises(mx.MXNetError, match="scale"):
        read()


def test_a_trainer_sees_that_gradients_are_new() -> None:
    layer = my_dense()
    trainer = gluon.Trainer(layer.collect_params(), "sgd", {"learning_rate": 1.0})
    fast, x, before = jit(layer), watched(ROWS, WIDTH), layer.bias.data().asnumpy()
    for _ in range(2):
        assert goes_straight(recorded(fast, x))
        gradient = layer.bias.grad().asnumpy()
        trainer.step(1)  # refuses gradients that are not new
        before -= gradient
        np.testing.assert_allclose(layer.bias.data().asnumpy(), before, rtol=1e-5, atol=1e-6)
    with pytest.raises(UserWarning, match="has not been updated by backward"):
        trainer.step(1)


def test_backward_waits_for_what_still_reads_or_writes_its_arrays() -> None:
    """The head is still being written, and the old gradient still read; meanwhile all else is dropped."""
    fast, big, x, factor = jit(Product()), values(700, 700) / 30, watched(700, 700), values(700, 700, seed=1)
    for _ in range(5):
        slow = nd.dot(nd.dot(nd.dot(big, big), big), big)
        x.grad[:] = slow  # still being written when backward is called
        reader = x.grad + 1
        y = recorded(fast, x, factor)
        head = nd.dot(slow, big)
        assert goes_straight(y, head)
        del y
        np.testing.assert_allclose(reader.asnumpy(), slow.asnumpy() + 1, rtol=1e-6)
        np.testing.assert_allclose(x.grad.asnumpy(), head.asnumpy() * factor.asnumpy(), rtol=1e-5, atol=1e-6)


def test_mxnets_profiler_shows_it(tmp_path: Path) -> None:
    fast, x = jit(my_dense()), watched(ROWS, WIDTH)
    assert goes_straight(recorded(fast, x))
    nd.waitall()
    nothing = str(tmp_path / "profile.json")
    mx.profiler.set_config(profile_imperative=True, profile_symbolic=True, aggregate_stats=True, filename=nothing)
    mx.profiler.set_state("run")
    try:
        assert goes_straight(recorded(fast, x))
        nd.waitall()
    finally:
        mx.profiler.set_state("stop")
    assert "gluonmark_backward" in mx.profiler.dumps(reset=True)


NAMES = (
    "ATTRIBUTES",
    "CALLBACKS",
    "FRESH",
    "GRADIENTS",
    "HOLDERS",
    "INFORMATION",
    "KNOWN",
    "NODE",
    "OPERATOR",
    "REQUEST",
    "SOURCES",
)


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("step", [1, -1, 3])
def test_a_tape_that_is_kept_elsewhere_is_noticed(name: str, step: int, monkeypatch: pytest.MonkeyPatch) -> None:
    assert tapes_are_readable()
    monkeypatch.setattr(nodes, name, getattr(nodes, name) + step)
    assert not tapes_are_readable.__wrapped__()
