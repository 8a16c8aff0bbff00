"""Every operator of the table: MXNet's own result and gradients against the oracle and the compiled kernels.

A row is one call of one operator.  Rows that take the same inputs stand in one Block, each an output of its own, so
that one compilation serves them all; what disagrees is named by its row.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest
from mxnet import nd

from kernels import KernelError, jit
from kernels.operators import OPERATORS

Shape = tuple[int, ...]
Row = Callable[..., nd.NDArray]


@dataclass(frozen=True)
class Group:
    """Rows over the same inputs.  ``features``: shapes without the batch; ``parameters``: name → shape."""

    features: tuple[Shape, ...]
    rows: dict[str, Row]
    parameters: tuple[tuple[str, Shape], ...] = ()
    dtype: str = "float32"
    ties: bool = False  # numbers rounded to halves: many are equal, some are zero
    batches: tuple[int, ...] = (5, 1)


def called(name: str) -> Callable[..., nd.NDArray]:
    """The function of that operator, wherever MXNet keeps it."""
    return getattr(nd, name, None) or getattr(nd._internal, name)


ELEMENTWISE = ("elemwise_add", "elemwise_sub", "elemwise_mul", "elemwise_div", "_plus", "_add", "_minus", "_sub",
               "_mul", "_div", "_power", "_maximum", "_minimum", "_greater", "_greater_equal", "_lesser",
               "_lesser_equal", "_equal", "_not_equal")  # fmt: skip
BROADCAST = ("broadcast_add", "broadcast_plus", "broadcast_sub", "broadcast_minus", "broadcast_mul", "broadcast_div",
             "broadcast_power", "broadcast_maximum", "broadcast_minimum", "broadcast_greater",
             "broadcast_greater_equal", "broadcast_lesser", "broadcast_lesser_equal", "broadcast_equal",
             "broadcast_not_equal")  # fmt: skip
SCALARS = ("_plus_scalar", "_minus_scalar", "_rminus_scalar", "_mul_scalar", "_div_scalar", "_rdiv_scalar",
           "_power_scalar", "_rpower_scalar", "_maximum_scalar", "_minimum_scalar", "_greater_scalar",
           "_greater_equal_scalar", "_lesser_scalar", "_lesser_equal_scalar", "_equal_scalar",
           "_not_equal_scalar")  # fmt: skip
UNARY = ("relu", "negative", "abs", "sign", "sqrt", "exp", "log", "sin", "cos", "tanh", "sigmoid", "square")
REDUCTIONS = ("sum", "sum_axis", "max", "max_axis", "min", "min_axis", "prod", "mean", "norm")


def safe(name: str, x: nd.NDArray) -> nd.NDArray:
    """Numbers that the operator is differentiable at."""
    return nd.abs(x) + 0.5 if any(word in name for word in ("div", "power", "sqrt", "log", "prod", "norm")) else x


def binary(names: tuple[str, ...]) -> dict[str, Row]:
    return {name: lambda x, y, name=name: called(name)(safe(name, x), safe(name, y)) for name in names}


def scalar(names: tuple[str, ...], number: float) -> dict[str, Row]:
    return {f"{name} {number}": lambda x, name=name: called(name)(safe(name, x), scalar=number) for name in names}


def unary(names: tuple[str, ...]) -> dict[str, Row]:
    return {name: lambda x, name=name: called(name)(safe(name, x)) for name in names}


def reductions(names: tuple[str, ...], *options: dict[str, Any]) -> dict[str, Row]:
    return {
        f"{name} {option}": lambda x, name=name, option=option: called(name)(safe(name, x), **option)
        for name in names
        for option in options
    }


def products(name: str) -> dict[str, Row]:
    """All four ways to transpose; the operands are square where they have to be."""
    return {
        f"{name} transpose_a={a} transpose_b={b}": lambda x, y, a=a, b=b: called(name)(
            x, y, transpose_a=a, transpose_b=b
        )
        for a in (False, True)
        for b in (False, True)
    }


def dense(**options: Any) -> Row:
    return lambda x, weight, bias: nd.FullyConnected(
        x, weight, *([] if options.get("no_bias") else [bias]), num_hidden=3, **options
    )


AXES = ({}, {"axis": 0}, {"axis": -1, "keepdims": True}, {"axis": (0, 2)}, {"axis": 1, "exclude": True})

GROUPS: dict[str, Group] = {
    "elementwise": Group(((3, 4), (3, 4)), binary(ELEMENTWISE), ties=True),
    "broadcast over the batch": Group(((2, 3),), binary(BROADCAST), (("y", (2, 1)),), ties=True),
    "broadcast both ways": Group(((1, 4), (3, 1)), binary(BROADCAST), ties=True),
    "broadcast in float64": Group(((4,), (1,)), binary(BROADCAST), dtype="float64"),
    "scalars": Group(((4,),), scalar(SCALARS, 1.5), ties=True),
    "other scalars": Group(
        ((4,),),
        scalar(("_power_scalar", "_rpower_scalar", "_mul_scalar"), 2.0)
        | scalar(("_plus_scalar", "_mul_scalar", "_maximum_scalar"), 0.0)
        | scalar(("_plus_scalar", "_mul_scalar", "_rdiv_scalar"), -1.0)
        | scalar(("_power_scalar", "_rpower_scalar", "_minus_scalar"), 0.1)
        | scalar(("_maximum_scalar", "_lesser_scalar"), float("inf"))
        | scalar(("_minimum_scalar", "_greater_scalar"), float("-inf"))
        | scalar(("_mul_scalar", "_plus_scalar"), 1e-30),
    ),
    "scalars in float64": Group(((4,),), scalar(SCALARS, 0.1), dtype="float64"),
    "unary": Group(((3, 2),), unary(UNARY), ties=True),
    "unary, four axes": Group(((2, 3, 2),), unary(UNARY), batches=(2,)),
    "unary in float64": Group(((3,),), unary(UNARY), dtype="float64"),
    "choices": Group(
        ((4,), (4,)),
        {
            "where": lambda x, y: nd.where(x > y, x * 2, y),
            "where by numbers": lambda x, y: nd.where(x, y, x - y),
        },
    ),
    "activations": Group(
        ((4,),),
        {
            f"Activation {kind}": lambda x, kind=kind: nd.Activation(x, act_type=kind)
            for kind in ("relu", "tanh", "sigmoid")
        },
        ties=True,
    ),
    "copies": Group(
        ((4,),),
        {
            "_copy": lambda x: nd.identity(x * 1),
            "identity": lambda x: nd.identity(x),
            "_copyto": lambda x: x.copy() * 2,
        },
    ),
    "reductions": Group(((3, 4),), reductions(REDUCTIONS[:6], *AXES), ties=True),
    "products and means": Group(((3, 4),), reductions(REDUCTIONS[6:8], *AXES)),
    "norms": Group(((3, 4),), reductions(("norm",), *AXES[:4])),
    "means of signed numbers": Group(
        ((3, 4),), {f"mean {option}": lambda x, option=option: nd.mean(x, **option) for option in AXES}, ties=True
    ),
    "norms of order 1": Group(
        ((3, 4),),
        {
            f"norm ord=1 {option}": lambda x, option=option: nd.norm(x, ord=1, **option)
            for option in ({}, {"axis": 1}, {"axis": (0, 2), "keepdims": True})
        },
    ),
    "reductions of four axes": Group(
        ((1, 3, 2),), reductions(REDUCTIONS, {"axis": (1, 2)}, {"axis": (0, 3), "keepdims": True}), batches=(3,)
    ),
    "reductions of rows": Group(
        ((4,),), reductions(REDUCTIONS, {}, {"axis": 1}, {"axis": 0, "keepdims": True}), dtype="float64"
    ),
    "reductions of axes of length 1": Group(
        ((1, 1),), reductions(REDUCTIONS, {"axis": 1}, {"axis": (1, 2)}), batches=(3, 1)
    ),
    "reductions of one axis": Group(((),), reductions(REDUCTIONS, {}, {"axis": 0, "keepdims": True})),
    "dot": Group(
        ((4,),),
        {
            "dot": lambda x, w, v, c: nd.dot(x, w),
            "dot transpose_b": lambda x, w, v, c: nd.dot(x, v, transpose_b=True),
            "dot transpose_a": lambda x, w, v, c: nd.dot(w, x, transpose_a=True, transpose_b=True),
            "dot both over the batch": lambda x, w, v, c: nd.dot(x, x, transpose_a=True),
            "dot with a vector": lambda x, w, v, c: nd.dot(x, c),
            "dot of vectors": lambda x, w, v, c: nd.dot(c, c),
            "dot with a vector first": lambda x, w, v, c: nd.dot(c, w),
        },
        (("w", (4, 3)), ("v", (2, 4)), ("c", (4,))),
    ),
    "dot of higher ranks": Group(
        ((2, 4),),
        {
            "dot 3 by 2": lambda x, w, u: nd.dot(x, w),
            "dot 3 by 3": lambda x, w, u: nd.dot(x, u),
            "dot 2 by 3": lambda x, w, u: nd.dot(x.reshape((-1, 4)), u),
            "dot 3 by 2, transposed": lambda x, w, u: nd.dot(x, w.T, transpose_b=True),
        },
        (("w", (4, 3)), ("u", (4, 2, 3))),
    ),
    "dot of width 1": Group(
        ((1,),),
        {
            "dot 1 by 3": lambda x, w, v, b: nd.dot(x, w) + b,
            "dot 1 by 1": lambda x, w, v, b: nd.dot(x, v),
            "dot to 1": lambda x, w, v, b: nd.dot(nd.dot(x, w), w, transpose_b=True),
        },
        (("w", (1, 3)), ("v", (1, 1)), ("b", (3,))),
        batches=(5, 1),
    ),
    "dot in float64": Group(((4,),), {"dot": lambda x, w: nd.dot(x, w)}, (("w", (4, 3)),), dtype="float64"),
    "batch_dot": Group(((3, 3), (3, 3)), products("batch_dot")),
    "batch_dot of rectangles": Group(((2, 4), (4, 3)), {"batch_dot": lambda x, y: nd.batch_dot(x, y)}),
    "batch_dot of rows": Group(((1, 4), (4, 1)), {"batch_dot": lambda x, y: nd.batch_dot(x, y)}),
    "dense": Group(
        ((4,),),
        {"FullyConnected": dense(), "FullyConnected no_bias": dense(no_bias=True)},
        (("weight", (3, 4)), ("bias", (3,))),
    ),
    "dense of more axes": Group(
        ((2, 4),),
        {"FullyConnected flatten=False": dense(flatten=False)},
        (("weight", (3, 4)), ("bias", (3,))),
    ),
    "dense flattened": Group(
        ((2, 4),),
        {"FullyConnected flatten": dense(), "FullyConnected no_bias": dense(no_bias=True)},
        (("weight", (3, 8)), ("bias", (3,))),
    ),
    "shapes": Group(
        ((2, 6),),
        {
            "Reshape": lambda x: nd.Reshape(x, shape=(0, -1)),
            "reshape": lambda x: nd.reshape(x, shape=(-1,)),
            "reshape -3": lambda x: x.reshape((-3, 0)),
            "reshape -4": lambda x: x.reshape((0, 0, -4, 2, 3)),
            "reshape to unit axes": lambda x: x.reshape((0, 1, 2, 6, 1)),
            "reshape across": lambda x: x.reshape((0, 3, 4)),
            "Flatten": lambda x: nd.Flatten(x),
            "flatten": lambda x: x.flatten(),
            "expand_dims": lambda x: nd.expand_dims(x, axis=0),
            "expand_dims in the middle": lambda x: nd.expand_dims(x, axis=2),
            "expand_dims at the end": lambda x: nd.expand_dims(x, axis=-1),
            "squeeze": lambda x: nd.squeeze(nd.expand_dims(x * 2, axis=1)),
            "squeeze axis": lambda x: nd.squeeze(nd.sum(x, axis=1, keepdims=True), axis=1),
            "reshape_like": lambda x: nd.reshape_like(x.reshape((-1,)), x * 2),
            "transpose": lambda x: nd.transpose(x),
            "transpose axes": lambda x: nd.transpose(x, axes=(0, 2, 1)),
            "transpose axes, summed": lambda x: nd.transpose(x, axes=(2, 0, 1)).sum(axis=1),
            "transpose, then reshape": lambda x: nd.transpose(x, axes=(0, 2, 1)).reshape((0, -1)),
            "reshape, then transpose": lambda x: x.reshape((-1, 6)).T,
            "SwapAxis": lambda x: nd.SwapAxis(x, dim1=1, dim2=2),
            "swapaxes": lambda x: x.swapaxes(0, 2),
        },
        batches=(5, 1),
    ),
    "repetition": Group(
        ((1, 3),),
        {
            "broadcast_to": lambda x, w: nd.broadcast_to(w, shape=(2, 3)),
            "broadcast_axis": lambda x, w: nd.broadcast_axis(x, axis=1, size=4),
            "broadcast_axes": lambda x, w: called("broadcast_axes")(x * 2, axis=1, size=2),
            "broadcast_like": lambda x, w: nd.broadcast_like(x, nd.broadcast_axis(x, axis=1, size=2)),
            "broadcast_to, one axis": lambda x, w: nd.broadcast_to(x, shape=(0, 5, 3)),
        },
        (("w", (1, 3)),),
    ),
}


def inputs(group: Group, batch: int) -> list[np.ndarray]:
    generator = np.random.default_rng(batch)
    drawn = [generator.standard_normal((batch, *features)) for features in group.features]
    return [(np.round(2 * array) / 2 if group.ties else array).astype(group.dtype) for array in drawn]


@pytest.mark.parametrize("name", GROUPS)
def test_operators_agree_with_mxnet(name: str, layer: Any, agree: Callable[..., list[str]]) -> None:
    group = GROUPS[name]
    block = layer(
        lambda *arrays: [row(*arrays) for row in group.rows.values()],
        arity=len(group.features),
        **dict(group.parameters),
    )
    fast = jit(block)
    rows = list(group.rows)
    for batch in group.batches:
        problems = agree(block, *inputs(group, batch), compiled=fast)
        named = [
            problem.replace(f"output {place}:", f"{row}:")
            for problem in problems
            for place, row in enumerate(rows)
            if f"output {place}:" in problem or (place == 0 and "output" not in problem)
        ]
        assert not named, f"batch {batch}:\n" + "\n".join(named)


def test_every_operator_of_the_table_has_a_row() -> None:
    called_by_name = {row.split()[0].rstrip(",") for group in GROUPS.values() for row in group.rows}
    assert set(OPERATORS) - called_by_name == set()


UNSUPPORTED = {
    "an operator without a rule": (
        lambda x: nd.arcsinh(x),
        r"calls the operator arcsinh at test_operators.py:\d+, which",
    ),
    "an activation": (lambda x: nd.Activation(x, act_type="softsign"), r"Activation at .* with act_type='softsign'"),
    "whole numbers": (
        lambda x: x.astype("int32"),
        r"cannot compile _copyto at test_operators.py:\d+ from float32 to int32",
    ),
}


@pytest.mark.parametrize("name", UNSUPPORTED)
def test_what_no_rule_covers_is_refused_in_one_sentence(name: str, layer: Any) -> None:
    function, message = UNSUPPORTED[name]
    with pytest.raises(KernelError, match=message) as raised:
        jit(layer(function))(nd.ones((5, 4)))
    assert "\n" not in str(raised.value)
