"""Series that people have labelled: the Turing Change Point Dataset, and how far a method agrees with them.

Van den Burg and Williams, An Evaluation of Change Point Detection Algorithms (arXiv:2003.06222): F1 with precision
against what any annotator marked and recall the mean over annotators; the start of the series counts as marked by all.
"""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from change_points.methods import Method
from change_points.score import MARGIN


@dataclass(frozen=True)
class Judged:
    """A series and what each annotator marked in it: first points of new levels."""

    name: str
    values: np.ndarray
    marks: tuple[tuple[int, ...], ...]


def labelled(folder: Path) -> Iterator[Judged]:
    """The series of one dimension and positive values whose data the repository holds."""
    for name, people in sorted(json.loads((folder / "annotations.json").read_text()).items()):
        file = folder / "datasets" / name / f"{name}.json"
        if not file.exists():
            continue
        document = json.loads(file.read_text())
        values = np.array([np.nan if v is None else v for v in document["series"][0]["raw"]], dtype="float64")
        if document["n_dim"] == 1 and np.nanmin(values) > 0:
            yield Judged(name, np.log(values), tuple(tuple(marks) for marks in people.values()))


def agreement(method: Method, series: Iterator[Judged]) -> list[str]:
    """The mean F1 over all series, and over those of industrial processes, which look most like benchmarks."""
    scores = {one.name: f1(_marks(method, one.values), one.marks) for one in series}
    like = [score for name, score in scores.items() if name.startswith(("quality_control", "well_log", "run_log"))]
    return [f"{np.mean(list(scores.values())):.2f}", f"{np.mean(like):.2f}" if like else "–"]


def _marks(method: Method, values: np.ndarray) -> list[int]:
    places = np.flatnonzero(np.isfinite(values))
    return [int(places[one.end]) for one in method(values[places])]


def f1(found: list[int], people: tuple[tuple[int, ...], ...]) -> float:
    """Agreement of what was found with what people marked."""
    mine = {0, *found}
    everyone = {0}.union(*people)
    precision = len(_matched(everyone, mine)) / len(mine)
    recall = float(np.mean([len(_matched({0, *marks}, mine)) / len({0, *marks}) for marks in people]))
    return 2 * precision * recall / (precision + recall) if precision + recall else 0.0


def _matched(marked: set[int], found: set[int]) -> set[int]:
    """The marks that have a find of their own within the margin."""
    rest, matched = set(found), set()
    for mark in sorted(marked):
        near = [one for one in rest if abs(one - mark) <= MARGIN]
        if near:
            rest.remove(min(near, key=lambda one: abs(one - mark)))
            matched.add(mark)
    return matched
