"""Divides one series into levels, and keeps the changes between them that stand a test."""

from dataclasses import dataclass, replace

import numpy as np
import ruptures
from scipy import stats

from reports.history.noise import likeness, scatter, without_outliers


@dataclass(frozen=True)
class Limits:
    """What counts as a change."""

    smallest: float = 0.01  # change of the logarithm: about 1 %
    error: float = 0.01  # chance that noise alone makes one such change anywhere in a series
    points: int = 3  # that a level needs inside a series
    penalty: float = 2.0  # for one more change, in log(points) and variances: the criterion of Schwarz
    window: int = 50  # points beside a change that test it: further away a series may have wandered
    noiseless: float = 1e-4  # deviation of a series that has none, in logarithm


LIMITS = Limits()
SAME = stats.chi2.ppf(0.95, 1) / 2  # loss of log likelihood inside a 95 % set


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


def changes(values: np.ndarray, limits: Limits = LIMITS) -> list[Change]:
    """Steps in ``values`` (float64, [points], logarithms, none missing), oldest first."""
    if len(values) < 2 * limits.points:
        return []
    clean, noise = noise_of(values, limits)
    bounds = _bounds(clean, noise, limits)
    while bounds:
        found = _tested(clean, [0, *bounds, len(clean)], noise, limits)
        worst = max(range(len(found)), key=lambda i: (found[i].chance, -abs(found[i].size)))
        small = min(range(len(found)), key=lambda i: abs(found[i].size))
        if found[worst].chance > limits.error:
            del bounds[worst]
        elif abs(found[small].size) < limits.smallest:
            del bounds[small]
        else:
            return found
    return []


def noise_of(values: np.ndarray, limits: Limits = LIMITS) -> tuple[np.ndarray, float]:
    """``values`` without outliers, and the deviation of one point that counts as independent of its neighbours."""
    deviation = max(scatter(np.diff(values)) / np.sqrt(2), limits.noiseless)
    clean = without_outliers(values, deviation)
    alike = likeness(clean)
    return clean, float(deviation / np.sqrt(1 - alike) * np.sqrt((1 + alike) / (1 - alike)))


def _bounds(clean: np.ndarray, noise: float, limits: Limits) -> list[int]:
    """First points of levels, by the best division of the whole series."""
    scaled = (clean - np.median(clean)) / noise
    model = ruptures.KernelCPD(kernel="linear", min_size=limits.points)
    return list(map(int, model.fit(scaled[:, None]).predict(pen=limits.penalty * np.log(len(clean)))[:-1]))


def _tested(clean: np.ndarray, edges: list[int], noise: float, limits: Limits) -> list[Change]:
    """The change at each inner edge, with the test of its size."""
    return [_change(clean, *edges[i : i + 3], noise=noise, limits=limits) for i in range(len(edges) - 2)]


def _change(clean: np.ndarray, left: int, edge: int, right: int, *, noise: float, limits: Limits) -> Change:
    old, new = clean[max(left, edge - limits.window) : edge], clean[edge : min(right, edge + limits.window)]
    before, after = float(np.mean(old)), float(np.mean(new))
    size = after - before
    error = noise * np.sqrt(1 / len(old) + 1 / len(new))
    freedom = max(len(clean) / 2 - 2, 1.0)
    chance = min(1.0, float(2 * stats.t.sf(abs(size) / error, freedom)) * len(clean))
    change = Change(edge - 1, edge, size, error, freedom, chance, before, after, edge, edge)
    return replace(change, **_place(clean, left, right, change, noise))


def _place(clean: np.ndarray, left: int, right: int, change: Change, noise: float) -> dict[str, int]:
    """Which first points of the new level explain the data nearly as well as the best one (a 95 % set)."""
    part = clean[left:right]
    excess = np.concatenate([[0.0], np.cumsum((part - change.before) ** 2 - (part - change.after) ** 2)])
    excess = (excess - excess[1:-1].min()) / (2 * noise**2)
    possible = left + 1 + np.flatnonzero(excess[1:-1] < SAME)
    return {"earliest": min(int(possible[0]), change.end), "latest": max(int(possible[-1]), change.end)}
