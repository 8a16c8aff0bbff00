"""What happens to the processes of a block costs what it must and no more."""

import os
import signal
import subprocess
import sys
from collections import Counter
from pathlib import Path
from random import Random

import pytest

from benchmarks import grid
from benchmarks.clock import Sampling
from benchmarks.crew import SUITE
from benchmarks.plan import Outside
from benchmarks.side_by_side import arm, pair
from benchmarks.side_by_side.arm import Surroundings
from benchmarks.side_by_side.block import Block
from benchmarks.side_by_side.errors import ArmDeathError, CannotJudgeError
from benchmarks.side_by_side.pair import Patience, agreed, alternating

SHORT = Sampling(warm_up=0.001, window=0.0005, windows=0)

LAYERS = """
import contextlib, os, signal, subprocess, sys, time
from mxnet.gluon import nn

class Fine(nn.Block):
    def forward(self, x):
        print("not an answer")
        return x + 1

class Killed(nn.Block):
    def forward(self, x):
        os.kill(os.getpid(), signal.SIGKILL)

class Leaves(nn.Block):
    def forward(self, x):
        print("out of money", file=sys.stderr)
        os._exit(7)

class Hangs(nn.Block):
    def forward(self, x):
        time.sleep(600)

class Fails(nn.Block):
    def forward(self, x):
        raise ZeroDivisionError("on purpose")

class Asks(nn.Block):
    def forward(self, x):
        return x * int(input())

class Answers(nn.Block):
    def forward(self, x):
        for place in os.listdir("/proc/self/fd"):
            with contextlib.suppress(OSError):
                os.write(int(place), b"not an answer\\n")
        return x

class Closes(nn.Block):
    def forward(self, x):
        os.closerange(0, 1024)
        time.sleep(600)

class Starts(nn.Block):
    def forward(self, x):
        subprocess.Popen(["sleep", "600.25"])
        return x + 1
"""

ALL_FINE = "from mxnet.gluon import nn\n" + "".join(
    f"class {name}(nn.Block):\n    def forward(self, x):\n        return x + 1\n"
    for name in ("Fine", "Killed", "Leaves", "Hangs", "Fails", "Asks", "Answers", "Closes", "Starts")
)


@pytest.fixture
def sides(tmp_path):
    """Where two commits of a repository are: the layers of the first one are fine."""

    def make(*names):
        outside = {name: Outside(f"layers.py:{name}", (), ("2,4",), 2) for name in names}
        for folder, text in (("base", ALL_FINE), ("head", LAYERS)):
            (tmp_path / folder).mkdir()
            (tmp_path / folder / "layers.py").write_text(text)
        where = [Surroundings(SUITE, tmp_path / side, outside, SHORT, 1, "threaded") for side in pair.SIDES]
        return where, grid.cells(names, ["imperative"], [2], ["cpu"], ["forward"])

    return make


def test_every_case_has_samples_of_both_sides_in_turns(sides):
    where, cells = sides("Fine")
    (line,) = Block(where, Random(1)).measured(cells, 4)
    assert line["case"] == "Fine-imperative-2-cpu-forward"
    assert len(line["base"]) == len(line["head"]) == 4
    assert all(value > 0 for side in pair.SIDES for value in line[side])
    assert Counter(line["order"]) == {0: 4, 1: 4}
    assert line["first"] in pair.SIDES
    assert line["start"] > 0
    for side in pair.SIDES:
        assert line["conditions"][side].keys() >= {"load", "steal", "waited", "involuntary", "voluntary", "megahertz"}


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("Killed", "its process died of SIGKILL"),
        ("Leaves", "its process ended with status 7: out of money"),
        ("Hangs", "its process was silent for 20 s and was ended"),
        ("Fails", "ZeroDivisionError: on purpose"),
        ("Asks", "EOFError: EOF when reading a line"),
        ("Answers", "something else than its process wrote to its answers, and it was ended"),
        ("Closes", "its process closed its output and was ended"),
    ],
)
def test_a_case_that_fails_in_one_side_costs_itself_alone(sides, name, reason):
    where, cells = sides("Fine", name)
    patience = Patience(prepare=20) if name == "Hangs" else Patience()
    lines = {line["case"].partition("-")[0]: line for line in Block(where, Random(1), patience).measured(cells, 1)}
    assert lines.keys() == {"Fine", name}
    assert "base" in lines["Fine"]
    assert lines[name].items() >= {"arm": "head", "reason": reason}.items()


def test_building_proves_cases_and_says_what_they_are_made_of(sides):
    where, cells = sides("Fine", "Fails")
    lines = {line["case"].partition("-")[0]: line for line in Block(where, Random(1)).built(cells)}
    assert lines["Fails"]["reason"] == "ZeroDivisionError: on purpose"
    base, head = (lines["Fine"]["companions"][side] for side in pair.SIDES)
    assert base["operators"] == head["operators"] == ["_plus_scalar"]
    assert base["inputs"] == head["inputs"]
    assert base["code"] != head["code"]


def test_a_side_that_does_not_start_ends_the_gate(sides, tmp_path):
    where, cells = sides("Fine")
    (tmp_path / "suite").mkdir()
    broken = Surroundings(tmp_path / "suite", tmp_path, {}, SHORT, 1, "threaded")
    (tmp_path / "suite" / "benchmarks.py").write_text("raise RuntimeError('half a commit')")
    with pytest.raises(
        CannotJudgeError, match=r"the head does not start: its process ended with status 1: .*half a commit"
    ):
        list(Block((where[0], broken), Random(1)).measured(cells, 1))


def test_processes_do_not_outlive_their_block(sides):
    where, _ = sides("Fine", "Hangs")
    with pair.pair(where, Random(1), Patience()) as arms:
        processes = [one.process for one in arms.arms]
        assert all(one.poll() is None for one in processes)
    assert all(one.poll() is not None for one in processes)


def test_what_a_layer_starts_does_not_outlive_its_process(sides, eventually):
    where, (cell,) = sides("Starts")
    with pair.pair(where, Random(1), Patience()) as arms:
        arms.build(cell)
        groups = [one.process.pid for one in arms.arms]
        assert any(_members(group) > 1 for group in groups)
    assert eventually(lambda: [_members(group) for group in groups] == [0, 0])


def _members(group: int) -> int:
    """How many living processes a group has."""
    found = subprocess.run(["ps", "-eo", "pgid=,stat="], check=True, capture_output=True, text=True).stdout
    return sum(line.split()[0] == str(group) and "Z" not in line for line in found.splitlines())


def test_an_order_to_a_process_that_is_gone_does_not_end_this_one():
    program = """if True:
        import os, signal
        from benchmarks import process
        signal.signal(signal.SIGPIPE, signal.SIG_DFL)  # as the command line has it
        reader, writer = os.pipe()
        os.close(reader)
        with process.interruptible():
            try:
                os.write(writer, b"order")
            except BrokenPipeError:
                print("told")
        assert signal.getsignal(signal.SIGPIPE) is signal.SIG_DFL
    """
    done = subprocess.run([sys.executable, "-c", program], cwd=SUITE, check=False, capture_output=True, text=True)
    assert (done.returncode, done.stdout) == (0, "told\n"), done.stderr


def test_a_process_that_is_killed_from_outside_is_named(sides):
    where, (cell,) = sides("Fine")
    with pair.pair(where, Random(1), Patience()) as arms:
        os.kill(arms.arms[0].process.pid, signal.SIGKILL)
        with pytest.raises(ArmDeathError, match="its process died of SIGKILL") as caught:
            arms.measure(cell, 1, Random(1))
    assert caught.value.side == "base"


def test_what_is_drawn_for_a_process_differs_from_process_to_process_and_not_from_gate_to_gate(sides, monkeypatch):
    where, _ = sides("Fine")
    started = []
    monkeypatch.setattr(arm.subprocess, "Popen", lambda *_, env, **__: started.append(len(env[arm.PADDING])) or 1 / 0)
    for seed in (1, 1, 2):
        with pytest.raises(ZeroDivisionError), arm.arm("base", where[0], Random(seed)):
            pass
    assert started[0] == started[1] != started[2]


def test_samples_alternate_so_that_a_drift_costs_neither_side():
    assert alternating(4, 0) == [0, 1, 1, 0, 0, 1, 1, 0]
    assert alternating(3, 1) == [1, 0, 0, 1, 1, 0]


@pytest.mark.parametrize(("calls", "expected"), [((1, 1), 1), ((4, 9), 6), ((9, 4), 6), ((1, 2), 1)])
def test_both_sides_agree_on_the_number_of_calls(calls, expected):
    assert agreed(calls) == expected


def test_a_layer_finds_its_own_repository_before_what_is_installed_of_it(sides, tmp_path):
    where, cells = sides("Fine")
    for side, number in zip(pair.SIDES, (2, 3), strict=True):
        (tmp_path / side / "src" / "typer").mkdir(parents=True)  # an installed package has that name, too
        (tmp_path / side / "src" / "typer" / "__init__.py").write_text(f"FACTOR = {number}")
        layer = ALL_FINE.replace("x + 1", f"x * typer.FACTOR ** {number}")
        Path(tmp_path / side / "layers.py").write_text(f"import typer\n{layer}")
    (line,) = Block(where, Random(1)).built(cells)
    assert "reason" not in line
