"""What was found beside what is true."""

from collections.abc import Iterable
from dataclasses import dataclass, field

import numpy as np

from change_points.methods import Found, Method
from change_points.synthetic import Labelled, Truth

MARGIN = 5  # commits that a change may be found too early or too late


@dataclass
class Score:
    """Sums over series: steps found, missed and false, errors of those found."""

    series: int = 0
    with_false: int = 0
    hits: int = 0
    misses: int = 0
    false: int = 0
    ranges: int = 0
    away: list[int] = field(default_factory=list)
    wrong: list[float] = field(default_factory=list)

    @property
    def precision(self) -> float:
        return self.hits / max(self.hits + self.false, 1)

    @property
    def recall(self) -> float:
        return self.hits / max(self.hits + self.misses, 1)

    @property
    def f1(self) -> float:
        return 2 * self.precision * self.recall / max(self.precision + self.recall, 1e-9)

    @property
    def false_per_1000(self) -> float:
        return 1000 * self.false / max(self.series, 1)

    def add(self, found: list[Found], truth: tuple[Truth, ...]) -> None:
        """Count one series; a true change is found if one of the same direction lies within the margin."""
        rest = list(found)
        for one in truth:
            near = [f for f in rest if _distance(f, one) <= MARGIN and f.size * one.size > 0]
            if not near:
                self.misses += 1
                continue
            best = min(near, key=lambda f: _distance(f, one))
            rest.remove(best)
            self.hits += 1
            self.ranges += best.end - best.begin > 2 * MARGIN
            self.away.append(_distance(best, one))
            self.wrong.append(abs(best.size - one.size) / abs(one.size))
        self.series += 1
        self.false += len(rest)
        self.with_false += bool(rest)


def _distance(found: Found, truth: Truth) -> int:
    """From the range found to the change, 0 inside it; a range wider than the margin counts from its middle."""
    if found.end - found.begin > 2 * MARGIN:
        return abs((found.begin + found.end) // 2 - truth.end)
    return max(found.begin + 1 - truth.end, truth.end - found.end, 0)


def found_in(method: Method, values: np.ndarray) -> list[Found]:
    """What ``method`` finds in a series with gaps, in places of that series."""
    places = np.flatnonzero(np.isfinite(values))
    return [Found(int(places[one.begin]), int(places[one.end]), one.size) for one in method(values[places])]


def scored(method: Method, series: Iterable[Labelled]) -> dict[str, Score]:
    """Scores by kind of series."""
    scores: dict[str, Score] = {}
    for one in series:
        scores.setdefault(one.kind, Score()).add(found_in(method, one.values), one.truth)
    return scores


@dataclass
class Slopes:
    """Sums over series with one gradual change."""

    series: int = 0
    seen: int = 0
    named: int = 0
    parts: int = 0
    outside: int = 0

    def add(self, found: list[Found], truth: Truth) -> None:
        """Seen: something of its direction overlaps it.  Named: one range covers half of it, and little else."""
        over = [f for f in found if f.end >= truth.begin - MARGIN and f.begin <= truth.end + MARGIN]
        self.series += 1
        self.seen += any(f.size * truth.size > 0 for f in over)
        self.parts += len(over)
        self.outside += len(found) - len(over)
        self.named += any(_common(f, truth) >= 0.5 and f.size * truth.size > 0 for f in over)


def _common(found: Found, truth: Truth) -> float:
    """Commits of both ranges ÷ commits of either."""
    both = min(found.end, truth.end) - max(found.begin, truth.begin)
    either = max(found.end, truth.end) - min(found.begin, truth.begin)
    return max(both, 0) / max(either, 1)
