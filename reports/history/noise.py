"""The noise of a series that may also change its level: how much it scatters, how far neighbours are alike.

Both come from differences between neighbours, of which a change of level touches few; the largest are set aside.
"""

from collections.abc import Sequence

import numpy as np
from scipy import ndimage, special

# A point further than this from the median of itself and its four neighbours is pulled in, in standard deviations.
FARTHEST = 3.0
NEIGHBOURS = 5
# Outliers hide the noise that tells what an outlier is: the second time it is that of the first time's clean series.
PASSES = 2
# Of the differences the largest are set aside: a tenth, but at least these many.  A change of level causes one or two.
SET_ASIDE = 3
# Neighbours that are more alike than this cannot be told from a level that changes all the time.
MOST_ALIKE = 0.8
# Fewer points do not tell how alike neighbours are.
ENOUGH = 20
# A level may wander: points so far apart show it, beside points so near, in series of at least so many times as many.
FAR, NEAR, LEAST_TIMES = 12, 2, 4
# Bounds every third of a series' ``FAR`` points or more often leave no level between them.
MANY = 3
# How much more the far ones must scatter, in standard errors of the comparison or so: 5 / √points.
SURE = 5.0


def separated(values: np.ndarray, least: float) -> tuple[np.ndarray, float]:
    """``values`` ([points], none missing) without outliers, and the deviation of one point: ``least`` or more.

    The mean of n points has that deviation ÷ √n, also where neighbours are alike.
    """
    clean = values
    for _ in range(PASSES):
        deviation = max(scatter(np.diff(clean)) / np.sqrt(2), least)
        clean = without_outliers(values, deviation)
    alike = likeness(clean)
    return clean, float(deviation / np.sqrt(1 - alike) * np.sqrt((1 + alike) / (1 - alike)))


def scatter(differences: np.ndarray) -> float:
    """Standard deviation of normal ``differences`` of which some may be anything."""
    size = len(differences)
    kept = max(size - max(SET_ASIDE, size // 10), size // 2 + 1)
    if kept >= size:
        return float(np.sqrt(np.mean(differences**2))) if size else 0.0
    smallest = np.sort(differences**2)[:kept]
    bound = special.ndtri((1 + kept / size) / 2)
    share = (
        1 - 2 * bound * np.exp(-(bound**2) / 2) / np.sqrt(2 * np.pi) * size / kept
    )  # of the variance that is left of a normal sample
    return float(np.sqrt(np.mean(smallest) / share))


def without_outliers(values: np.ndarray, deviation: float) -> np.ndarray:
    """``values`` with single ones far from their neighbours pulled in; a step keeps its place."""
    middle: np.ndarray = ndimage.median_filter(values, NEIGHBOURS, mode="mirror")
    away, bound = values - middle, FARTHEST * deviation
    pulled: np.ndarray = middle + np.where(np.abs(away) < 2 * bound, np.clip(away, -bound, bound), 0.0)
    return pulled


def likeness(values: np.ndarray) -> float:
    """The correlation of neighbours, from 0 to ``MOST_ALIKE``; changes of level do not count as likeness.

    Differences two commits apart have the variance 2(1 - ρ²)σ², those of neighbours 2(1 - ρ)σ²: their ratio is 1 + ρ.
    """
    if len(values) < ENOUGH:
        return 0.0
    near, far = scatter(values[1:] - values[:-1]), scatter(values[2:] - values[:-2])
    return min(max((far / near) ** 2 - 1, 0.0), MOST_ALIKE) if near > 0 else 0.0


def wandering(values: np.ndarray, bounds: Sequence[int]) -> float:
    """How far the level goes within ``FAR`` points without a change, as a standard deviation.

    Differences far apart scatter more than those of neighbours by how far the level went in between.  Those across
    ``bounds``, where the level is thought to have changed, do not count, unless there are so many that nothing else is
    left: such a series has no levels.
    """
    size = len(values)
    if size < LEAST_TIMES * FAR:
        return 0.0
    near, far = values[NEAR:] - values[:-NEAR], values[FAR:] - values[:-FAR]
    if len(bounds) * FAR * MANY < size:
        near, far = near[_within(bounds, size, NEAR)], far[_within(bounds, size, FAR)]
    more = _both_ways(far) ** 2 - _both_ways(near) ** 2 * (1 + SURE / np.sqrt(size))
    return float(np.sqrt(max(more, 0.0) / 2) / special.ndtri(0.75))


def _both_ways(differences: np.ndarray) -> float:
    """A quarter of ``differences`` are as far below 0, and a quarter above: a slope goes one way only."""
    down, up = np.quantile(differences, [0.25, 0.75])
    return float(max(min(-down, up), 0.0))


def _within(bounds: Sequence[int], size: int, apart: int) -> np.ndarray:
    """For each pair of points so far ``apart`` whether no bound lies between them."""
    level = np.zeros(size, dtype="int64")
    level[list(bounds)] = 1
    level = np.cumsum(level)
    within: np.ndarray = level[apart:] == level[:-apart]
    return within
