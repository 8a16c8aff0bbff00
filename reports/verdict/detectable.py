"""What a measurement would have noticed, had it been there."""

import math

import numpy as np
from scipy import special

from reports.verdict.rules import Rules
from reports.verdict.statistics import quantile, walsh

DRAWS = 400
# The chance that the scatter is no larger than it is taken for, were it normal.  With 0.9 the size was right in 94-99
# of 100 tries of 10, 16 and 40 blocks with normal noise, in 88 to 98 with heavy tails; taken as it is, in 72 to 96.
SCATTER = 0.9
SEED = 20260304


def detectable(ratios: np.ndarray, error: float, rules: Rules) -> float:
    """The smallest slow-down, as a ratio above 1, that blocks like these fail with the chance ``rules.power``.

    ``ratios`` are the logarithms of one case, float64 (blocks,), ``error`` is the chance that its test may take.
    Infinity if so few blocks can never fail.

    What the blocks scatter around their estimate is drawn anew with random signs, as it would be for identical code.
    A slow-down moves estimate and bound by its own size, so each draw says how large it must be to fail there.  Few
    blocks may happen to lie close together, so their scatter is taken for the most that it may be in truth.
    """
    ratios = ratios[np.isfinite(ratios)]
    if ratios.size < 2 or quantile(ratios.size, error) < 0:
        return math.inf
    scatter = ratios - walsh(ratios[None, :]).estimate
    signs = np.random.default_rng(SEED).choice((-1.0, 1.0), size=(DRAWS, ratios.size))
    drawn = walsh(signs * scatter)
    needed = np.maximum(-drawn.lower(error), rules.least - drawn.estimate)
    freedom = ratios.size - 1
    most = math.sqrt(freedom / special.chdtri(freedom, SCATTER))
    return float(np.exp(most * np.quantile(needed, rules.power)))
