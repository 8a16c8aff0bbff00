"""The examples of every operator: MXNet's own result and gradients against the oracle and the compiled kernels.

The examples of a group stand in one Block, each an output of its own, so that one compilation serves them all; what
disagrees is named by its example.  They are kernels/operators/examples/, one line each.
"""

import re
from collections.abc import Callable
from typing import Any

import mxnet as mx
import numpy as np
import pytest
from mxnet import MXNetError, autograd, nd
from mxnet.gluon import nn

from kernels import KernelError, hybridize, jit, source
from kernels import trace as trace_block
from kernels.graph import INPUT
from kernels.operators import OPERATORS
from kernels.operators.examples import Call, Examples, all_examples
from kernels.operators.names import aliases, registered_names

from .conftest import DRAWN, TOLERANCE, Seeded, by_oracle, disagreements, heads_for, recorded

GROUPS = dict(all_examples())
REFUSED = [(name, label) for name, group in GROUPS.items() for label in group.refused]


@pytest.mark.parametrize("name", GROUPS)
def test_examples_agree_with_mxnet(name: str, agree: Callable[..., list[str]]) -> None:
    group = GROUPS[name]
    block = group.block(group.calls)
    fast = jit(block)
    for batch in group.batches:
        problems = agree(block, *group.draw(batch), compiled=fast)
        named = [
            re.sub(r"output (\d+):", lambda match: f"{block.origins[int(match[1])]}:", problem) for problem in problems
        ]
        assert not named, f"batch {batch}:\n" + "\n".join(named)


@pytest.mark.parametrize("name", GROUPS)
def test_the_oracle_agrees_with_mxnet(name: str) -> None:
    """Without a kernel: where this holds and the test before fails, it is not the operator's rule that is wrong."""
    group = GROUPS[name]
    block = group.block(group.calls)
    block.initialize(Seeded())
    block.cast(group.dtype)
    for batch in group.batches:
        arrays = group.draw(batch)
        heads = heads_for(block, arrays)
        inputs = [nd.array(array, dtype=array.dtype) for array in arrays]
        names = [node.key for node in trace_block(block, *inputs).leaves_of(INPUT)]
        truth = recorded(block, block, names, arrays, heads)
        assert disagreements(truth, by_oracle(block, arrays, heads), TOLERANCE[group.dtype]) == []


# What a symbolic graph has no way to say: an optional array without the one before it, running statistics that are
# computed, and one array that two operators write into.
NOT_SYMBOLIC = {
    "alignment: CTCLoss",
    "statistics: normalisation by running statistics",
    "statistics: batch normalisation, last axis",
}


@pytest.mark.parametrize("name", sorted(set(GROUPS) - NOT_SYMBOLIC))
@pytest.mark.filterwarnings("ignore:.* not used by any computation:UserWarning")
def test_hybridized_examples_agree_with_mxnet(name: str) -> None:
    group = GROUPS[name]
    block = group.block(group.calls)
    block.initialize(Seeded())
    block.cast(group.dtype)
    hybrid = hybridize(block)
    for batch in group.batches:
        arrays = [nd.array(array, dtype=array.dtype) for array in group.draw(batch)]
        ways = []
        for way in (block, hybrid):
            mx.random.seed(DRAWN)
            ways.append(way(*arrays))
        for origin, right, found in zip(block.origins, *ways, strict=True):
            assert (found.dtype, found.shape) == (right.dtype, right.shape), origin
            np.testing.assert_allclose(found.asnumpy(), right.asnumpy(), rtol=1e-5, atol=1e-6, err_msg=origin)


# Operators that no example calls, from the places where F keeps such: the hybridized variant knows all of MXNet's.
ELSEWHERE: dict[str, Call] = {
    "image": lambda x: nd.image.normalize(x, mean=0.5, std=2.0),
    "linalg": lambda x: nd.linalg.sumlogdiag(nd.abs(x)),
    "random": lambda x: nd.random.normal_like(x),
    "_internal": lambda x: nd._internal._hypot_scalar(x, scalar=2.0),
    "contrib": lambda x: nd.contrib.div_sqrt_dim(x),
}


@pytest.mark.parametrize("place", ELSEWHERE)
def test_hybridized_variants_call_what_numba_variants_do_not_know(place: str, layer: Any) -> None:
    block, x = layer(ELSEWHERE[place]), nd.random.normal(shape=(2, 3, 4, 4))
    mx.random.seed(DRAWN)
    expected = block(x).asnumpy()
    mx.random.seed(DRAWN)
    assert np.array_equal(hybridize(block)(x).asnumpy(), expected)
    assert f"F.{place}." in source(block, "hybridized", x.shape)


def test_the_table_has_the_names_that_a_trace_sees() -> None:
    assert [name for name in OPERATORS if registered_names()[name] != name] == []
    assert aliases("max") == ["max_axis"]


PLACES = {
    "whole": [[0, 2, 1], [0, 5, -1], [-4, 3, 100], [-3, -2, -7]],
    "fractions": [[1.7, -0.3, 2.9], [-1.5, -2.9, 3.5]],
}
CHOSEN = {
    "take clipped": lambda table, at: nd.take(table, at, axis=1),
    "take wrapped": lambda table, at: nd.take(table, at, mode="wrap"),
    "Embedding": lambda table, at: nd.Embedding(at, table, input_dim=3, output_dim=2),
    "pick clipped": lambda table, at: nd.pick(table, at),
    "pick wrapped": lambda table, at: nd.pick(table, at, mode="wrap"),
    "one_hot": lambda _, at: nd.one_hot(at, depth=3),
    "gather_nd from the end": lambda table, at: nd.gather_nd(table, nd.clip(at, -3, 2).expand_dims(0)),
}


@pytest.mark.parametrize("dtype", ["float32", "float64", "int32", "int64", "int8"])
@pytest.mark.parametrize("chosen", CHOSEN.values(), ids=CHOSEN)
def test_places_outside_an_axis_mean_what_they_mean_to_mxnet(chosen: Call, dtype: str, layer: Any) -> None:
    """Forward alone: MXNet's backward writes outside the array for some of them."""
    table = nd.array([[1, 2], [3, 4], [5, 6]], dtype="float32")
    subject = layer(chosen, 2)
    fast = jit(subject, strict=True)
    for numbers in PLACES["whole"] + (PLACES["fractions"] if dtype.startswith("float") else []):
        at = nd.array(numbers, dtype=dtype)
        assert np.array_equal(fast(table, at).asnumpy(), subject(table, at).asnumpy()), numbers


def test_places_outside_an_axis_wrap_around_where_mxnet_has_an_error(layer: Any) -> None:
    table, at = nd.array([[1, 2], [3, 4], [5, 6]]), nd.array([[3, -4, 2, -1]])
    table.attach_grad()
    fast = jit(layer(nd.gather_nd, 2), strict=True)
    with pytest.raises(KernelError, match="index -4 is out of bounds for axis 0 with size 3"):
        fast(table, at)  # a trace calls MXNet
    fast(table, nd.array([[2, -1, 0, 0]]))
    with autograd.record():
        y = fast(table, at)
    y.backward()
    assert y.asnumpy().tolist() == [[1, 2], [5, 6], [5, 6], [5, 6]]
    assert table.grad.asnumpy().tolist() == [[1, 1], [0, 0], [3, 3]]


def test_a_take_that_checks_its_places_is_left_to_mxnet(layer: Any) -> None:
    network = nn.Sequential()
    network.add(layer(lambda at: nd.take(nd.arange(4), at, mode="raise")), nn.Dense(2, in_units=2))
    network.initialize()
    fast, at = jit(network), nd.array([[3, 0]])
    assert np.allclose(fast(at).asnumpy(), network(at).asnumpy())
    with pytest.raises(MXNetError, match="out of bound"):
        fast(at + 1).asnumpy()


def traced_operators(group: Examples) -> set[str]:
    block = group.block(group.calls)
    block.initialize()
    block.cast(group.dtype)
    arrays = [nd.array(array, dtype=array.dtype) for array in group.draw(group.batches[0])]
    return {call.operator for call in trace_block(block, *arrays).calls}


def test_every_operator_has_an_example() -> None:
    called = {operator for group in GROUPS.values() for operator in traced_operators(group)}
    assert {registered_names()[name] for name in OPERATORS} - called == set()


@pytest.mark.parametrize(("name", "label"), REFUSED)
def test_what_a_rule_refuses_is_refused_in_one_sentence(name: str, label: str) -> None:
    group = GROUPS[name]
    block = group.block({label: group.refused[label]})
    block.initialize()
    with pytest.raises(KernelError, match=r"cannot compile \w+ at \w+\.py:\d+ ") as raised:
        jit(block)(*(nd.array(array, dtype=array.dtype) for array in group.draw(group.batches[0])))
    assert "\n" not in str(raised.value)


def test_an_operator_without_a_rule_is_refused_in_one_sentence(layer: Any) -> None:
    message = r"calls the operator khatri_rao at test_operators.py:\d+, which the numba variant does not know"
    with pytest.raises(KernelError, match=message) as raised:
        jit(layer(lambda x: nd.khatri_rao(x, x)))(nd.ones((5, 4)))
    assert "\n" not in str(raised.value)
