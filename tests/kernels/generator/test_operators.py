"""The examples of every operator: MXNet's own result and gradients against the oracle and the compiled kernels.

The examples of a group stand in one Block, each an output of its own, so that one compilation serves them all; what
disagrees is named by its example.  They are kernels/operators/examples/, one line each.
"""

import re
from collections.abc import Callable
from typing import Any

import pytest
from mxnet import nd

from kernels import KernelError, jit
from kernels import trace as trace_block
from kernels.operators import OPERATORS
from kernels.operators.examples import Examples, all_examples
from kernels.operators.names import registered_names

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
