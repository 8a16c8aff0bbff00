"""A gate from its commits to its record, however it ends."""

import errno
import itertools
import json
import os
from collections import Counter
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest

from benchmarks import grid
from benchmarks.crew import SUITE
from benchmarks.grid import CaseError
from benchmarks.side_by_side import plan, sides, stages
from benchmarks.side_by_side.errors import CannotJudgeError
from benchmarks.side_by_side.plan import Pace, Plan, Request
from benchmarks.side_by_side.planted import Plant
from benchmarks.side_by_side.record import Record
from reports import verdict

LAYERS = """
from mxnet.gluon import nn

class Doubles(nn.Block):
    def forward(self, x):
        return x * 2

class Halves(nn.Block):
    def forward(self, x):
        return x / 2
"""
SLOWER = LAYERS.replace("x / 2", "(x * 1) / 2")
NAMES = ("Doubles", "Halves")
CASES = [f"{name}-imperative-2-cpu-forward" for name in NAMES]

# One block of all cases, then suspects until somebody ends it.
BRIEF = Pace(samples={0: 1, 1: 2, 2: 3}, first_stage=1e-6, least_blocks=1, least_controls=1, control_every=2)


def asked(**changes):
    request = Request(
        base="HEAD~1",
        layers=[f"layers.py:{name}" for name in NAMES],
        shapes=["2,4"],
        variants=["imperative"],
        modes=["forward"],
    )
    return replace(plan.plan(request), pace=BRIEF, **changes)


def until(words):
    """An ``advance`` that interrupts the gate at a message with these words."""

    def advance(what, _spent):
        if words in what:
            raise KeyboardInterrupt

    return advance


def running(process):
    try:
        state = Path("/proc", str(process), "stat").read_text()
    except OSError:  # it has just ended
        return False
    return state.rpartition(")")[2].split()[0] != "Z"


def lines_of(record):
    return [json.loads(line) for line in record.path.read_text().splitlines()]


def measured(repository, todo, choose=lambda path: [], advance=lambda what, spent: None):
    with closing(Record(repository.root / "results" / "gate.jsonl")) as record:
        stages.run(todo, choose, record, advance)
    return lines_of(record)


@pytest.fixture
def record(tmp_path):
    with closing(Record(tmp_path / "results" / "gate.jsonl")) as found:
        yield found


@pytest.fixture
def two_commits(repository):
    repository.commit(layers=LAYERS)
    repository.commit("Accept-slowdown: Halves-* it is checked", layers=SLOWER)
    return repository


def test_all_cases_then_the_suspects_with_controls_among_them(two_commits):
    asked_for = []

    def choose(path):
        asked_for.extend(json.loads(line) for line in path.read_text().splitlines())
        return [CASES[1]]

    plants = {CASES[1]: Plant("spin", 300.0)}
    header, *lines, end = measured(two_commits, asked(plants=plants), choose, until("stage 2, block 2"))
    assert (header["base"]["commit"], header["head"]["commit"]) == (
        two_commits.git("rev-parse", "HEAD~1"),
        two_commits.git("rev-parse", "HEAD"),
    )
    assert header["head"]["message"] == "Accept-slowdown: Halves-* it is checked"
    assert header["head"]["dirty"] is False
    assert header["cases"] == CASES
    kinds = Counter((line["stage"], line["block"], line["kind"]) for line in lines)
    control = (1, 1, "control")
    assert kinds == {
        (0, 0, "build"): 2,
        (1, 1, "pair"): 2,
        control: 1,
        (2, 1, "pair"): 1,
        (2, 1, "control"): 1,
        (2, 2, "pair"): 1,
    }
    assert len(asked_for) == 1 + 2 + 2 + 1
    assert end.keys() == {"spent", "end"}
    assert end["end"] == "interrupted"
    for line in lines:
        assert len(line["base"]) == len(line["head"]) == BRIEF.samples[line["stage"]]
    reference = min(value for line in lines for value in line["base"])
    for line in lines[2:]:  # a spin lasts as long as it was told to, whatever else happens
        slowed = line["kind"] == "pair" and line["case"] == CASES[1]
        assert (min(line["head"]) > 100 * reference) == slowed
        assert min(line["base"]) < 100 * reference
    built = {line["case"]: line["companions"] for line in lines if line["stage"] == 0}
    assert built[CASES[0]]["base"]["operations"] == built[CASES[0]]["head"]["operations"] == 1
    assert (built[CASES[1]]["base"]["operations"], built[CASES[1]]["head"]["operations"]) == (1, 2)


@pytest.mark.usefixtures("two_commits")
def test_reports_reads_what_was_written(record):
    stages.run(asked(), lambda path: verdict.suspects(verdict.frame(verdict.load(path))), record, until("stage 2"))
    found = verdict.decide(verdict.frame(verdict.load(record.path)))
    assert {case.case for case in found.cases} == set(CASES)
    assert found.header["head"]["subject"] == "Accept-slowdown: Halves-* it is checked"


def test_a_layer_that_one_commit_lacks_is_named_and_the_others_go_on(repository):
    repository.commit(layers=LAYERS, old="from layers import Doubles\nclass Old(Doubles):\n    pass\n")
    repository.git("rm", "--quiet", "old.py")
    repository.commit(new="from layers import Doubles\nclass New(Doubles):\n    pass\n")
    more = plan.plan(Request(base="x", layers=["old.py:Old", "new.py:New"], shapes=["2,4"])).outside
    todo = asked()
    _, *lines, _ = measured(repository, replace(todo, outside={**todo.outside, **more}), advance=until("stage 1"))
    missing = {line["case"]: (line["arm"], line["absent"]) for line in lines if "reason" in line}
    assert missing == {"Old-imperative-2-cpu-forward": ("head", True), "New-imperative-2-cpu-forward": ("base", True)}


def test_a_case_that_the_base_cannot_run_is_named_and_the_others_go_on(repository):
    repository.commit(layers=LAYERS.replace("class Halves", "class Thirds") + "# no Halves\n")
    repository.commit(layers=LAYERS)
    _, *lines, _ = measured(repository, asked(), advance=until("stage 1"))
    (failed,) = [line for line in lines if "reason" in line]
    assert (failed["case"], failed["arm"], failed["stage"]) == (CASES[1], "base", 0)
    assert "has no class 'Halves'" in failed["reason"]
    assert {line["case"] for line in lines if line["stage"] == 1} == {CASES[0]}


def test_a_case_that_fails_in_block_after_block_is_left_alone(record, monkeypatch):
    fails = {"case": CASES[0], "arm": "head", "reason": "on purpose"}
    works = {"case": CASES[1], "base": [1.0], "head": [1.0]}
    asked_for = []

    def measured_cells(_block, cells, _samples, _plants):
        asked_for.append([cell.id for cell in cells])
        return [line for line in (fails, works) if line["case"] in asked_for[-1]]

    monkeypatch.setattr(stages.Block, "measured", measured_cells)
    gate = stages.Gate(asked(), (None, None), record, lambda *_: None, 0.0)
    gate._left = {cell.id: cell for cell in grid.cells(NAMES, ["imperative"], [2], ["cpu"], ["forward"])}
    for number in (1, 2, 3):
        gate._block(stages.SUSPECTS, number, "pair", gate._cases(stages.SUSPECTS, "pair", CASES))
    assert asked_for == [CASES, CASES, CASES[1:]]


@pytest.mark.usefixtures("two_commits")
def test_a_budget_that_is_too_small_says_what_is_enough(record):
    with pytest.raises(
        CannotJudgeError, match=r"a budget of 1 s is too small: after .* 1 blocks of all 2 cases .* --budget \d+m"
    ):
        stages.run(asked(budget=1.0), lambda path: [], record, lambda what, spent: None)
    assert {line.get("stage", 0) for line in lines_of(record)} == {0}


@pytest.mark.usefixtures("two_commits")
def test_a_full_disk_ends_the_gate_and_says_so(record, monkeypatch):
    written = itertools.count()

    def write(line):
        if next(written) >= 4:
            raise CannotJudgeError("the record cannot be written any further: No space left on device")
        return Record.write(record, line)

    monkeypatch.setattr(record, "write", write)
    stages.run(asked(), lambda path: [], record, lambda what, spent: None)
    assert [line.get("stage") for line in lines_of(record)] == [None, 0, 0, 1]


@pytest.mark.parametrize(
    ("changes", "error", "message"),
    [
        ({"base": "nowhere"}, CaseError, "nowhere is no commit"),
        ({"build": "echo it is broken >&2; false"}, CannotJudgeError, "the base does not build: it is broken"),
        ({"build": "test -f new.py"}, CannotJudgeError, "the base does not build: exit status 1"),
        ({"build": "sleep 60", "budget": 0.5}, CannotJudgeError, "the base does not build within the budget of 0.5 s"),
        ({"outside": {}}, CaseError, "name layers of the repository"),
        ({"layers": ("MyDense",)}, CaseError, "catalogue is the same for all of its commits"),
    ],
)
def test_what_cannot_be_compared_is_said_before_anything_is_measured(repository, changes, error, message):
    repository.commit(layers=LAYERS)
    repository.commit(new="")
    with pytest.raises(error, match=message):
        measured(repository, asked(**changes))


def test_what_a_build_leaves_running_is_neither_waited_for_nor_left_behind(repository, tmp_path, eventually):
    repository.commit(readme="")
    server = tmp_path / "server"
    build = f"sleep 600 & echo $! > {server}"
    with pytest.raises(CaseError, match="neither the base nor the head has"):
        measured(repository, asked(base="HEAD", head="HEAD", build=build))
    assert eventually(lambda: not running(int(server.read_text())))


def test_cases_that_fail_do_not_outlast_the_budget(repository):
    repository.commit(layers=LAYERS)
    repository.commit(layers=LAYERS.replace("return x", "return x.nothing"))
    with pytest.raises(
        CannotJudgeError, match=r"1 of 2 cases were built; \w+-imperative.* in the head: AttributeError"
    ):
        measured(repository, asked(budget=1.0))


@pytest.mark.usefixtures("two_commits")
def test_a_system_that_denies_a_process_ends_the_gate_with_what_it_has(record, monkeypatch):
    def denied(*_arguments):
        raise OSError(errno.ENOMEM, os.strerror(errno.ENOMEM))

    def advance(what, _spent):
        if "stage 1, block 1" in what:
            monkeypatch.setattr(stages.Block, "measured", denied)

    stages.run(asked(), lambda path: CASES, record, advance)
    assert lines_of(record)[-1]["end"] == "the system denies what measuring needs: Cannot allocate memory"


def test_without_a_common_case_there_is_nothing_to_judge(repository):
    repository.commit(readme="")
    repository.commit(layers=LAYERS)
    message = r"no case in common: the base lacks layers\.py:Doubles, layers\.py:Halves$"
    with pytest.raises(CannotJudgeError, match=message):
        measured(repository, asked())


def test_a_layer_that_neither_side_has_is_wrong_input(repository):
    repository.commit(readme="")
    with pytest.raises(CaseError, match=r"neither the base nor the head has layers\.py:Doubles"):
        measured(repository, asked(base="HEAD", head="HEAD"))


def test_folders_of_the_same_names_make_no_checkout_of_gluonmark(repository, tmp_path):
    repository.commit(layers=LAYERS, **{"kernels/x": "1", "layers/x": "1", "benchmarks/grid": "theirs"})
    for side in sides.unpacked(asked(base="HEAD", head="HEAD"), tmp_path, tmp_path):
        assert side.where.suite == SUITE
        assert (side.where.root / "benchmarks/grid.py").read_text() == "theirs"


def test_in_a_checkout_of_gluonmark_both_sides_have_the_head_s_definitions(repository, tmp_path):
    rooms = {"gluonmark": "", "kernels/x": "1", "layers/my_dense": "1", "layers/gone": "1", "benchmarks/grid": "old"}
    repository.commit(**rooms)
    repository.git("rm", "--quiet", "layers/gone.py")
    changed = {"kernels/x": "2", "layers/fresh": "2", "benchmarks/grid": "new", "benchmarks/side_by_side/measuring": ""}
    repository.commit(**changed)
    (tmp_path / "work").mkdir()
    todo = Plan(base="HEAD~1", variants=("numba",), batches=(1,), modes=("train",))
    base, head = sides.unpacked(todo, tmp_path / "work", tmp_path)
    assert base.where.suite == base.where.root != head.where.root == head.where.suite
    assert [(side.where.suite / "benchmarks/grid.py").read_text() for side in (base, head)] == ["new", "new"]
    assert [(side.where.suite / "kernels/x.py").read_text() for side in (base, head)] == ["1", "2"]
    found = sides.cases(todo, base, head)
    names = [[cell.layer for cell in cells] for cells in (found.common, found.new, found.gone)]
    assert names == [["MyDense"], ["Fresh"], ["Gone"]]
