"""What fusion leaves: how many loops and temporary arrays each kernel has, and that it still computes the same."""

import ast
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest
from mxnet import autograd, nd

from kernels import jit, source

Features = tuple[int, ...]


@dataclass(frozen=True)
class Case:
    """``forward`` and ``backward``: (nests of loops, temporary arrays) of the kernels printed for ``function``."""

    function: Callable[..., Any]
    forward: tuple[int, int]
    backward: tuple[int, int] | None = None
    features: tuple[Features, ...] = ((4,),)
    parameters: tuple[tuple[str, tuple[int, ...]], ...] = ()


def chain(x: nd.NDArray) -> nd.NDArray:
    return nd.relu(nd.tanh(x * 2 + 1) - x) * 3 / 7


def centred(x: nd.NDArray) -> nd.NDArray:
    return x - x.mean()


def normalised(x: nd.NDArray) -> nd.NDArray:
    away = x - x.mean(axis=1, keepdims=True)
    return away / nd.sqrt((away * away).mean(axis=1, keepdims=True) + 1e-3)


def softmax(x: nd.NDArray) -> nd.NDArray:
    powers = nd.exp(x - x.max(axis=1, keepdims=True))
    return powers / powers.sum(axis=1, keepdims=True)


def perceptron(x: nd.NDArray, w: nd.NDArray, b: nd.NDArray) -> nd.NDArray:
    return nd.relu(nd.dot(x, w) + b)


def twice(value: nd.NDArray) -> list[nd.NDArray]:
    return [value, value]


WEIGHTS = (("w", (4, 3)), ("b", (3,)))

CASES: dict[str, Case] = {
    # pointwise operations leave nothing behind
    "one operation": Case(lambda x: x * 2 + 1, (1, 0), (1, 0)),
    "a chain": Case(chain, (1, 0), (1, 0)),
    "a chain of three axes": Case(chain, (1, 0), (1, 0), features=((2, 3),)),
    "two inputs": Case(lambda x, y: nd.maximum(x * y, x) - y, (1, 0), (1, 0), features=((4,), (4,))),
    "a repeated row": Case(lambda x, b: nd.relu(x + b) * b, (1, 0), parameters=(("b", (4,)),)),
    "several results of one chain": Case(lambda x: [x * 2, x * 2 + 1, nd.relu(x * 2 + 1)], (1, 0), (1, 0)),
    "a transposed operand": Case(lambda x, w: x + nd.broadcast_add(w.T, x), (1, 0), parameters=(("w", (4, 1)),)),
    "a transposed result": Case(lambda x: (x * 2).T + 1, (1, 0), (1, 0)),
    # sums over the same elements share a loop
    "sums along every axis": Case(lambda x: [x.sum(axis=0), x.sum(axis=1), x.sum(), x.max(axis=1)], (1, 0), (1, 0)),
    "a sum that reads nothing": Case(lambda x: nd.zeros_like(x).sum() + x, (2, 0)),
    "sums of different things": Case(lambda x: [(x * x).sum(axis=1), nd.abs(x).sum(axis=1)], (1, 0), (1, 0)),
    "a sum and a map": Case(lambda x: [nd.tanh(x), nd.tanh(x).sum(axis=1)], (1, 0)),
    "sums in the middle of three axes": Case(
        lambda x: [x.sum(axis=1), x.sum(axis=(0, 2)), x.max(axis=(1, 2))], (1, 0), features=((2, 3),)
    ),
    "a sum, then a map of it": Case(lambda x: nd.sqrt((x * x).sum(axis=1) + 1), (2, 0)),
    "centring": Case(centred, (2, 0), (2, 0)),
    "centring of one axis": Case(centred, (2, 0), (2, 0), features=((),)),
    "columns centred": Case(lambda x: x - x.mean(axis=0), (3, 1)),
    # a value that a later step reads element by element lives in the memory of that step's result
    "an epilogue after a product": Case(perceptron, (1, 0), parameters=WEIGHTS),
    "a softmax": Case(softmax, (3, 2)),
    "a normalisation": Case(normalised, (5, 3)),
    # other shapes are other names for the same memory
    "a reshape before a map": Case(lambda x: x.reshape((-1,)) * 2, (1, 0), (2, 1)),
    "a reshape after a map": Case(lambda x: (x * 2).reshape((0, 2, 2)), (2, 1)),
    "a reshape between maps": Case(lambda x: nd.tanh((x * 2).reshape((0, 2, 2))) + 1, (2, 1)),
    "a reshape before a product": Case(
        lambda x, w, b: nd.dot(x.reshape((-1, 4)), w) + b, (1, 0), features=((2, 4),), parameters=WEIGHTS
    ),
    # results that are something else's memory are copied
    "an input": Case(lambda x: x, (1, 0), (1, 0)),
    "an input, twice": Case(lambda x: [x, x * 1], (1, 0), (1, 0)),
    "an input and its reshape": Case(lambda x: [x, x.reshape((-1,))], (2, 0)),
    "an input turned around": Case(lambda x: x.T, (1, 0), (1, 0)),
    "a result and its reshape": Case(lambda x: [x * 2, (x * 2).reshape((-1,))], (2, 0)),
    "a result, its reshape and its turn": Case(
        lambda x: (lambda y: [y, y.reshape((0, 2, 2)), y.T, y.T.reshape((-1,))])(nd.tanh(x)), (4, 0)
    ),
    "a parameter": Case(lambda x, w: [x * 2, w], (2, 0), parameters=(("w", (3,)),)),
    # a result that others read
    "a result read by a loop": Case(lambda x: (lambda y: [y, y - y.sum(axis=1, keepdims=True)])(nd.tanh(x)), (2, 1)),
    "a result read by two loops": Case(
        lambda x: (lambda y: [y, y.sum(axis=0), y * y.max(axis=1, keepdims=True)])(nd.tanh(x)), (2, 1)
    ),
    "a product read by two loops": Case(
        lambda x, w, b: (lambda y: [y + b, (y * y).sum(axis=1)])(nd.dot(x, w)), (1, 1), parameters=WEIGHTS
    ),
    "a product read by two products": Case(
        lambda x, w, b: (lambda y: nd.dot(y, w, transpose_b=True) + nd.dot(y * b, w, transpose_b=True))(nd.dot(x, w)),
        (2, 2),
        parameters=WEIGHTS,
    ),
}


def built(case: Case, layer: Any) -> Any:
    return layer(case.function, arity=len(case.features), **dict(case.parameters))


def kernels_of(text: str) -> dict[str, ast.FunctionDef]:
    return {node.name: node for node in ast.parse(text).body if isinstance(node, ast.FunctionDef)}


def nests(kernel: ast.FunctionDef) -> int:
    """Loops that stand in no other loop, those that threads share among them.

    Filling an array, a matrix product, and adding up the parts of a sum are none.
    """

    def is_loop(one: ast.stmt) -> bool:
        if isinstance(one, ast.For):
            return ast.unparse(one.target) != "part"
        return ast.unparse(one).startswith("in_chunks(")

    def count(statements: list[ast.stmt]) -> int:
        return sum(count(one.body) if isinstance(one, ast.If) else is_loop(one) for one in statements)

    return count(kernel.body)


def temporaries(kernel: ast.FunctionDef) -> int:
    """Arrays that the kernel makes, apart from the parts of its sums."""
    text = ast.unparse(kernel)
    return text.count("np.empty(") - text.count("_parts = np.empty(")


def inputs(case: Case, batch: int) -> list[np.ndarray]:
    generator = np.random.default_rng(batch)
    return [generator.standard_normal((batch, *features)).astype("float32") for features in case.features]


SINGLE = [name for name, case in CASES.items() if len(case.features) == 1]


@pytest.mark.parametrize("name", SINGLE)
def test_loops_and_temporary_arrays(name: str, layer: Any) -> None:
    case = CASES[name]
    text = source(built(case, layer), "numba", (5, *case.features[0]))
    kernels = kernels_of(text)
    found = {kernel: (nests(kernels[kernel]), temporaries(kernels[kernel])) for kernel in ("forward", "backward")}
    assert found["forward"] == case.forward, text
    if case.backward is not None:
        assert found["backward"] == case.backward, text


@pytest.mark.parametrize("name", CASES)
def test_the_compiled_kernels_agree(name: str, layer: Any, agree: Callable[..., list[str]]) -> None:
    case = CASES[name]
    block = built(case, layer)
    fast = jit(block)
    for batch in (5, 1, 33):
        assert agree(block, *inputs(case, batch), compiled=fast, seed=batch) == []


def test_one_array_returned_twice(layer: Any) -> None:
    """MXNet hands out one array; kernels hand out two of equal values, and both heads count."""
    x = nd.array(np.random.default_rng(0).standard_normal((5, 4)))
    x.attach_grad()
    with autograd.record():
        first, second = jit(layer(lambda x: twice(nd.tanh(x))))(x)
    autograd.backward([first, second], [nd.ones_like(first), 2 * nd.ones_like(first)])
    np.testing.assert_array_equal(first.asnumpy(), second.asnumpy())
    np.testing.assert_allclose(x.grad.asnumpy(), 3 * (1 - np.tanh(x.asnumpy()) ** 2), rtol=1e-5)


def test_results_share_no_memory(layer: Any) -> None:
    """Writing into one result, or into the input, changes no other."""
    x = nd.ones((5, 4))
    results = jit(layer(lambda x: (lambda y: [x, y, y.reshape((-1,)), y.T, y])(x * 2)))(x)
    before = [result.asnumpy().copy() for result in results]
    x[:] = 7
    for place, result in enumerate(results):
        np.testing.assert_array_equal(result.asnumpy(), before[place])
        result[:] = -1
    kept = jit(layer(lambda x: x))(x)
    x[:] = 8
    np.testing.assert_array_equal(kept.asnumpy(), np.full((5, 4), 7))


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("name", ["max", "min"])
def test_the_largest_element_is_found_again(
    name: str, dtype: str, layer: Any, agree: Callable[..., list[str]], normal: Callable[..., np.ndarray]
) -> None:
    """The backward pass must know the extreme element by its very bits, whatever arithmetic found it."""
    block = layer(lambda x, y: getattr(nd, name)(x / y * x - y, axis=1), arity=2)
    fast = jit(block)
    for seed in range(20):
        assert (
            agree(block, normal(7, 5, seed=seed, dtype=dtype), normal(7, 5, seed=seed + 50, dtype=dtype), compiled=fast)
            == []
        )


def test_a_gradient_that_is_not_wanted_is_not_computed(layer: Any) -> None:
    kernel = kernels_of(source(layer(perceptron, w=(4, 3), b=(3,)), "numba", (5, 4)))["backward"]
    conditions = {ast.unparse(node.test) for node in ast.walk(kernel) if isinstance(node, ast.If)}
    assert {"want_d_w", "want_d_x0"} <= conditions
