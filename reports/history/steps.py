"""Divides one series into levels, and keeps the changes between them that stand a test."""

from dataclasses import dataclass

import numpy as np
import ruptures
from scipy import special

from reports.history.noise import FARTHEST, separated, wandering


@dataclass(frozen=True)
class Limits:
    """What counts as a change."""

    smallest: float = 0.01  # change of the logarithm: about 1 %
    error: float = 0.01  # chance that noise alone makes one such change anywhere in a series
    points: int = 2  # that a level needs
    penalty: float = 2.0  # for one more change, in log(points) and variances: the criterion of Schwarz
    window: int = 50  # points beside a change that test it: further away a series may have wandered
    noiseless: float = 1e-4  # deviation of a series that has none, in logarithm
    own: int = 8  # points on one side that count as much for the noise there as the whole series


LIMITS = Limits()
SAME = special.chdtri(1, 0.05) / 2  # loss of log likelihood inside a 95 % set


@dataclass(frozen=True)
class Change:
    """A series left one level at ``begin`` (its last point there) and was at another by ``end``; sizes in logarithm."""

    begin: int
    end: int
    size: float
    error: float  # standard error of ``size``
    freedom: float  # degrees of freedom of that error
    chance: float  # that noise alone makes one as clear as this somewhere in the series
    before: float
    after: float
    earliest: int  # what else may be the first point of the new level
    latest: int


@dataclass(frozen=True)
class Series:
    """One series: ``values`` as measured and ``clean`` of outliers, both logarithms without gaps, and its noise, the
    deviation of one point.
    """

    values: np.ndarray
    clean: np.ndarray
    noise: float
    limits: Limits

    @classmethod
    def of(cls, values: np.ndarray, limits: Limits = LIMITS) -> "Series":
        """The series of ``values`` (float64, [points], logarithms, none missing)."""
        return cls(values, *separated(values, limits.noiseless), limits)


def steps(series: Series) -> list[Change]:
    """The steps of ``series``, oldest first: the best division into levels, less what does not stand the test."""
    if len(series.values) < 2 * series.limits.points:
        return []
    bounds = _divided(series)
    wander = wandering(series.clean, bounds)
    kept = [step.end for step in _supported(series, bounds, wander)]
    return _supported(series, _settled(series, kept), wander)


def _supported(series: Series, bounds: list[int], wander: float) -> list[Change]:
    """The changes at ``bounds``, the least certain taken away until all stand the test, and then the smallest.

    Those beside one that was taken away are tested again at once, all others when nothing else is left to take away.
    """
    bounds = list(bounds)
    found = _tested(series, bounds, wander, range(len(bounds)))
    fresh = True
    while bounds:
        weakest = _weakest(found, series.limits)
        if weakest is None and fresh:
            return found
        if weakest is None:
            found = _tested(series, bounds, wander, range(len(bounds)))
        else:
            del bounds[weakest], found[weakest]
            beside = range(max(weakest - 1, 0), min(weakest + 1, len(bounds)))
            found[beside.start : beside.stop] = _tested(series, bounds, wander, beside)
        fresh = weakest is None
    return []


def _weakest(found: list[Change], limits: Limits) -> int | None:
    """Which change to take away: the least certain, or if all are certain the smallest, if it is too small."""
    doubtful = max(range(len(found)), key=lambda i: (found[i].chance, -abs(found[i].size)))
    if found[doubtful].chance > limits.error:
        return doubtful
    small = min(range(len(found)), key=lambda i: abs(found[i].size))
    return small if abs(found[small].size) < limits.smallest else None


def _divided(series: Series) -> list[int]:
    """First points of levels, by the best division of the whole series."""
    scaled = (series.clean - np.median(series.clean)) / series.noise
    model = ruptures.KernelCPD(kernel="linear", min_size=series.limits.points)
    penalty = series.limits.penalty * np.log(len(scaled))
    return list(map(int, model.fit(scaled[:, None]).predict(pen=penalty)[:-1]))


def _settled(series: Series, bounds: list[int]) -> list[int]:
    """Each bound at its best place between its neighbours, now that others have gone."""
    edges, least = [0, *bounds, len(series.clean)], series.limits.points
    for i in range(1, len(edges) - 1):
        left, edge, right = edges[i - 1 : i + 2]
        excess = _excess(series, left, right, series.clean[left:edge].mean(), series.clean[edge:right].mean())
        edges[i] = left + least + int(np.argmin(excess[least : right - left - least + 1]))
    return edges[1:-1]


def _excess(series: Series, left: int, right: int, before: float, after: float) -> np.ndarray:
    """What squares are left over, in variances, if so many points are of the old level and the others of the new one.

    Of the values as measured, an outlier being as far from one level as from the other.
    """
    part = series.values[left:right]
    old, new = (np.minimum(((part - level) / series.noise) ** 2, FARTHEST**2) for level in (before, after))
    return np.concatenate([[0.0], np.cumsum(old - new)])


def _tested(series: Series, bounds: list[int], wander: float, which: range) -> list[Change]:
    """The changes at those of ``bounds``, with the tests of their sizes."""
    edges = np.array([0, *bounds, len(series.clean)])
    lengths = np.diff(edges)
    rest = series.values - np.repeat(np.add.reduceat(series.clean, edges[:-1]) / lengths, lengths)
    return [_change(series, rest, wander, edges[i : i + 3].tolist()) for i in which]


def _change(series: Series, rest: np.ndarray, wander: float, edges: list[int]) -> Change:
    """The change at the middle one of three ``edges``."""
    left, edge, right = edges
    clean, limits = series.clean, series.limits
    old, new = clean[max(left, edge - limits.window) : edge], clean[edge : min(right, edge + limits.window)]
    before, after = float(np.mean(old)), float(np.mean(new))
    error = np.sqrt(_variance(series, old, new) + _variance(series, new, old) + 2 * wander**2)
    freedom = max(len(clean) / 2 - 2, 1.0)
    size = after - before
    chance = 2 * special.stdtr(freedom, -abs(size) / error)
    chance = max(chance, _run(rest, left, edge, size, -1, series.noise), _run(rest, edge, right, size, 1, series.noise))
    earliest, latest = _places(series, left, edge, right, before, after)
    chance = min(1.0, float(chance) * len(clean) * np.log(len(clean)))
    return Change(edge - 1, edge, size, float(error), freedom, chance, before, after, earliest, latest)


def _variance(series: Series, side: np.ndarray, other: np.ndarray) -> float:
    """Of the mean of ``side``: from the noise of the whole series, more where both sides or this one are noisier."""
    weight, whole = series.limits.own, series.noise**2
    own, others = (float(np.sum((part - part.mean()) ** 2)) for part in (side, other))
    around = (weight * whole + own + others) / (weight + len(side) + len(other) - 2)
    return max((weight * around + own) / (weight + len(side) - 1), whole / 2) / len(side)


def _run(rest: np.ndarray, begin: int, end: int, size: float, way: int, noise: float) -> float:
    """The chance that a level is a run of outliers: how often others are as far off, to the power of its length.

    Further out than all others the share falls with the square of the distance, as it does where tails are heavy.
    """
    away = way * np.sign(size) * rest
    length = end - begin
    others = np.sort(np.concatenate([away[:begin], away[end:]]))
    if length > len(others):
        return 0.0
    inside = np.sort(away[begin:end] + abs(size))[::-1]
    farthest = max(float(others[-1]), noise)
    beyond = (len(others) - np.searchsorted(others, inside) + 1) / (len(others) + 1)
    beyond = beyond * np.minimum(farthest / np.maximum(inside, noise), 1) ** 2
    places = np.unique([length, -(-3 * length // 4), -(-length // 2)])
    return float(special.bdtrc(places - 1, length, beyond[places - 1]).min())


def _places(series: Series, left: int, edge: int, right: int, before: float, after: float) -> tuple[int, int]:
    """The first and the last point that may be the first of the new level: they explain the data nearly as well."""
    excess = _excess(series, left, right, before, after)[1:-1]
    possible = left + 1 + np.flatnonzero(excess / 2 < excess.min() / 2 + SAME)
    return min(int(possible[0]), edge), max(int(possible[-1]), edge)
