"""Random graphs agree: a bounded number always, as many as wanted with ``--graphs 0:20000`` (docs/development.md)."""

import dataclasses
import re
import sys
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import hypothesis
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis.internal.conjecture import providers
from mxnet import nd

from kernels import KernelError, jit
from kernels.primitives.map import FUNCTIONS
from kernels.primitives.reduce import COMBINATIONS

from .graphs import Fuzzed, Given, Plan, Step
from .plans import plans
from .verdict import Refused, problems
from .vocabulary import Word, known_words

CHUNK = 100  # graphs of one test
ALWAYS = "0:200"  # graphs of every run of the tests
COMPILED = 2  # of a chunk

# Nothing is remembered from one run to the next, and nothing depends on how fast this machine is.
SAME_EVERYWHERE = settings(
    deadline=None,
    database=None,
    suppress_health_check=list(HealthCheck),
    phases=(hypothesis.Phase.generate, hypothesis.Phase.shrink),
)


@pytest.fixture(autouse=True)
def _no_constants_from_modules(monkeypatch: pytest.MonkeyPatch) -> None:
    """A seed means the same graphs everywhere.

    Hypothesis mixes into its draws the numbers that it finds in the source of the local modules that happen to be
    loaded.  If a later release calls its hook otherwise, this fails with an AttributeError.
    """
    monkeypatch.setattr(providers.HypothesisProvider, "_maybe_draw_constant", lambda *_, **__: None)


def check(plan: Plan, compiled: bool = False) -> str:
    """What became of the plan: compared, or refused for which reason."""
    try:
        found = problems(plan, compiled)
    except Refused as refusal:
        return re.sub(r"at \S+ |\d+", "", str(refusal))
    assert found == []
    return "compared"


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """One test for each chunk of the graphs that are asked for."""
    if "chunk" in metafunc.fixturenames:
        begin, end = map(int, (metafunc.config.getoption("--graphs") or ALWAYS).split(":"))
        metafunc.parametrize("chunk", range(begin, end, CHUNK))


def run(use: Callable[[Plan], None], seed: int, graphs: int = CHUNK, words: list[Word] | None = None) -> None:
    """Call ``use`` with so many plans, which the seed determines; what fails is reported for the smallest plan."""
    test = settings(SAME_EVERYWHERE, max_examples=graphs)(given(plans(words))(lambda plan: use(plan)))
    hypothesis.seed(seed)(test)()


def drawn(seed: int) -> list[Plan]:
    """The plans of a chunk."""
    found: list[Plan] = []
    run(found.append, seed)
    return found


def test_random_graphs_agree(chunk: int, record_property: Callable[[str, Any], None]) -> None:
    outcomes: Counter[str] = Counter()
    run(lambda plan: outcomes.update([check(plan)]), chunk)
    record_property("graphs", dict(outcomes))


def test_random_graphs_agree_compiled(chunk: int, record_property: Callable[[str, Any], None]) -> None:
    plans = drawn(chunk)[-COMPILED:]  # the first that Hypothesis draws are small
    record_property("compiled graphs", dict(Counter(check(plan, compiled=True) for plan in plans)))


def test_a_seed_draws_the_same_graphs_whatever_is_loaded(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    before = drawn(0)
    module = ModuleType("full_of_numbers")
    module.__file__ = str(tmp_path / "full_of_numbers.py")
    Path(module.__file__).write_text(f"NUMBERS = {list(range(1000, 2000))}", encoding="utf-8")
    monkeypatch.setitem(sys.modules, module.__name__, module)
    assert drawn(0) == before
    assert drawn(1) != before


FOUND = {
    "nansum multiplies an infinite head by 0": Plan(
        inputs=(Given((), "normal"),),
        parameters=(),
        steps=(Step("log", (0,)), Step("nansum", (1,)), Step("broadcast_mul", (2, 0)), Step("sqrt", (3,))),
        outputs=(4,),
        batch=3,
    ),
    "a product of one NaN": Plan(
        inputs=(Given((1,), "normal"), Given((1,), "special")),
        parameters=(),
        steps=(
            Step("abs", (1,), exact=True),
            Step("_plus_scalar", (2,), (("scalar", 0.5),)),
            Step("prod", (3,), (("axis", (1,)),)),
        ),
        outputs=(4,),
        batch=3,
    ),
    "x / x, whose gradients cancel": Plan(
        inputs=(Given((), "normal"), Given((), "normal")),
        parameters=(),
        steps=(Step("broadcast_div", (1, 1)),),
        outputs=(2,),
        batch=2,
        seed=2,
    ),
}


@pytest.mark.parametrize("name", FOUND)
def test_what_was_found_stays_mended(name: str) -> None:
    assert problems(FOUND[name]) == []


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
    found: list[str] = []
    run(lambda plan: found.extend(problems(plan)), seed=0, graphs=150, words=words)
    assert found


@pytest.mark.parametrize("shape", [(0,), (0, 3), (3, 0), (2, 0, 3)])
def test_an_extent_of_0_is_refused_in_one_sentence(shape: tuple[int, ...]) -> None:
    plan = Plan((Given(shape[1:], "normal"),), (), (), (0,))
    with pytest.raises(KernelError, match="empty") as raised:
        jit(Fuzzed(plan))(nd.empty(shape, dtype="float64"))
    assert "\n" not in str(raised.value)
