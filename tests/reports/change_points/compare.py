"""Compares ways to find changes in series over commits: prints the tables of docs/regressions.md.

    .venv/bin/python tests/reports/change_points/compare.py [--tcpd FOLDER] [METHOD ...]

``FOLDER`` is a copy of github.com/alan-turing-institute/TCPD: series that people have labelled.  apache-otava joins if
it is installed (``pip install --no-deps apache-otava``: it asks for NumPy 2 and works with NumPy 1).
"""

import argparse
import sys
import time
from collections.abc import Iterable
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import numpy as np

sys.path[:0] = [str(Path(__file__).resolve().parents[i]) for i in (1, 3)]

from change_points.methods import METHODS, Method  # noqa: E402
from change_points.people import agreement, labelled  # noqa: E402
from change_points.score import Score, Slopes, found_in, scored  # noqa: E402
from change_points.synthetic import clean, creeps, steps, wandering  # noqa: E402

SEED = 20260304


def total(scores: Iterable[Score]) -> Score:
    """The sum of scores."""
    whole = Score()
    for score in scores:
        for name, value in vars(score).items():
            setattr(whole, name, getattr(whole, name) + value)
    return whole


def main() -> None:
    """Run every method on every series and print the tables."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("methods", nargs="*", help="parts of names")
    parser.add_argument("--tcpd", type=Path)
    parser.add_argument("--copies", type=int, default=6, help="series of each kind, size and noise")
    parser.add_argument("--seed", type=int, default=SEED)
    parser.add_argument("--kinds", action="store_true", help="also by kind of noise and by size of step")
    options = parser.parse_args()
    chosen = {name: m for name, m in METHODS.items() if not options.methods or any(p in name for p in options.methods)}
    print(", ".join(f"{name} {_version(name)}" for name in ("numpy", "scipy", "ruptures", "asv", "apache-otava")))
    table: list[list[str]] = []
    kinds: list[list[str]] = []
    for name, method in chosen.items():
        table.append([name, *_figures(method, options, kinds, name)])
        print("|", " | ".join(table[-1]), "|", flush=True)
    if options.kinds:
        for row in kinds:
            print("|", " | ".join(row), "|")


def _figures(method: Method, options: argparse.Namespace, kinds: list[list[str]], name: str) -> list[str]:
    changed = scored(method, steps(options.copies, options.seed))
    still = scored(method, clean(options.copies * 5, options.seed))
    slow = scored(method, wandering(options.copies * 5, options.seed))
    kinds += [[name, kind, f"{s.precision:.2f}", f"{s.recall:.2f}"] for kind, s in changed.items()]
    kinds += [[name, kind, f"{s.false_per_1000:.0f}"] for kind, s in still.items()]
    if options.kinds:
        kinds += _by_size(method, options, name)
    whole, none = total(changed.values()), total(still.values())
    slopes = Slopes()
    for one in creeps(options.copies * 4, options.seed):
        slopes.add(found_in(method, one.values), one.truth[0])
    figures = [
        *(f"{whole.precision:.3f}", f"{whole.recall:.3f}", f"{whole.f1:.3f}"),
        *(f"{none.false_per_1000:.0f}", f"{total(slow.values()).false_per_1000:.0f}"),
        *(f"{np.mean(whole.away):.2f}", f"{100 * np.median(whole.wrong):.0f} %"),
        f"{100 * whole.ranges / max(whole.hits, 1):.0f} %",
        f"{100 * slopes.seen / slopes.series:.0f} %",
        f"{100 * slopes.named / slopes.series:.0f} %",
        f"{slopes.parts / slopes.series:.1f}",
        f"{seconds_per_1000(method, 200):.1f}",
        f"{seconds_per_1000(method, 1000):.0f}",
    ]
    if options.tcpd:
        figures += agreement(method, labelled(options.tcpd))
    return figures


def _by_size(method: Method, options: argparse.Namespace, name: str) -> list[list[str]]:
    """Recall by size of the step ÷ deviation of the noise."""
    rows: dict[float, Score] = {}
    for one in steps(options.copies, options.seed):
        ratio = round(one.about["size"] / one.about["deviation"], 1)
        rows.setdefault(ratio, Score()).add(found_in(method, one.values), one.truth)
    return [[name, f"step of {ratio:g} deviations", f"{rows[ratio].recall:.2f}"] for ratio in sorted(rows)]


def seconds_per_1000(method: Method, commits: int, series: int = 12) -> float:
    """Processor seconds for 1,000 series, half of them with steps."""
    random = np.random.default_rng(1)
    made = [random.normal(0, 0.02, commits) for _ in range(series)]
    for number, values in enumerate(made[::2]):
        values[commits // (number + 2) :] += 0.1
    method(made[0])
    started = time.process_time()
    for values in made:
        method(values)
    return (time.process_time() - started) / series * 1000


def _version(name: str) -> str:
    try:
        return version(name)
    except PackageNotFoundError:
        return "(not installed)"


if __name__ == "__main__":
    main()
