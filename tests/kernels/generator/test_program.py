"""What a program keeps for its backward pass, which values get memory, and what its source says about dtypes."""

import dataclasses
import re
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from mxnet import nd

from kernels import trace
from kernels.emit.cpu import print_entries, print_kernels
from kernels.emit.gluon import depends_on_shape
from kernels.errors import UncompilableError
from kernels.extent import BATCH, literal
from kernels.fuse import Loop, schedule
from kernels.memory import memory
from kernels.operators import OPERATORS
from kernels.operators.table import Rule
from kernels.oracle import evaluate
from kernels.primitives.base import Value, leaf
from kernels.primitives.concat import concat
from kernels.primitives.map import apply, cast
from kernels.primitives.reduce import reduce
from kernels.primitives.reshape import Reshape
from kernels.primitives.slice import part_along
from kernels.primitives.view import View
from kernels.procedure import Procedure
from kernels.program import Program, program

Function = Callable[..., Any]


def built(block: Any, *shapes: tuple[int, ...]) -> Program:
    return program(trace(block, *map(nd.ones, shapes)), {})


def part(x: nd.NDArray, begin: int) -> nd.NDArray:
    return nd.slice_axis(x, axis=1, begin=begin, end=begin + 2)


# From a function of x (5, 4) to the arrays that backward reads besides the heads: what is cheap is computed again.
KEPT: dict[str, tuple[Function, list[tuple[str, str]]]] = {
    "nothing of a sum": (lambda x: x * 2 + 1, []),
    "the input of a product": (lambda x: x * x, [("x0", "(n, 4)")]),
    "a result": (nd.tanh, [("y", "(n, 4)")]),
    "what is behind a reshape": (
        lambda x: nd.batch_dot(nd.exp(x).reshape((0, 2, 2)), nd.sin(x).reshape((0, 2, 2))),
        [("exp_value", "(n, 4)"), ("x0", "(n, 4)"), ("sin_value", "(n, 4)")],
    ),
    "what a slice is of": (lambda x: nd.dot(part(x, 0), part(x, 1), transpose_b=True), [("x0", "(n, 4)")]),
    "what a view is of": (
        lambda x: nd.dot(nd.broadcast_to(nd.slice_axis(x, axis=1, begin=1, end=2), shape=(0, 4)), x, transpose_b=True),
        [("x0", "(n, 4)")],
    ),
}


@pytest.mark.parametrize("name", KEPT)
def test_what_backward_reads(name: str, layer: Any) -> None:
    function, expected = KEPT[name]
    made = built(layer(function), (5, 4))
    assert [(key, re.sub(r"'|\"", "", str(tuple(map(str, value.shape))))) for key, value in made.kept] == expected


@pytest.mark.parametrize(
    ("name", "procedures"),
    [
        ("nothing of a sum", ["backward"]),
        ("a result", ["backward"]),
        ("what is behind a reshape", ["forward_recorded", "backward"]),
    ],
)
def test_forward_is_compiled_again_where_it_has_more_to_keep(name: str, procedures: list[str], layer: Any) -> None:
    assert [one.name for one in built(layer(KEPT[name][0]), (5, 4)).training] == procedures


def test_a_view_of_a_view_of_what_is_reshaped_is_memory_under_another_shape() -> None:
    x = apply("exponential", leaf("x", (BATCH, literal(4)), "float32"))
    views = [x]
    for _ in range(3):
        views.append(Value(View((0, 1), x.shape), (views[-1],), x.shape, x.dtype))
    flat = (BATCH, literal(2), literal(2))
    names, temporaries = memory((), (("y", apply("sine", Value(Reshape(flat), (views[-1],), flat, x.dtype))),))
    assert all(id(view) in names for view in views)
    assert list(temporaries.values()) == [x]


@pytest.mark.parametrize(("pieces", "temporaries"), [(32, 0), (33, 1)])
def test_an_expression_says_no_more_than_32_moved_reads(pieces: int, temporaries: int) -> None:
    x = leaf("x", (BATCH, literal(40)), "float32")
    joined = concat([part_along(x, 1, literal(place), literal(1)) for place in range(pieces)], 1)
    assert len(memory((("x", x),), (("y", apply("sine", joined)),))[1]) == temporaries


@pytest.mark.parametrize(("pieces", "temporaries"), [(5, []), (6, ["joined"])])
def test_reads_that_are_moved_twice_count_as_often(pieces: int, temporaries: list[str]) -> None:
    x = leaf("x", (BATCH, literal(40)), "float32")
    inner = apply("negative", concat([part_along(x, 1, literal(place), literal(1)) for place in range(pieces)], 1))
    outer = concat([part_along(inner, 1, literal(place % pieces), literal(1)) for place in range(6)], 1)
    assert list(memory((("x", x),), (("y", apply("sine", outer)),))[1]) == temporaries


@pytest.mark.parametrize(("function", "temporaries"), [("negative", []), ("exponential", ["exponential"])])
def test_what_is_cheap_is_computed_where_it_is_read(function: str, temporaries: list[str]) -> None:
    value = apply(function, leaf("x", (BATCH, literal(4)), "float32"))
    difference = apply("subtract", *(part_along(value, 1, literal(place), literal(1)) for place in (0, 3)))
    assert list(memory((), (("y", difference),))[1]) == temporaries


def test_an_index_says_first_what_is_added(layer: Any) -> None:
    assert "= x0[n - i - 1, j]" in print_kernels(built(layer(lambda x: nd.flip(x, axis=0)), (5, 4)))


def test_scalars_begin_in_their_own_dtype(layer: Any) -> None:
    """Also where nothing is said of them unless a gradient is wanted."""

    def forward(x: nd.NDArray, y: nd.NDArray) -> list[nd.NDArray]:
        wide = x.astype("float64")
        total, mean = (one.reshape((1, 1)) for one in (nd.square(wide).sum(), wide.mean()))
        products = nd.broadcast_mul(wide, total), nd.broadcast_mul(y.astype("float64"), mean)
        return [product.astype("float32") for product in products]

    backward = print_kernels(built(layer(forward, 2), (5, 4), (5, 4))).partition("def backward")[2]
    begun, _, conditional = backward.partition("    if want_")
    numbers = re.findall(r"^ +(\w+) = (zero|\w+\(0\.0\))$", begun, re.MULTILINE)
    assert numbers
    assert {number for _, number in numbers} == {"float64(0.0)"}
    assert any(f"{name} = " in conditional for name, _ in numbers)


def test_a_second_name_for_a_value_is_a_copy_of_its_dtype() -> None:
    y = apply("exponential", x := leaf("x", (BATCH, literal(4)), "float64"))
    plan = schedule(Procedure("forward", (("x", x),), (("y0", y), ("y1", y), ("y2", x))))
    copies = [target for stage in plan.stages if isinstance(stage, Loop) for target in stage.targets]
    assert [(plan.names[id(copy)], copy.dtype, copy.shape) for copy in copies] == [
        (name, "float64", x.shape) for name in ("y0", "y1", "y2")
    ]


def test_whole_numbers_are_combined_in_their_own_dtype(layer: Any) -> None:
    text = print_kernels(built(layer(lambda x: (lambda k: [k.prod(axis=1), k.sum()])(x.astype("int32"))), (5, 4)))
    assert re.search(r"(y0_here) = int32\(\1 \* copy\)", text)
    assert re.search(r"(\w+) = int32\(\1 \+ copy\)", text)


def test_reductions_of_whole_numbers_begin_in_their_own_dtype(layer: Any) -> None:
    def forward(x: nd.NDArray) -> list[nd.NDArray]:
        whole = x.astype("int32")
        return [whole.prod(axis=1), whole.sum(axis=1), whole.max(axis=1), whole.min(axis=1)]

    begun = re.findall(r"_here = (int32\(-?\d+\))", print_kernels(built(layer(forward), (5, 4))))
    assert begun[:4] == ["int32(1)", "int32(0)", "int32(-2147483648)", "int32(2147483647)"]


def test_the_gradient_of_a_loss_has_the_shape_of_its_array(layer: Any) -> None:
    ((_, slope),) = built(layer(nd.make_loss), (5, 4)).backward.outputs
    assert slope.shape == (BATCH, literal(4))


def test_a_gradient_of_zeros_has_the_dtype_of_its_array(layer: Any) -> None:
    made = program(trace(layer(nd.round), nd.ones((5, 4), dtype="float16")), {})
    assert [(name, value.dtype) for name, value in made.backward.outputs] == [("d_x0", "float16")]


MISREAD: dict[str, Rule] = {
    "another shape": lambda _, inputs: reduce("sum", inputs[0], (1,)),
    "another dtype": lambda _, inputs: cast(inputs[0], "float64"),
}


@pytest.mark.parametrize("name", MISREAD)
def test_a_rule_that_gives_something_else_than_mxnet_is_noticed(
    name: str, layer: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(OPERATORS, "tanh", MISREAD[name])
    with pytest.raises(UncompilableError, match="than MXNet's"):
        built(layer(nd.tanh), (5, 4))


def test_the_gradient_of_a_local_variable_is_called_so(layer: Any) -> None:
    """Other names give way to what begins like the name of a gradient."""
    text = print_kernels(built(layer(lambda x: (lambda a: a * a - x)(nd.abs(x) + 1)), (5, 4)))
    assert re.findall(r"^ +(\w+) = .*head", text, re.MULTILINE)[1:] == ["d_add"]


def test_the_constants_that_a_program_rests_on_are_told_in_order(layer: Any) -> None:
    """A set of names has another order in each process, and the text is the key of the cache."""
    made = dataclasses.replace(built(layer(lambda x: x * 2), (5, 4)), frozen=frozenset("gfedcba"))
    assert "Holds for the values that a, b, c, d, e, f, g had" in print_kernels(made)


def test_entries_are_kept_in_the_cache_with_all_that_they_call(layer: Any) -> None:
    made = built(layer(nd.tanh), (5, 4))
    text = print_kernels(made) + print_entries(made, [made.forward, *made.training])
    assert re.findall(r"^@\w.*(?=\ndef enter_)", text, re.MULTILINE) == [
        "@cfunc(ENTRY, cache=True, pipeline_class=Whole)"
    ] * text.count("\ndef enter_")
    assert "cache=True" not in print_kernels(made)


def test_a_cast_is_one_for_the_oracle_too() -> None:
    x = leaf("x", (literal(3),), "float64")
    numbers = {"x": np.array([1.7, -2.5, 1e9])}
    with np.errstate(over="ignore"):
        whole, half, same = evaluate([cast(x, "int32"), cast(x, "float16"), apply("negative", x)], numbers, 1)
    assert (whole.dtype, half.dtype, same.dtype) == (np.int32, np.float16, np.float64)
    assert whole.tolist() == [1, -2, 1000000000]
    assert half.tolist() == [1.7001953125, -2.5, np.inf]


# Whether the printed block may be wrong for another shape.
SHAPED: dict[str, tuple[Function, bool]] = {
    "attributes that mean the same for any shape": (lambda x: nd.softmax(nd.relu(x), axis=1), False),
    "a number that may have been a length": (lambda x: x / 4, True),
    "a number of elements": (lambda x: x.reshape((-1, 2)), True),
}


@pytest.mark.parametrize("name", SHAPED)
def test_whether_a_printed_block_is_for_one_shape(name: str, layer: Any) -> None:
    function, expected = SHAPED[name]
    graph = trace(layer(function), nd.ones((5, 4)))
    assert depends_on_shape(graph) == expected
    assert depends_on_shape(dataclasses.replace(graph, polymorphic=False))


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_entries_ask_for_what_their_machine_code_calls_by_name(dtype: str, layer: Any) -> None:
    x = nd.ones((5, 4), dtype=dtype)
    made = program(trace(layer(lambda x: nd.dot(x, x, transpose_a=True)), x), {})
    asked = re.findall(r"^library\((.*)\)", print_entries(made, [made.forward]), re.MULTILINE)
    assert asked == [f'"product", "{dtype}"']
    assert "library(" not in print_kernels(made)
    other = built(layer(nd.tanh), (5, 4))
    assert "library(" not in print_entries(other, [other.forward])
