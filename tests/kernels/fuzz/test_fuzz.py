"""Random graphs agree: a bounded number always, as many as wanted with ``--graphs 0:20000`` (docs/development.md)."""

import dataclasses
import re
from collections import Counter
from typing import Any

import hypothesis
import pytest
from hypothesis import HealthCheck, given, settings
from mxnet import nd

from kernels import KernelError, jit
from kernels.primitives.map import FUNCTIONS
from kernels.primitives.reduce import COMBINATIONS

from .graphs import Fuzzed, Given, Plan
from .plans import plans
from .verdict import Refused, problems
from .vocabulary import known_words

CHUNK = 100  # graphs of one test when many are asked for; one of them is compiled as well
ALWAYS = 200  # graphs of every run of the tests
COMPILED = 4

BOUNDED = settings(
    deadline=None,
    database=None,
    suppress_health_check=list(HealthCheck),
    phases=(hypothesis.Phase.generate, hypothesis.Phase.shrink),
)
REFUSALS: Counter[str] = Counter()


def check(plan: Plan, compiled: bool = False) -> None:
    try:
        found = problems(plan, compiled)
    except Refused as refusal:
        REFUSALS[re.sub(r"at \S+ |\d+", "", str(refusal))] += 1
        return
    assert found == []


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """One test for each chunk of the graphs that are asked for."""
    if "chunk" in metafunc.fixturenames:
        asked = metafunc.config.getoption("--graphs")
        begin, end = map(int, asked.split(":")) if asked else (0, 0)
        metafunc.parametrize("chunk", range(begin, end, CHUNK) if asked else [-1])


def run(chunk: int, graphs: int, compiled: bool) -> None:
    test = given(plans())(lambda plan: check(plan, compiled))
    phases = BOUNDED.phases[:1] if compiled else BOUNDED.phases  # to shrink what Numba compiles takes too long
    test = settings(BOUNDED, max_examples=graphs, derandomize=chunk < 0, phases=phases)(test)
    (test if chunk < 0 else hypothesis.seed(chunk)(test))()


def test_random_graphs_agree(chunk: int) -> None:
    run(chunk, ALWAYS if chunk < 0 else CHUNK, compiled=False)


def test_random_graphs_agree_compiled(chunk: int) -> None:
    run(chunk, COMPILED if chunk < 0 else 1, compiled=True)


PLANTED = {
    "a gradient without its sign": ("elemwise_sub", FUNCTIONS, "subtract", {"gradient": lambda y, g, x: [g, g]}),
    "the other of two equal operands": (
        "_maximum", FUNCTIONS, "maximum", {"gradient": lambda y, g, x: FUNCTIONS["add"].gradient(y, g, x)}
    ),
    "a printed constant": ("sigmoid", FUNCTIONS, "sigmoid", {"code": "1 / (1.0001 + exp(-a))"}),
    "a NaN that is lost": ("max", COMBINATIONS, "largest", {"step": "a if a > total else total"}),
}  # fmt: skip


@pytest.mark.parametrize("mistake", PLANTED)
def test_a_planted_mistake_is_found(mistake: str, monkeypatch: pytest.MonkeyPatch) -> None:
    operator, table, name, changes = PLANTED[mistake]
    monkeypatch.setitem(table, name, dataclasses.replace(table[name], **changes))
    words = [word for word in known_words() if word.operator in (operator, "_mul_scalar")]
    found: list[Any] = []
    search = given(plans(words))(lambda plan: found.extend(problems(plan)))
    settings(BOUNDED, max_examples=150, derandomize=True)(search)()
    assert found


@pytest.mark.parametrize("shape", [(0,), (0, 3), (3, 0), (2, 0, 3)])
def test_an_extent_of_0_is_refused_in_one_sentence(shape: tuple[int, ...]) -> None:
    plan = Plan((Given(shape[1:], "normal"),), (), (), (0,))
    with pytest.raises(KernelError, match="empty") as raised:
        jit(Fuzzed(plan))(nd.empty(shape, dtype="float64"))
    assert "\n" not in str(raised.value)
