"""Wilcoxon's signed-rank test and the estimate and interval that belong to it, for many cases at once.

All of them come from the Walsh averages, the means of all pairs of a case's observations (each also with itself): their
median is the estimate of Hodges and Lehmann, ordered ones are the ends of exact intervals, and the number above zero
is the statistic of the test.  So an estimate, an interval and a test never contradict each other.  A tie or a zero is
not above zero and not below: it speaks against neither, which errs to the safe side.

Hollander and Wolfe, Nonparametric Statistical Methods, chapter 3.
"""

from dataclasses import dataclass
from functools import lru_cache

import numpy as np


@dataclass(frozen=True)
class Walsh:
    """The Walsh averages of cases with ``blocks`` observations each: float64 (cases, blocks · (blocks + 1) ÷ 2), each
    row in ascending order."""

    blocks: int
    averages: np.ndarray

    @property
    def estimate(self) -> np.ndarray:
        """The location of each case: float64 (cases,)."""
        number = self.averages.shape[1]
        median: np.ndarray = (self.averages[:, (number - 1) // 2] + self.averages[:, number // 2]) / 2
        return median

    def lower(self, error: float) -> np.ndarray:
        """The location lies below this with a chance of at most ``error``; minus infinity for too few blocks."""
        place = quantile(self.blocks, error)
        return np.full(len(self.averages), -np.inf) if place < 0 else self.averages[:, place]

    def upper(self, error: float) -> np.ndarray:
        """The location lies above this with a chance of at most ``error``; infinity for too few blocks."""
        place = quantile(self.blocks, error)
        return np.full(len(self.averages), np.inf) if place < 0 else self.averages[:, -1 - place]

    @property
    def slower(self) -> np.ndarray:
        """The chance of as many Walsh averages above zero if nothing is slower: float64 (cases,)."""
        return _at(self.blocks, self.averages > 0)

    @property
    def faster(self) -> np.ndarray:
        """The chance of as many Walsh averages below zero if nothing is faster: float64 (cases,)."""
        return _at(self.blocks, self.averages < 0)


def walsh(observations: np.ndarray) -> Walsh:
    """The Walsh averages of ``observations``, float64 (cases, blocks), blocks being 1 or more and none missing."""
    blocks = observations.shape[1]
    first, second = _pairs(blocks)
    averages = observations[:, first] + observations[:, second]
    averages *= 0.5
    averages.sort(axis=1)
    return Walsh(blocks, averages)


@lru_cache(maxsize=512)
def tail(blocks: int) -> np.ndarray:
    """By w, the chance that the signed-rank statistic of ``blocks`` observations is w or more: float64.

    Each rank is among the positive ones with a chance of one half: the ranks are added one after the other.
    """
    chances = np.ones(1)
    for rank in range(1, blocks + 1):
        chances = 0.5 * (np.pad(chances, (0, rank)) + np.pad(chances, (rank, 0)))
    sums: np.ndarray = np.minimum(1.0, np.cumsum(chances[::-1])[::-1])
    return sums


@lru_cache(maxsize=4096)
def quantile(blocks: int, error: float) -> int:
    """The largest c with a chance of at most ``error`` that the statistic is c or less; -1 if there is none.

    Of the Walsh averages in order, the one at place c, counted from 0, is then an end of an interval.
    """
    # The distribution is symmetric: c or less from below is c or less from above.
    return int(np.searchsorted(tail(blocks)[::-1], error * (1 + 1e-12), side="right")) - 1


def holm(chances: np.ndarray, error: float) -> np.ndarray:
    """Which of ``chances``, float64 (cases,), are small enough that with ``error`` at most none of them is an accident.

    Holm, A simple sequentially rejective multiple test procedure, 1979.
    """
    order = np.argsort(chances, kind="stable")
    allowed = error / np.arange(len(chances), 0, -1)
    rejected = np.zeros(len(chances), dtype=bool)
    rejected[order] = np.logical_and.accumulate(chances[order] <= allowed)
    return rejected


def _at(blocks: int, counted: np.ndarray) -> np.ndarray:
    chances: np.ndarray = tail(blocks)[counted.sum(axis=1)]
    return chances


@lru_cache(maxsize=512)
def _pairs(blocks: int) -> tuple[np.ndarray, np.ndarray]:
    return np.triu_indices(blocks)
