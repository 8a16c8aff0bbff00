"""The grid is one: asv, pytest-benchmark and result files call the same cells by the same names."""

import itertools
import os
import subprocess
import sys
from pathlib import Path

import pytest
from asv_runner.discovery import disc_benchmarks

import layers
from benchmarks import grid
from benchmarks.grid import CaseError, Cell

ROOT = Path(grid.__file__).resolve().parents[1]


def asv_benchmarks():
    return list(disc_benchmarks(str(ROOT / "benchmarks")))


def test_grid_holds_every_layer_and_variant_of_the_catalogue():
    import kernels

    assert layers.names() == grid.LAYERS
    assert grid.VARIANTS == kernels.VARIANTS
    assert len(grid.cells()) == len(set(grid.cells())) == len(grid.LAYERS) * 4 * 3 * 2 * 2


def test_asv_enumerates_the_grid_in_its_order():
    (benchmark,) = asv_benchmarks()
    assert benchmark.param_names == list(grid.PARAMETER_NAMES)
    assert [Cell(*values).id for values in itertools.product(*benchmark._params)] == [c.id for c in grid.cells()]


def test_asv_gets_a_literal_version():
    (benchmark,) = asv_benchmarks()
    assert benchmark.version == "1"


def test_asv_skips_whole_contexts_only():
    (benchmark,) = asv_benchmarks()
    skipped = {Cell(*values) for values in benchmark._skip_tuples}
    assert skipped == {cell for cell in grid.cells() if cell.context in {one.context for one in skipped}}
    assert not any(cell.context == "cpu" for cell in skipped)


def test_pytest_collects_the_same_names():
    command = [sys.executable, "-m", "pytest", "--collect-only", "-q", "benchmarks/with_pytest"]
    # pytest-benchmark takes a process that says so for one of pytest-xdist's, and refuses to measure there; and options
    # of whoever runs these tests would print other lines.
    environment = {name: value for name, value in os.environ.items() if not name.startswith("PYTEST_")}
    collected = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=True).stdout
    names = [line.partition("::")[2] for line in collected.splitlines() if "::" in line]
    assert names == [f"test_case[{cell.id}]" for cell in grid.cells()]


@pytest.mark.parametrize("cell", [*grid.cells(), Cell("My-own-numba-layer", "hybridized-static", 3, "cpu", "train")])
def test_a_name_says_which_cell_it_is(cell):
    assert grid.parse(cell.id) == cell


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("", "layer-variant-batch-context-mode"),
        ("MyDense", "layer-variant-batch-context-mode"),
        ("MyDense-numba-16-cpu", "layer-variant-batch-context-mode"),
        ("MyDense-fast-16-cpu-train", "layer-variant-batch-context-mode"),
        ("MyDense-numba-many-cpu-train", "layer-variant-batch-context-mode"),
        ("MyDense-numba-16-tpu-train", "unknown context 'tpu'"),
        ("MyDense-numba-16-cpu-backward", "unknown mode 'backward'"),
    ],
)
def test_other_names_are_refused(name, message):
    with pytest.raises(CaseError, match=message):
        grid.parse(name)


def test_layer_names_come_from_public_files_alone(tmp_path):
    for name in ("my_dense.py", "_private.py", "notes.md", "a.py"):
        (tmp_path / name).touch()
    assert grid.layer_names(tmp_path) == ("A", "MyDense")
