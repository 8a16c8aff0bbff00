"""Every function at every place where a kernel can say it: the printed source names nothing that it lacks, keeps its
lines short, and computes what the oracle does, forward and backward.

The source is run by Python, because Numba takes seconds for each.
"""

from collections.abc import Callable, Sequence
from functools import cache

import numpy as np
import pytest
from fuzz.kernels_in_python import outputs_and_gradients

from kernels.emit.cpu import print_kernels
from kernels.extent import BATCH, ZERO, literal
from kernels.gradient import gradients
from kernels.graph import INPUT, Array, Call, Graph, Leaf
from kernels.operators import OPERATORS
from kernels.oracle import evaluate
from kernels.primitives.base import Value, leaf
from kernels.primitives.concat import concat
from kernels.primitives.contract import contract
from kernels.primitives.gather import gather
from kernels.primitives.map import FUNCTIONS, apply, times
from kernels.primitives.reduce import reduce
from kernels.primitives.slice import pad, part
from kernels.primitives.view import spread
from kernels.program import program
from kernels.structure import Slot

LONGEST_LINE = 120
SHAPE = (BATCH, literal(3))

Function = Callable[..., Value]
Draw = Callable[[np.random.Generator, list[int]], np.ndarray]
Place = Callable[[Function, Sequence[Value], Value, Value], Value]

# from a function, its operands (n, 3), a weight (3, 4) and places (n,) to the output
PLACES: dict[str, Place] = {
    "by itself": lambda f, x, w, at: f(*x),
    "said twice": lambda f, x, w, at: times(f(*x), f(*x)),
    "of itself": lambda f, x, w, at: f(f(*x), *x[1:]),
    "in a sum": lambda f, x, w, at: reduce("sum", f(*x), [1]),
    "in a sum over the batch": lambda f, x, w, at: reduce("sum", f(*x), [0]),
    "in a product": lambda f, x, w, at: reduce("product", f(*x), [1]),
    "in a choice": lambda f, x, w, at: reduce("largest", f(*x), [1]),
    "of sums": lambda f, x, w, at: f(*(reduce("sum", one, [1]) for one in x)),
    "of a number": lambda f, x, w, at: times(x[0], spread(f(*(reduce("sum", one, [0, 1]) for one in x)), SHAPE, ())),
    "repeated": lambda f, x, w, at: times(x[0], spread(f(*(reduce("sum", one, [0]) for one in x)), SHAPE, [1])),
    "of what is gathered": lambda f, x, w, at: f(*(gather(one, [at], 0, "clip") for one in x)),
    "gathered from": lambda f, x, w, at: gather(f(*x), [at], 0, "wrap"),
    "before a matrix product": lambda f, x, w, at: contract(["ij", "jk"], "ik", [f(*x), w], "product"),
    "after a matrix product": lambda f, x, w, at: f(*(contract(["ij", "jk"], "ik", [one, w], "product") for one in x)),
    "joined": lambda f, x, w, at: concat([f(*x), x[0]], 1),
    "of what is joined": lambda f, x, w, at: f(*(concat([one, x[0]], 1) for one in x)),
    "cut": lambda f, x, w, at: part(f(*x), [ZERO, literal(1)], [1, 1], (BATCH, literal(2))),
    "padded": lambda f, x, w, at: pad(f(*x), [ZERO, literal(1)], [1, 1], (BATCH, literal(5))),
}


@cache
def arity(function: str) -> int:
    meaning = FUNCTIONS[function].meaning
    return getattr(meaning, "nin", 0) or meaning.__code__.co_argcount


def arrays(count: int) -> list[Array]:
    operands = [Array(f"an_operand_with_quite_a_long_name_{place}", SHAPE, "float64") for place in range(count)]
    return [*operands, Array("weight", (literal(3), literal(4)), "float64"), Array("places", (BATCH,), "float64")]


def agree(function: str, place: Place, batch: int, draw: Draw, monkeypatch: pytest.MonkeyPatch) -> None:
    """The kernels printed for a function at a place, run on drawn numbers, against the oracle."""
    inputs = arrays(arity(function))

    def rule(_: object, values: list[Value]) -> Value:
        *operands, weight, places = values
        return place(lambda *each: apply(function, *each), operands, weight, places)

    leaves = [leaf(array.name, array.shape, array.dtype) for array in inputs]
    result = rule(None, leaves)
    monkeypatch.setitem(OPERATORS, "placed", rule)
    y = Array("y", result.shape, result.dtype)
    graph = Graph(
        "Placed",
        tuple(Leaf(array, INPUT, array.name) for array in inputs),
        (Call("placed", tuple(inputs), (), (y,), ""),),
        (y,),
        Slot(),
        polymorphic=True,
        reads_shapes=False,
    )
    made = program(graph, {})
    assert [line for line in print_kernels(made).splitlines() if len(line) > LONGEST_LINE] == []

    generator = np.random.default_rng(5)
    known = {array.name: draw(generator, [extent.at(batch) for extent in array.shape]) for array in inputs}
    known["places"] = np.resize([2.0, 0.0, 2.0, 1.0], batch)
    head = generator.uniform(-1, 1, [extent.at(batch) for extent in result.shape])
    slopes = gradients([result], [leaf("head", result.shape, result.dtype)], leaves)
    with np.errstate(all="ignore"):
        expected, *computed = evaluate(
            [result, *(slope for slope in slopes if slope is not None)], known | {"head": head}, batch
        )
    names = [array.name for array, slope in zip(inputs, slopes, strict=True) if slope is not None]
    same = {"rtol": 1e-9, "atol": 1e-9, "equal_nan": True}
    for wanted in (set(names), *({name} for name in names)):
        plain, recorded, found = outputs_and_gradients(made, known, [head], batch, wanted)
        assert np.allclose(plain[0], expected, **same)
        assert np.allclose(recorded[0], expected, **same)
        for name in wanted:
            assert np.allclose(found[name], computed[names.index(name)], **same), name


@pytest.mark.parametrize("place", PLACES.values(), ids=PLACES)
@pytest.mark.parametrize("function", sorted(set(FUNCTIONS) - {"cast"}))
def test_a_function_at_a_place(function: str, place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    agree(function, place, 4, lambda generator, shape: generator.uniform(0.1, 0.9, shape), monkeypatch)


# Ties, halves, zero, what is large and what is no number.
SPECIAL = [0.0, 0.5, -0.5, 1.0, -1.0, 1.5, -1.5, 2.0, 2.5, -2.5, 25.0, np.inf, -np.inf, np.nan]
POLES = {"gamma_function", "log_gamma"}  # where Python's, SciPy's and C's do not agree


@pytest.mark.parametrize("function", sorted(set(FUNCTIONS) - {"cast"} - POLES))
def test_a_function_of_special_numbers(function: str, monkeypatch: pytest.MonkeyPatch) -> None:
    agree(function, PLACES["by itself"], 100, lambda generator, shape: generator.choice(SPECIAL, shape), monkeypatch)
