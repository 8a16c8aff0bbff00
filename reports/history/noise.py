"""The noise of a series that may also change its level: how much it scatters, how far neighbours are alike.

Both come from differences between neighbours, of which a change of level touches few; the largest are set aside.
"""

import numpy as np
from scipy import ndimage, stats

# A point further than this from the median of itself and its four neighbours is pulled in, in standard deviations.
FARTHEST = 3.0
NEIGHBOURS = 5
# Of the differences the largest are set aside: a tenth, but at least these many.  A change of level causes one or two.
SET_ASIDE = 3
# Neighbours that are more alike than this cannot be told from a level that changes all the time.
MOST_ALIKE = 0.8


def scatter(differences: np.ndarray) -> float:
    """Standard deviation of normal ``differences`` of which some may be anything."""
    size = len(differences)
    kept = max(size - max(SET_ASIDE, size // 10), size // 2 + 1)
    if kept >= size:
        return float(np.sqrt(np.mean(differences**2))) if size else 0.0
    smallest = np.sort(differences**2)[:kept]
    bound = stats.norm.ppf((1 + kept / size) / 2)
    share = 1 - 2 * bound * stats.norm.pdf(bound) * size / kept  # of the variance that is left of a normal sample
    return float(np.sqrt(np.mean(smallest) / share))


def without_outliers(values: np.ndarray, deviation: float) -> np.ndarray:
    """``values`` with single ones far from their neighbours pulled in; a step keeps its place."""
    middle: np.ndarray = ndimage.median_filter(values, NEIGHBOURS, mode="mirror")
    pulled: np.ndarray = middle + np.clip(values - middle, -FARTHEST * deviation, FARTHEST * deviation)
    return pulled


def likeness(values: np.ndarray) -> float:
    """The correlation of neighbours, from 0 to ``MOST_ALIKE``; changes of level do not count as likeness.

    Differences two commits apart have the variance 2(1 - ρ²)σ², those of neighbours 2(1 - ρ)σ²: their ratio is 1 + ρ.
    """
    near, far = scatter(values[1:] - values[:-1]), scatter(values[2:] - values[:-2])
    return min(max((far / near) ** 2 - 1, 0.0), MOST_ALIKE) if near > 0 else 0.0
