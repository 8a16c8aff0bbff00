"""What is said of a case beside its time is the same whenever one looks, and changes with what it is about."""

import os
import stat
from dataclasses import replace

import pytest

import layers
from benchmarks import cases
from benchmarks.grid import Cell
from benchmarks.side_by_side import companions

CELL = Cell("MyDense", "imperative", 4, "cpu", "forward")
MINE = """
from mxnet.gluon import nn

class Mine(nn.Block):
    def forward(self, x):
        return {expression}
"""


def test_companions_are_the_same_whenever_one_looks():
    for cell in (CELL, replace(CELL, variant="numba", mode="train"), replace(CELL, variant="hybridized")):
        assert companions.of(cell, None) == companions.of(cell, None)


@pytest.mark.parametrize(
    ("changes", "operators", "operations", "launches"),
    [
        ({}, ["broadcast_add", "dot", "relu"], 3, 0),
        ({"variant": "hybridized"}, ["broadcast_add", "dot", "relu"], 3, 0),
        ({"variant": "numba"}, [], 0, 1),
        ({"variant": "numba", "mode": "train"}, ["gluonmark_backward"], 1, 2),
    ],
)
def test_what_runs_is_counted(changes, operators, operations, launches):
    found = companions.of(replace(CELL, **changes), None)
    assert (found["operators"], found["operations"], found["launches"]) == (operators, operations, launches)
    assert (found["bytes"] > 0) == bool(operations)


def test_counting_writes_and_deletes_no_file():
    """MXNet's profiler deletes the file that it is told to write into: none may be named that matters."""
    companions.counted(cases.unproved(CELL))
    assert stat.S_ISCHR(os.stat(os.devnull).st_mode)


def of_mine(folder, expression, shape="4,16"):
    folder.mkdir(exist_ok=True)
    (folder / "mine.py").write_text(MINE.format(expression=expression))
    subject = layers.resolve(f"{folder}/mine.py:Mine", (), (shape,))
    found = {}
    for variant in ("imperative", "hybridized", "numba"):
        cell = Cell("Mine", variant, 4, "cpu", "forward")
        found[variant] = companions.of(cell, subject)
    return found


def test_digests_follow_the_code_and_the_inputs_and_nothing_else(tmp_path):
    first, again = (of_mine(tmp_path / name, "x * 2") for name in ("base", "head"))
    assert first == again
    other = of_mine(tmp_path / "other", "x * 3")
    spelt = of_mine(tmp_path / "spelt", "(x * 2)")
    larger = of_mine(tmp_path / "larger", "x * 2", "4,17")
    for variant, base in first.items():
        assert base["inputs"] == other[variant]["inputs"] != larger[variant]["inputs"]
        assert base["code"] != other[variant]["code"]
        generates = variant != "imperative"
        assert (base["generated"] != other[variant]["generated"]) == generates
    assert first["imperative"]["code"] != spelt["imperative"]["code"]


def test_files_that_run_in_a_call_are_found():
    ran = {path.name for path in companions.files_that_run(cases.unproved(CELL))}
    assert {"my_dense.py", "training.py"} <= ran
    assert "half_fourier.py" not in ran


def test_texts_are_kept_apart():
    assert companions.digest([b"ab", b"c"]) != companions.digest([b"a", b"bc"])
