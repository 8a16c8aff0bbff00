"""What some blocks say of some cases, and which of them that decides."""

from dataclasses import dataclass

import numpy as np

from reports.verdict.rules import Rules
from reports.verdict.statistics import holm, walsh


@dataclass(frozen=True)
class Look:
    """What the blocks of one stage say, one item for each case in every array.

    ``estimate lower upper`` are logarithms of head ÷ base, the latter two the ends of the interval that is reported;
    ``slower`` and ``faster`` are one-sided chances.  A case without a block has no estimate (NaN) and chances of 1.
    """

    blocks: np.ndarray
    estimate: np.ndarray
    lower: np.ndarray
    upper: np.ndarray
    slower: np.ndarray
    faster: np.ndarray


@dataclass(frozen=True)
class Decided:
    """Which cases failed and which passed, as masks; those that did neither are suspects, or inconclusive."""

    failed: np.ndarray
    passed: np.ndarray

    @property
    def open(self) -> np.ndarray:
        """Neither."""
        neither: np.ndarray = ~(self.failed | self.passed)
        return neither


def look(ratios: np.ndarray, rules: Rules) -> Look:
    """What ``ratios`` say, float64 (cases, blocks) with NaN where a block has no figure of a case."""
    present = np.isfinite(ratios)
    blocks = present.sum(axis=1)
    nothing = (np.nan, -np.inf, np.inf, 1.0, 1.0)
    found = np.tile(np.array(nothing), (len(ratios), 1))
    for number in np.unique(blocks[blocks > 0]):
        cases = np.flatnonzero(blocks == number)
        averages = walsh(ratios[cases][present[cases]].reshape(len(cases), number))
        error = (1 - rules.confidence) / 2
        interval = averages.lower(error), averages.upper(error)
        found[cases] = np.column_stack((averages.estimate, *interval, averages.slower, averages.faster))
    return Look(blocks, *found.T)


def first_stage(seen: Look, rules: Rules) -> Decided:
    """All cases: only what is gross fails at once, by Bonferroni's correction; what surely is no slow-down passes."""
    family = max(1, int((seen.blocks > 0).sum()))
    failed = (seen.slower <= rules.early / family) & (seen.estimate > rules.least)
    return Decided(failed, ~failed & (seen.upper < rules.limit))


def suspicious(seen: Look, decided: Decided) -> np.ndarray:
    """The places of the cases that are open, the most suspicious first."""
    doubtful = np.flatnonzero(decided.open)
    order: np.ndarray = doubtful[np.lexsort((-seen.estimate[doubtful], seen.slower[doubtful]))]
    return order


def second_stage(seen: Look, rules: Rules) -> Decided:
    """Suspects, on fresh blocks alone: what made them suspects decides nothing any more."""
    failed = fails(seen.slower, seen.estimate, rules)
    return Decided(failed, ~failed & (seen.upper < rules.limit))


def fails(chances: np.ndarray, estimates: np.ndarray, rules: Rules) -> np.ndarray:
    """Which suspects fail, by the chance of such a slow-down by accident and by its logarithm, float64 (cases,)."""
    failed: np.ndarray = holm(chances, rules.late) & (estimates > rules.least)
    return failed
