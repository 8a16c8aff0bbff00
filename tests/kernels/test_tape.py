"""The numba variant on MXNet's tape: it behaves there as an operator of MXNet's own.

The expected values are those of NumPy or of the same layer run imperatively.
"""

import ctypes
import gc
import os
import subprocess
import sys
import threading
from collections.abc import Callable
from itertools import product
from pathlib import Path

import mxnet as mx
import numpy as np
import pytest
from mxnet import autograd, gluon, nd
from mxnet.gluon import nn

from kernels import KernelError, build, jit, value_and_gradient
from layers.centered_layer import CenteredLayer
from layers.my_dense import MyDense

ROOT = Path(__file__).resolve().parents[2]
TOLERANCE = {"rtol": 1e-4, "atol": 1e-5}
MALLINFO = ("arena", "ordblks", "smblks", "hblks", "hblkhd", "usmblks", "fsmblks", "uordblks", "fordblks", "keepcost")


class Two(nn.Block):
    """Two inputs, two outputs."""

    def forward(self, a: nd.NDArray, b: nd.NDArray) -> list[nd.NDArray]:
        return [a * b, a - b.mean()]


def values(*shape: int, seed: int = 0) -> nd.NDArray:
    return nd.array(np.random.default_rng((seed, *shape)).normal(size=shape))


def watched(*shape: int, seed: int = 0, request: str = "write") -> nd.NDArray:
    """An input whose gradient is asked for, and begins as 7."""
    x = values(*shape, seed=seed)
    x.attach_grad(request)
    if x.grad is not None:
        x.grad[:] = 7
    return x


def my_dense(units: int = 4, in_units: int = 6) -> MyDense:
    layer = MyDense(units, in_units=in_units)
    layer.initialize()
    for seed, parameter in enumerate(layer.collect_params().values()):
        parameter.set_data(values(*parameter.shape, seed=seed))
    return layer


def my_dense_gradients(layer: MyDense, x: nd.NDArray, head: nd.NDArray) -> dict[str, np.ndarray]:
    weight, bias = layer.weight.data().asnumpy(), layer.bias.data().asnumpy()
    slope = head.asnumpy() * (x.asnumpy() @ weight + bias > 0)
    return {"x": slope @ weight.T, "weight": x.asnumpy().T @ slope, "bias": slope.sum(axis=0)}


def assert_same(actual: nd.NDArray, wanted: nd.NDArray | np.ndarray) -> None:
    wanted = wanted.asnumpy() if isinstance(wanted, nd.NDArray) else wanted
    assert wanted.any()  # a comparison with nothing but zeros would prove little
    np.testing.assert_allclose(actual.asnumpy(), wanted, **TOLERANCE)


REQUESTS = [requests for requests in product(("write", "add", "null"), repeat=3) if set(requests) != {"null"}]
AFTERWARDS: dict[str, Callable[[np.ndarray, int], np.ndarray]] = {
    "write": lambda gradient, _: gradient,
    "add": lambda gradient, times: 7 + times * gradient,
    "null": lambda gradient, _: np.full_like(gradient, 7),
}


@pytest.mark.parametrize("requests", REQUESTS, ids="-".join)
def test_every_request_for_gradients_is_honoured(requests: tuple[str, str, str]) -> None:
    """Of the input, the weight and the bias; backward is called twice through one recorded call."""
    layer, head = my_dense(), values(3, 4, seed=1)
    x = watched(3, 6, request=requests[0])
    for parameter, request in zip((layer.weight, layer.bias), requests[1:], strict=True):
        parameter.grad_req = request
        if request != "null":
            parameter.grad()[:] = 7
    buffers = {"x": x.grad}
    buffers |= {key: p.grad() for key, p in (("weight", layer.weight), ("bias", layer.bias)) if p.grad_req != "null"}
    with autograd.record():
        y = jit(layer)(x)
    wanted = my_dense_gradients(layer, x, head)
    for times in (1, 2):
        y.backward(head, retain_graph=times == 1)
        for (key, gradient), request in zip(wanted.items(), requests, strict=True):
            if key in buffers:
                assert_same(buffers[key], AFTERWARDS[request](gradient, times))


def test_the_default_head_is_one() -> None:
    layer, x = my_dense(), watched(3, 6)
    with autograd.record():
        y = jit(layer)(x)
    y.backward()
    assert_same(x.grad, my_dense_gradients(layer, x, nd.ones((3, 4)))["x"])


def test_gradients_are_returned_by_autograd_grad() -> None:
    layer, x, head = my_dense(), watched(3, 6), values(3, 4, seed=1)
    with autograd.record():
        y = jit(layer)(x)
    found = autograd.grad(y, [x, layer.weight.data()], head_grads=head)
    wanted = my_dense_gradients(layer, x, head)
    assert_same(found[0], wanted["x"])
    assert_same(found[1], wanted["weight"])
    assert_same(x.grad, np.full((3, 6), 7, "float32"))


@pytest.mark.parametrize("used", [(True, True), (True, False), (False, True)], ids=["both", "first", "second"])
@pytest.mark.parametrize("repeated", [False, True], ids=["two-inputs", "one-input-twice"])
def test_several_outputs_and_repeated_inputs(used: tuple[bool, bool], repeated: bool) -> None:
    """An output that plays no part in the loss has a head of zeros."""
    weights = values(2, 3, 6, seed=2)

    def run(block: gluon.Block) -> list[nd.NDArray]:
        a, b = watched(3, 6), watched(3, 6, seed=1)
        arguments = (a, a) if repeated else (a, b)
        with autograd.record():
            outputs = block(*arguments)
            assert isinstance(outputs, list)
            parts = [output * weights[place] for place, output in enumerate(outputs) if used[place]]
        autograd.backward(parts)
        return [*outputs, a.grad] if repeated else [*outputs, a.grad, b.grad]

    for actual, wanted in zip(run(jit(Two())), run(Two()), strict=True):
        assert_same(actual, wanted)


def test_one_output_of_two_as_input_of_the_other_block() -> None:
    def run(make: Callable[[gluon.Block], gluon.Block]) -> list[nd.NDArray]:
        a, b, two = watched(3, 6), watched(3, 6, seed=1), make(Two())
        with autograd.record():
            first, second = two(a, b)
            y = two(second, first)[0]
        y.backward()
        return [y, a.grad, b.grad]

    for actual, wanted in zip(run(jit), run(lambda block: block), strict=True):
        assert_same(actual, wanted)


def test_a_chain_of_variants_and_operators_of_mxnet(variant: str) -> None:
    def run(variant: str) -> list[nd.NDArray]:
        layer, x = my_dense(), watched(3, 6)
        dense, centered = build(layer, variant), build(CenteredLayer(), variant)
        with autograd.record():
            y = centered(nd.tanh(dense(x * 0.5)))
            z = (centered(y * y) * nd.arange(4)).sum() + dense(x).mean()
        z.backward()
        return [y, z, x.grad, layer.weight.grad(), layer.bias.grad()]

    for actual, wanted in zip(run(variant), run("imperative"), strict=True):
        assert_same(actual, wanted)


def test_one_block_twice_in_one_recording() -> None:
    layer, x, head = my_dense(6, 6), watched(3, 6), values(3, 6, seed=1)
    fast = jit(layer)
    with autograd.record():
        inner = fast(x)
        y = fast(inner)
    y.backward(head)
    outer = my_dense_gradients(layer, inner, head)
    wanted = my_dense_gradients(layer, x, nd.array(outer["x"]))
    assert_same(x.grad, wanted["x"])
    assert_same(layer.weight.grad(), wanted["weight"] + outer["weight"])


def test_calls_of_different_batch_sizes_in_one_recording() -> None:
    layer = my_dense()
    fast = jit(layer)
    inputs = [watched(batch, 6) for batch in (3, 1, 8)]
    with autograd.record():
        total = sum(fast(x).sum() for x in inputs)
    total.backward()
    for x in inputs:
        assert_same(x.grad, my_dense_gradients(layer, x, nd.ones((x.shape[0], 4)))["x"])


def test_nothing_is_recorded_in_a_pause() -> None:
    layer, x = my_dense(), watched(3, 6)
    fast = jit(layer)
    with autograd.record():
        y = fast(x)
        with autograd.pause():
            constant = fast(x)
        z = y * constant
    z.backward()
    assert_same(x.grad, my_dense_gradients(layer, x, constant)["x"])
    with pytest.raises(mx.MXNetError, match="not in a computational graph"):
        constant.backward()


def test_nothing_is_recorded_for_a_detached_result() -> None:
    layer, x = my_dense(), watched(3, 6)
    fast = jit(layer)
    with autograd.record():
        y = fast(x)
        z = y * y.detach()
    z.backward()
    assert_same(x.grad, my_dense_gradients(layer, x, y)["x"])


def test_the_modes_of_autograd_are_left_alone() -> None:
    fast, x = jit(my_dense()), watched(3, 6)
    for recording, training in product((False, True), repeat=2):
        with autograd._RecordingStateScope(recording, training):
            fast(x)  # the first one traces and compiles
            assert autograd.is_recording() is recording
            assert autograd.is_training() is training


def test_a_gradient_of_a_gradient_is_refused() -> None:
    """It would need rules for the backward kernels; MXNet says so, in its own words."""
    fast, x = jit(my_dense()), watched(3, 6)
    with autograd.record():
        y = fast(x)
        slope = autograd.grad(y, x, create_graph=True, retain_graph=True)[0]
        z = (slope * x).sum()
    with pytest.raises(mx.MXNetError, match="non-differentiable"):
        z.backward()


def test_no_gradient_at_all_is_refused_as_mxnet_does() -> None:
    layer = my_dense()
    layer.collect_params().setattr("grad_req", "null")
    with autograd.record():
        y = jit(layer)(values(3, 6))
    with pytest.raises(mx.MXNetError, match="graph"):
        y.backward()


FLAT = {
    "greater": lambda x: nd.broadcast_greater(x, x),
    "round": nd.round,
    "BlockGrad": lambda x: nd.BlockGrad(x * x),
    "ones_like": nd.ones_like,
    "broadcast_like": lambda x: nd.broadcast_like(nd.ones((1, 1)), x),
    "arange_like of what was computed": lambda x: nd.contrib.arange_like(2 * x),
}


@pytest.mark.parametrize("flat", FLAT.values(), ids=FLAT)
def test_the_gradient_through_what_is_flat_is_zero(flat: Callable[[nd.NDArray], nd.NDArray], variant: str) -> None:
    """Also where the output has nothing but the shape of the input."""
    fast, x = build(nn.Lambda(flat), variant), watched(3, 6)
    with autograd.record():
        y = fast(x)
    y.backward()
    assert np.array_equal(y.asnumpy(), flat(x).asnumpy())
    assert np.array_equal(x.grad.asnumpy(), np.zeros((3, 6)))


HEADS = {
    "fewer-rows": nd.ones((2, 4)),
    "more-columns": nd.ones((3, 5)),
    "another-rank": nd.ones((12,)),
    "float64": nd.ones((3, 4), dtype="float64"),
}


@pytest.mark.parametrize("head", HEADS.values(), ids=HEADS)
def test_a_head_that_does_not_fit_is_refused_as_mxnet_does(head: nd.NDArray, variant: str) -> None:
    """Reading it as if it did would leave its memory."""
    fast, x = build(my_dense(), variant), watched(3, 6)
    with autograd.record():
        y = fast(x)

    def backward() -> None:
        y.backward(head)
        x.grad.wait_to_read()

    with pytest.raises((mx.MXNetError, KernelError)):
        backward()


def test_inputs_that_are_still_being_written() -> None:
    """The producer is pushed right before the call and takes longer than the push."""
    fast, big = jit(CenteredLayer()), values(700, 700)
    x = nd.zeros((700, 700))
    for _ in range(3):
        slow = nd.dot(nd.dot(big, big), big)
        y = fast(slow)
        x[:] = nd.dot(big, slow)
        z = fast(x)
        x[:] = 0  # written after the call, which has read it by then
        np.testing.assert_allclose(y.asnumpy(), slow.asnumpy() - slow.asnumpy().mean(), rtol=1e-3, atol=1)
        product = nd.dot(big, slow).asnumpy()
        np.testing.assert_allclose(z.asnumpy(), product - product.mean(), rtol=1e-3, atol=30)


def test_heads_that_are_still_being_written_and_results_used_at_once() -> None:
    layer, big, x = my_dense(700, 6), values(700, 700), watched(3, 6)
    with autograd.record():
        y = jit(layer)(x)
        z = nd.dot(y, big)
    head = nd.dot(nd.dot(values(3, 700), big), big)
    z.backward(head)
    doubled = x.grad * 2
    wanted = my_dense_gradients(layer, x, nd.dot(head, big, transpose_b=True))["x"]
    np.testing.assert_allclose(doubled.asnumpy(), 2 * wanted, rtol=1e-3, atol=1e-3 * np.abs(wanted).max())


def test_two_threads_at_once() -> None:
    """Each thread has its own inputs and tape; both use one variant, made by neither."""
    layer = my_dense()
    fast, centered = jit(layer), jit(CenteredLayer())
    start, failures = threading.Barrier(2), []

    def work(seed: int) -> None:
        try:
            start.wait(timeout=500)
            for step in range(200):
                x, head = watched(2 + step % 5, 6, seed=seed), values(2 + step % 5, 4, seed=seed)
                y, gradients = value_and_gradient(fast, x, head)
                assert_same(gradients["weight"], my_dense_gradients(layer, x, head)["weight"])
                with autograd.record():
                    z = centered(x)
                z.backward(x)
                centred = x.asnumpy() - x.asnumpy().mean()
                assert_same(z, centred)
                assert_same(x.grad, centred)
                assert_same(fast(x), y)
        except BaseException as error:
            failures.append(error)

    threads = [threading.Thread(target=work, args=(seed,)) for seed in (1, 2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=1500)
    assert not any(thread.is_alive() for thread in threads)
    assert failures == []


class Allocated(ctypes.Structure):
    """``struct mallinfo2`` of glibc, see its malloc.h."""

    _fields_ = tuple((name, ctypes.c_size_t) for name in MALLINFO)


def allocated_bytes() -> int:
    """What the process has from malloc and has not given back.  (Resident memory would hide what fits into gaps.)"""
    mallinfo2 = ctypes.CDLL(None).mallinfo2
    mallinfo2.restype = Allocated
    found = mallinfo2()
    return int(found.uordblks + found.hblkhd)


@pytest.mark.parametrize("recording", [False, True], ids=["calls", "recorded"])
def test_dropped_calls_give_their_memory_back(recording: bool) -> None:
    """Of 500 calls with results of 256 KiB each, 125 MiB in all, not a quarter may stay."""
    layer, x = my_dense(256, 256), watched(256, 256)
    fast = jit(layer)

    def calls(count: int) -> None:
        for _ in range(count):
            with autograd.record() if recording else autograd.pause():
                y = fast(x)
                del y

    calls(50)
    gc.collect()  # what earlier tests left is not given back meanwhile
    mx.nd.waitall()
    before = allocated_bytes()
    calls(500)
    mx.nd.waitall()
    assert allocated_bytes() - before < 32 * 2**20


@pytest.mark.parametrize("fate", ["dropped", "backward", "kept"])
def test_what_a_recorded_call_keeps_is_given_back(fate: str) -> None:
    """About 3 KiB a call beside its arrays, as the calls show whose results are kept."""
    fast, x, results = jit(my_dense()), watched(3, 6), []

    def calls(count: int) -> None:
        for _ in range(count):
            with autograd.record():
                y = fast(x)
            if fate == "backward":
                y.backward()
                x.grad.wait_to_read()  # or else memory grows with what is still to be done
            if fate == "kept":
                results.append(y)

    calls(1000)
    gc.collect()  # what earlier tests left is not given back meanwhile
    mx.nd.waitall()
    before = allocated_bytes()
    calls(4000)
    mx.nd.waitall()
    assert (allocated_bytes() - before > 4 * 2**20) is (fate == "kept")


SWITCHES = {
    "naive-engine": {"GLUONMARK_ENGINE": "naive"},
    "pooled-backward": {"GLUONMARK_INLINE": ""},
    "inline-backward": {"GLUONMARK_INLINE": "1"},
}


@pytest.mark.parametrize("switches", SWITCHES.values(), ids=SWITCHES)
def test_all_of_this_under_other_switches(switches: dict[str, str]) -> None:
    """MXNet reads its switches once, so each setting has a process of its own."""
    environment = {
        key: value
        for key, value in os.environ.items()
        if key not in ("GLUONMARK_ENGINE", "GLUONMARK_INLINE") and not key.startswith("PYTEST_")
    }
    files = [__file__, str(Path(__file__).with_name("test_going_back.py"))]
    tests = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", *files, "-k", "not other_switches"]
    finished = subprocess.run(
        tests, cwd=ROOT, env=environment | switches, capture_output=True, text=True, timeout=1500, check=False
    )
    assert finished.returncode == 0, finished.stdout[-3000:] + finished.stderr[-1000:]
    assert " passed" in finished.stdout
