"""asv, pytest-benchmark and ``gluonmark bench`` give one figure for one cell: ``make three-ways`` shows it.

The tools' processes run in turns, in random order, for several rounds, and the lowest figure of each counts: a shared
machine that changes its speed from one second to the next makes figures larger, by more than the tools differ, and
never smaller.  Measured after ``make setup``, on committed code (asv installs the last commit), on a machine with
nothing else to do.
"""

import argparse
import json
import random
import re
import subprocess
import sys
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path

import asv.util
import pandas as pd

from benchmarks import grid
from benchmarks.grid import Cell
from reports import read
from reports.units import duration

SUITE = Path(__file__).resolve().parents[2]
TOOLS = Path(sys.executable).parent
PERMITTED = 0.10  # the highest figure over the lowest, less 1

# Small and large, every kind of kernel, with the tape and without; one that MXNet itself runs.
CELLS = (
    "CenteredLayer-numba-1-cpu-forward",
    "CenteredLayer-imperative-16-cpu-forward",
    "HalfFourier-numba-1-cpu-forward",
    "LearnedAffine-numba-256-cpu-forward",
    "MyDensePair-numba-16-cpu-forward",
)


def by_asv(cells: Sequence[Cell], folder: Path) -> None:
    """Writes asv's result file of its last commit into ``folder``: one sample, as ``--quick`` takes it."""
    configuration = asv.util.load_json(SUITE / "asv.conf.json", js_comments=True)
    configuration |= {"repo": str(SUITE), "benchmark_dir": str(SUITE / "benchmarks"), "results_dir": str(folder)}
    configuration["env_dir"] = str(SUITE / configuration["env_dir"])
    written = folder.parent / "asv.conf.json"
    written.write_text(json.dumps(configuration), encoding="utf-8")
    wanted = "|".join(re.escape(", ".join(map(repr, cell.parameters.values()))) for cell in cells)
    _run("asv", "run", "--config", str(written), "--quick", "--bench", rf"time_case\(({wanted})\)", "HEAD^!")


def by_pytest(cells: Sequence[Cell], folder: Path) -> None:
    """Writes pytest-benchmark's result file into ``folder``."""
    chosen = " or ".join(cell.id for cell in cells)
    _run("pytest", "benchmarks/with_pytest", "-q", "-k", chosen, f"--benchmark-json={folder / 'results.json'}")


def by_bench(cells: Sequence[Cell], folder: Path) -> None:
    """Writes one result file for each cell into ``folder``: the command measures all combinations of its options."""
    for cell in cells:
        options = {"variants": cell.variant, "batches": cell.batch, "modes": cell.mode, "rounds": 1}
        given = [text for name, value in options.items() for text in (f"--{name}", str(value))]
        _run("gluonmark", "bench", cell.layer, *given, "--format", "csv", folder=folder.parent)


WAYS: dict[str, Callable[[Sequence[Cell], Path], None]] = {
    "asv --quick": by_asv,
    "pytest-benchmark": by_pytest,
    "gluonmark bench": by_bench,
}


def _run(tool: str, *arguments: str, folder: Path = SUITE) -> None:
    done = subprocess.run([TOOLS / tool, *arguments], cwd=folder, capture_output=True, text=True)
    if done.returncode:
        raise SystemExit(f"{tool} failed with {done.returncode}:\n{done.stdout}{done.stderr}")


def figures(way: str, cells: Sequence[Cell]) -> dict[str, float]:
    """The seconds of one call of each cell, as fresh processes of one tool find them."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name) / "results"  # as ``gluonmark bench`` calls it
        folder.mkdir()
        WAYS[way](cells, folder)
        found = read(folder)
    identifiers = found[list(grid.PARAMETER_NAMES)].astype(str).agg("-".join, axis="columns")
    seconds = found["value"].groupby(identifiers).median()
    return {cell.id: float(seconds[cell.id]) for cell in cells}


def measure(cells: Sequence[Cell], rounds: int) -> pd.DataFrame:
    """One row for each cell and round, one column for each tool: the seconds of one call."""
    rows = []
    for number in range(rounds):
        print(f"round {number + 1} of {rounds}", file=sys.stderr)
        found = {way: figures(way, cells) for way in random.sample(list(WAYS), len(WAYS))}
        rows += [{"cell": cell.id, **{way: found[way][cell.id] for way in WAYS}} for cell in cells]
    return pd.DataFrame(rows).set_index("cell")


def judged(seconds: pd.DataFrame) -> pd.DataFrame:
    """The lowest figure of each cell by each tool, and how far the highest of these lies above the lowest."""
    lowest = seconds.groupby(level="cell", sort=False).min()
    return lowest.map(duration).assign(apart=lowest.max(axis="columns") / lowest.min(axis="columns") - 1)


def main() -> None:
    """Print the table; exit with 1 if a cell's tools lie further apart than is permitted."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("cells", nargs="*", default=CELLS, help="such as MyDense-numba-16-cpu-train")
    parser.add_argument("--rounds", type=int, default=9)
    given = parser.parse_args()
    seconds = measure([grid.parse(cell) for cell in given.cells], given.rounds)
    table = judged(seconds)
    print(table.to_string(formatters={"apart": "{:.1%}".format}))
    sys.exit(bool((table["apart"] > PERMITTED).any()))


if __name__ == "__main__":
    main()
