"""Arrays of every dtype that MXNet takes: its own results and gradients against those of the compiled kernels."""

import re
from collections.abc import Callable, Sequence
from typing import Any

import mxnet as mx
import numpy as np
import pytest
from mxnet import autograd, nd

from kernels import KernelError, hybridize, jit, value_and_gradient
from kernels.decompose import decompose
from kernels.extent import Extent
from kernels.graph import INPUT, Array, Graph, Leaf
from kernels.structure import Slot
from kernels.variants import source

from .conftest import Seeded

FLOATS = ("float16", "float32", "float64")
WHOLE = ("int8", "uint8", "int32", "int64")

# MXNet computes with halves in half precision, kernels in float32.
TOLERANCE = {"float16": 3e-3, "float32": 2e-5, "float64": 1e-12}


def head(like: nd.NDArray) -> nd.NDArray:
    return nd.array(np.arange(like.size).reshape(like.shape) % 5 - 1.3, dtype=like.dtype)


def results(runner: Any, arrays: Sequence[nd.NDArray], request: str = "write") -> list[np.ndarray]:
    """Outputs, then gradients of the inputs that are no truths, by MXNet's tape; with 'add' to ones."""
    for array in arrays:
        array.attach_grad(request)
        array.grad[:] = 1 if request == "add" else 0
    with autograd.record():
        outputs = runner(*arrays)
    autograd.backward(outputs, [head(output) for output in outputs])
    return [array.asnumpy() for array in (*outputs, *(array.grad for array in arrays if array.dtype != np.bool_))]


def differences(truth: Sequence[np.ndarray], found: Sequence[np.ndarray]) -> list[str]:
    problems = []
    loosest = max(TOLERANCE.get(right.dtype.name, 0) for right in truth)
    for place, (right, value) in enumerate(zip(truth, found, strict=True)):
        tolerance = loosest if right.dtype.name in FLOATS else 0
        finite = np.abs(right.astype(np.float64))[np.isfinite(right)]
        scale = max(1.0, float(finite.max(initial=0)))
        with np.errstate(invalid="ignore"):  # inf · 0 inside
            close = np.allclose(value.astype(np.float64), right.astype(np.float64), tolerance, tolerance * scale)
        if value.dtype != right.dtype or value.shape != right.shape or not close:
            problems.append(f"{place}: {value.ravel()} {value.dtype} instead of {right.ravel()} {right.dtype}")
    return problems


def numbers(dtype: str, seed: int, low: float = 1, high: float = 6.0) -> nd.NDArray:
    drawn = np.random.default_rng(seed).uniform(low, high, (4, 3))
    return nd.array(drawn.astype(dtype), dtype=dtype)


def assert_agree(block: Any, *arrays: nd.NDArray) -> Any:
    """Recorded, with 'add' (which MXNet's copyto forgets: cast), and without a tape.  Returns the compiled variant."""
    fast = jit(block)
    for request in ("write", "add"):
        assert differences(results(block, arrays, request), results(fast, arrays, request)) == []
    outputs, gradients = value_and_gradient(fast, arrays, [head(output) for output in block(*arrays)])
    names = [name for name in gradients if name.startswith("x")]
    truth = results(block, arrays)
    found = [array.asnumpy() for array in outputs] + [gradients[name].asnumpy() for name in names]
    kept = [*truth[: len(outputs)], *(truth[len(outputs) + int(name.removeprefix("x"))] for name in names)]
    assert differences(kept, found) == []
    return fast


@pytest.mark.parametrize("target", [*FLOATS, *WHOLE, "bool"])
def test_casts_from_every_dtype(target: str, layer: Any) -> None:
    sources = [*FLOATS, *WHOLE, "bool"]

    def forward(*arrays: nd.NDArray) -> list[nd.NDArray]:
        casts = [nd.cast(array, dtype=target) for array in arrays[:2]]
        return casts + [array.astype(target) for array in arrays[2:]]

    arrays = [numbers(dtype, seed, 0 if dtype in ("bool", "uint8") else -9, 9) for seed, dtype in enumerate(sources)]
    block, fast = layer(forward, arity=len(arrays)), jit(layer(forward, arity=len(arrays)))
    assert differences(results(block, arrays), results(fast, arrays)) == []


def arithmetic(k: nd.NDArray, m: nd.NDArray) -> list[nd.NDArray]:
    """What MXNet computes of whole numbers; slopes that are fractions depend on when they lose them."""
    a, b = nd.BlockGrad(k), nd.BlockGrad(m)
    return [
        *(a / b, a * 7 / b, 7 / b, nd.sqrt(b)),
        *(k + m, k - m, k * m, k > m, k <= m, k == m, k * 2 + 1.5, k / 2, -k * k * k),
        *(nd.maximum(k, m), nd.minimum(k, 2), nd.abs(k), nd.relu(k), k**2, nd.where(k > m, k, m), nd.square(m)),
        *(k.sum(axis=1), k.mean(axis=1), k.max(axis=0), m.min(axis=1), k.prod(axis=1)),
        nd.broadcast_add(k.sum(axis=1, keepdims=True), m),
        nd.cast(k, dtype="float32") * 1.5,
    ]


@pytest.mark.parametrize("dtype", WHOLE)
def test_whole_numbers(dtype: str, layer: Any) -> None:
    block = layer(arithmetic, arity=2)
    fast = assert_agree(block, numbers(dtype, 1), numbers(dtype, 2))
    large = [numbers(dtype, seed, 90, 127) for seed in (3, 4)]  # sums and products of bytes overflow
    assert differences(results(block, large), results(fast, large)) == []


def test_division_of_large_and_of_negative_numbers(layer: Any) -> None:
    block = layer(lambda k, m: [k / m, k / -3, -k / m], arity=2)
    k = nd.array([[2**62 + 1, -(2**62) - 3, -7, 7, 0]], dtype="int64")
    m = nd.array([[1, 1, 2, -2, -5]], dtype="int64")
    np.testing.assert_array_equal(*(np.stack([y.asnumpy() for y in run(k, m)]) for run in (block, jit(block))))


def test_floats_of_three_widths_in_one_graph(layer: Any) -> None:
    def forward(h: nd.NDArray, s: nd.NDArray, d: nd.NDArray, w: nd.NDArray) -> list[nd.NDArray]:
        wide = nd.exp(nd.cast(h, dtype="float64") / 4) * d
        table = nd.dot(wide.astype("float32"), w)
        return [
            (wide.sum(axis=1, keepdims=True).astype("float32") * s).astype("float16"),
            nd.broadcast_mul(wide, wide.max(axis=1, keepdims=True)),
            table * table,
            nd.tanh(h * 2) - h,
            nd.cast(nd.cast(h, dtype="float32"), dtype="float16"),
        ]

    block = layer(forward, arity=3, w=(3, 5))
    block.initialize(mx.init.Constant(0.25))
    assert_agree(block, *(numbers(dtype, seed, -2, 2) for seed, dtype in enumerate(FLOATS)))


def test_labels_and_masks(layer: Any) -> None:
    def forward(x: nd.NDArray, label: nd.NDArray, mask: nd.NDArray) -> list[nd.NDArray]:
        kept = nd.where(mask, x, x * 0)
        return [(kept - nd.cast(label, dtype="float32")) ** 2, nd.cast(mask, dtype="bool").astype("float32") * x]

    block = layer(forward, arity=3)
    arrays = [numbers("float32", 1), numbers("int32", 2), numbers("uint8", 3, 0, 2)]
    assert_agree(block, *arrays)
    fast = jit(block)  # as a loss is used: nobody wants the gradient of a label
    arrays[0].attach_grad()
    with autograd.record():
        y = fast(arrays[0], *(nd.array(array, dtype=array.dtype) for array in arrays[1:]))
    autograd.backward(y, [head(output) for output in y])
    assert differences(results(block, arrays)[2:3], [arrays[0].grad.asnumpy()]) == []


@pytest.mark.parametrize("dtype", ["float16", "float64"])
def test_one_block_in_another_dtype(dtype: str, layer: Any) -> None:
    """Parameters included; where MXNet's CPU has no such product, against the same block in float32."""
    block = layer(lambda x, w, b: [nd.relu(nd.dot(x, w) + b), nd.dot(x, w).sum(axis=1)], w=(3, 5), b=(5,))
    block.initialize(Seeded())
    fast, x = jit(block), numbers("float32", 1, -2, 2)
    parameters = [block.w, block.b]
    truth = [*results(fast, [x]), *(parameter.grad().asnumpy() for parameter in parameters)]
    fast.cast(dtype)
    for request in ("write", "add"):
        for parameter in parameters:
            parameter.grad_req = request
            parameter.grad()[:] = 1
        found = [*results(fast, [x.astype(dtype)], request), *(parameter.grad().asnumpy() for parameter in parameters)]
        more = [np.zeros_like(y) for y in truth[:2]] + [np.full_like(y, request == "add") for y in truth[2:]]
        wanted = [(right + extra).astype(dtype) for right, extra in zip(truth, more, strict=True)]
        for right, value in zip(wanted, found, strict=True):
            assert value.dtype == dtype
            np.testing.assert_allclose(value, right, rtol=1e-2 if dtype == "float16" else 1e-5, atol=1e-2)


def test_half_precision_rounds_once(layer: Any) -> None:
    """Between what comes in and what goes out, arithmetic is in float32; a cast inside forward rounds."""
    block = layer(lambda x: [x * 1.0009765625 * 1.0009765625 - x, (x * 4097).astype("float16")])
    x = np.array([[1.0, 0.333251953125, 12.0]], "float16")
    once, rounded = jit(block)(nd.array(x, dtype="float16"))
    wide = x.astype("float32")
    np.testing.assert_array_equal(once.asnumpy(), (wide * 1.0009765625**2 - wide).astype("float16"))
    np.testing.assert_array_equal(rounded.asnumpy(), (wide * 4097).astype("float16"))


def test_halves_that_are_no_ordinary_numbers(layer: Any) -> None:
    x = nd.array([[np.inf, -np.inf, np.nan, 65504, 6e-8, -0.0]], dtype="float16")
    block = layer(lambda x: [x * 2, x.astype("float32"), nd.maximum(x, 1)])
    for right, value in zip(block(x), jit(block)(x), strict=True):
        np.testing.assert_array_equal(value.asnumpy(), right.asnumpy())


def whole_numbers(x: nd.NDArray) -> list[nd.NDArray]:
    k = x.astype("int32")
    return [k + k * 3 - 1, nd.where(k > 2, k * -1, k) * 2, k / 2, k > 1, nd.maximum(k, 7)]


# What stands in the source, in order: no conversion is missing, none is there twice.
SAID: dict[str, tuple[Callable[..., Any], str, list[str]]] = {
    "halves": (lambda x: nd.exp(x) * 2, "float16", ["half(exp(single(x0_flat[i])) * float32(2.0))"]),
    "places": (lambda x: x * nd.contrib.arange_like(x, axis=1), "float32", ["x0[i, j] * float32(j)"]),
    "places in double": (lambda x: x + nd.contrib.arange_like(x, axis=1), "float64", ["x0[i, j] + float64(j)"]),
    "whole numbers": (
        whole_numbers,
        "float32",
        [
            "int32(copy + copy * int32(3) - int32(1))",
            "int32((int32(copy * int32(-1)) if copy > int32(2) else copy) * int32(2))",
            "int32(copy // int32(2) if (copy < int32(0)) == (int32(2) < int32(0)) else -(-copy // int32(2)))",
            "int32(1) if copy > int32(1) else int32(0)",
            "copy if copy > int32(7) or copy != copy else int32(7)",
        ],
    ),
    "casts": (
        lambda x: [x.astype(dtype) for dtype in ("bool", "int8", "uint8", "int32", "int64", "float64", "float16")],
        "float32",
        ["x0_flat[i] != float32(0.0)", "int8(int32(x0_flat[i]))", "uint8(int32(x0_flat[i]))", "int32(x0_flat[i])",
         "int64(x0_flat[i])", "float64(x0_flat[i])", "half(x0_flat[i])"],
    ),
    "casts to halves": (
        lambda x: [x.astype("float16"), x.astype("int32").astype("float16")],
        "float64",
        ["half(float32(x0_flat[i]))", "half(float32(int32(x0_flat[i])))"],
    ),
    "a cast from halves": (lambda x: x.astype("int8"), "float16", ["int8(int32(single(x0_flat[i])))"]),
}  # fmt: skip


@pytest.mark.parametrize(("function", "dtype", "expected"), SAID.values(), ids=SAID)
def test_source_says_where_numbers_are_converted(
    function: Callable[..., Any], dtype: str, expected: list[str], layer: Any
) -> None:
    kernel = source(layer(function), "numba", (4, 3), dtype).partition("@njit")[2].partition("@njit")[0]
    kernel = kernel.replace("_part[", "_flat[")  # where threads may share the loop
    assert re.findall(r"^ +y\d*(?:_flat)?\[.*?\] = (.*)$", kernel, re.MULTILINE) == expected


def test_hybridized_variants_cast_alike(layer: Any) -> None:
    def forward(x: nd.NDArray, k: nd.NDArray) -> list[nd.NDArray]:
        return [
            *(nd.cast(x, dtype="int32") * k, k.astype("float32") * x, x.astype("float64") * 1.5),
            *(nd.cast(x, dtype="float16"), nd.BlockGrad(x) * x, nd.identity(k), nd.make_loss(x * x)),
        ]

    block, arrays = layer(forward, arity=2), [numbers("float32", 1), numbers("int32", 2)]
    for static in (False, True):
        assert differences(results(block, arrays), results(hybridize(block, static=static), arrays)) == []


REFUSED: dict[str, tuple[Callable[..., nd.NDArray], str]] = {
    "a sum of truths": (lambda x: nd.cast(x, dtype="bool").sum(), "sum at .* of bool: cast it to the dtype"),
    "mixed operands": (lambda x: x + x.astype("int32"), "does not accept an input of shape"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_mxnet_or_kernels_refuse(name: str, layer: Any) -> None:
    function, message = REFUSED[name]
    with pytest.raises(KernelError, match=message):
        jit(layer(function))(nd.ones((2, 3)))


def test_dtypes_that_no_kernel_takes() -> None:
    """MXNet's Python makes no such array; were there one, it would be refused before any kernel."""
    array = Array("x", (Extent(1, 0),), "bfloat16")
    graph = Graph("Layer", (Leaf(array, INPUT, "x"),), (), (array,), Slot(), True, False)
    with pytest.raises(KernelError, match=r"x is bfloat16; the numba variant takes float16, .* or bool"):
        decompose(graph)
