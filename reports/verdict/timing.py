"""How many blocks a gate has time for, and of how many suspects."""

import math
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
from scipy import special

from reports.verdict.blocks import PAIR
from reports.verdict.rules import Rules

# How gates divide their time (benchmarks/side_by_side/plan.py).
FIRST_STAGE = 0.55
CONTROL_EVERY = 3

# Slow-downs, as multiples of the threshold, the smallest first: the first that some number of suspects leaves an even
# chance or more decides on that number.  More suspects are worth a small part of it, for they are not left open.
SIZES = (1.0, 1.5, 2.0, 3.0, 5.0, 10.0, 20.0)
EVEN, SMALL = 0.5, 0.01
# Nothing can fail on fewer blocks than -log2(error), and on as many only what is slower in each of them.  In replays of
# 150 cases whose blocks scatter by 3.5 %, with a budget for 8 blocks, a case that is 5 % slower was found in 81 of 100
# with 1.25 times as many, in 89 with 1.5, in 97 with 2.
ENOUGH = 2.0
BARELY = 1.0
LEAST_SCATTER = 1e-6


@dataclass(frozen=True)
class Timing:
    """``early`` blocks in the first stage, ``late`` seconds for the second one.

    A block of the second stage takes ``start`` seconds by itself and ``each`` for each of its cases.
    """

    early: int
    late: float
    start: float
    each: float

    @classmethod
    def of(cls, frame: pd.DataFrame) -> "Timing":
        """Of the gate whose first stage is in ``frame`` (``blocks.frame``): the second one has its share of as long."""
        first = frame[frame["stage"] == 1]
        start = float(frame.attrs["start"])
        spent = first["seconds"].sum() + start * len(first[["kind", "block"]].drop_duplicates())
        early = first.loc[first["kind"] == PAIR, "block"].nunique()
        samples = frame.attrs["header"].get("samples") or {"1": 1, "2": 1}
        # Preparing a case takes about as long as the samples of the first stage.
        each = float(first["seconds"].mean()) * (1 + samples["2"] / samples["1"]) / 2
        return cls(early, spent / FIRST_STAGE * (1 - FIRST_STAGE), start, each)

    def times(self, factor: float) -> "Timing":
        """Of a gate with so many times the budget."""
        return replace(self, early=int(factor * self.early), late=factor * self.late)

    def blocks(self, suspects: int) -> int:
        """How many blocks of so many suspects the second stage has time for, their controls included."""
        return int(self._blocks(np.array([suspects]))[0]) if suspects else 0

    def affordable(self, suspects: int, ratios: np.ndarray, rules: Rules) -> int:
        """How many of so many suspects the second stage should take; at least one, if there is one.

        ``ratios`` are those of the first stage, float64 (cases, blocks).  Where the machine is noisy everything is a
        suspect, and the time for all of them would decide none.
        """
        numbers = np.arange(1, suspects + 1)
        # Where there is no time for enough blocks of even one suspect, it may fail on as few as a failure takes.
        enough = ENOUGH if self.blocks(1) >= -ENOUGH * math.log2(rules.late) else BARELY
        chances = np.zeros(suspects)
        for size in SIZES:
            chances = self._chances(size * rules.limit / _scatter(ratios), numbers, len(ratios), enough, rules)
            if chances.max(initial=0) >= EVEN:
                break
        return int(numbers[chances >= chances.max(initial=0) - SMALL].max(initial=0))

    def _chances(self, size: float, taken: np.ndarray, cases: int, enough: float, rules: Rules) -> np.ndarray:
        """That a case, slower by ``size`` deviations of a block, is among those taken, and fails on their blocks."""
        blocks, error = self._blocks(taken), rules.late / taken
        among = special.ndtr(size * math.sqrt(self.early) - special.ndtri(1 - taken / cases))
        found = special.ndtr(size * np.sqrt(blocks) - special.ndtri(1 - error))
        chances: np.ndarray = np.where(blocks >= enough * -np.log2(error), among * found, 0.0)
        return chances

    def _blocks(self, suspects: np.ndarray) -> np.ndarray:
        seconds = (self.start + suspects * self.each) * (1 + 1 / CONTROL_EVERY)
        blocks: np.ndarray = np.floor(self.late / seconds)
        return blocks


def _scatter(ratios: np.ndarray) -> float:
    """The standard deviation of a block's ratio, of the case in the middle."""
    present = np.isfinite(ratios)
    numbers = present.sum(axis=1)
    some = numbers > 1
    values, numbers = np.where(present, ratios, 0.0)[some], numbers[some]
    squares = (values**2).sum(axis=1) - values.sum(axis=1) ** 2 / numbers
    deviations = np.sqrt(np.maximum(squares, 0.0) / (numbers - 1))
    return max(float(np.median(deviations)) if deviations.size else 0.0, LEAST_SCATTER)
