"""The thresholds of the gate, all of them."""

import math
from dataclasses import dataclass


@dataclass(frozen=True)
class Rules:
    """What counts as slower, and how sure the gate must be.

    ``error`` is shared by all cases of a run: the chance that identical code fails anywhere.  Ratios are head ÷ base.
    """

    # Slower by this share: what a pull request must not do.
    threshold: float = 0.03
    # A failing estimate is above this share of the threshold, in logarithms: a slow-down that is sure but tiny passes.
    margin: float = 0.5
    # Chance of a false failure in a run: so much of it in the first stage, the rest in the second.
    error: float = 0.01
    early: float = 0.002
    # A case passes if the upper end of this two-sided interval is below the threshold; the interval is also reported.
    confidence: float = 0.95
    # What a control calls a slow-down although both of its arms are the base: the chance of it on a sound machine.
    # It is small because such an accident takes every failure away.
    control_error: float = 0.001
    # The chance with which "this run could have seen X %" would have been seen.
    power: float = 0.95
    # With fewer blocks no 95 % interval exists: 2 · 2⁻⁵ is above 5 %, 2 · 2⁻⁶ is not.
    fewest_blocks: int = 6
    # The quantile of a process's samples that stands for it: what disturbs a sample makes it longer.  With six busy
    # processes on two processors, ratios of blocks scattered by 1.4 % (numba), 16 % (hybridized) and 19 % (imperative)
    # with medians, by 1.2, 6.7 and 14 % with quartiles, by 1.2, 4.1 and 6.5 % with this.
    quantile: float = 0.1
    # An observation is dropped if the worse of its two processes was disturbed by so many times the usual.
    disturbed: float = 10.0

    @property
    def limit(self) -> float:
        """The threshold as a logarithm."""
        return math.log1p(self.threshold)

    @property
    def least(self) -> float:
        """The smallest logarithm that may fail."""
        return self.margin * self.limit

    @property
    def least_share(self) -> float:
        """The same as a share."""
        return math.expm1(self.least)

    @property
    def late(self) -> float:
        """The chance of a false failure in the second stage."""
        return self.error - self.early


RULES = Rules()
