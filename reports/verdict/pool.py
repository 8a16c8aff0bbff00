"""The blocks of many gates of identical code: what replays draw from."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from reports.error import ReportError
from reports.verdict.blocks import ARMS, PAIR
from reports.verdict.observations import matrix, observations
from reports.verdict.rules import Rules

# What gates do with their time (benchmarks/side_by_side/plan.py), as far as a replay must know.
FIRST_STAGE = 0.55
CONTROL_EVERY = 3
CONTROLS = 0.1


@dataclass(frozen=True)
class Pool:
    """``ratios`` are logarithms, float64 (blocks, cases), NaN where a figure is missing or was dropped.

    ``samples`` has for each case the seconds of both arms, float64 (blocks, 2, samples).  ``start`` and ``each`` are
    seconds that a block takes, by itself and for each of its cases.
    """

    cases: Sequence[str]
    ratios: np.ndarray
    samples: Mapping[str, np.ndarray]
    start: float
    each: float

    @property
    def blocks(self) -> int:
        """How many there are."""
        return len(self.ratios)


@dataclass(frozen=True)
class Timing:
    """How many blocks a gate has time for: ``early`` in the first stage, ``late`` seconds for the second one."""

    early: int
    late: float
    start: float
    each: float

    @classmethod
    def of(cls, budget: float, pool: Pool, cases: int) -> "Timing":
        """For ``budget`` seconds and so many cases, at the pace of ``pool``."""
        pairs, controls = pool.start + cases * pool.each, pool.start + math.ceil(CONTROLS * cases) * pool.each
        early = int(FIRST_STAGE * budget / (pairs + controls / CONTROL_EVERY))
        return cls(early, (1 - FIRST_STAGE) * budget, pool.start, pool.each)

    def blocks(self, suspects: int) -> int:
        """How many blocks of so many suspects the second stage has time for."""
        return int(self.late / ((self.start + suspects * self.each) * (1 + 1 / CONTROL_EVERY))) if suspects else 0


def pool(frames: Sequence[pd.DataFrame], rules: Rules) -> Pool:
    """The blocks of the first stage of ``frames``, for the cases that all of them have.  Raises ``ReportError``."""
    tables = [matrix(observed, PAIR, 1) for observed in (observations(frame, rules) for frame in frames)]
    common = sorted(set.intersection(*(set(map(str, table.index)) for table in tables))) if tables else []
    if not common:
        raise ReportError("there is no case that all gates of identical code have measured: nothing can be replayed")
    ratios = np.concatenate([table.loc[common].to_numpy(dtype=float).T for table in tables])
    return Pool(common, ratios, _samples(frames, common), *_pace(frames))


def _samples(frames: Sequence[pd.DataFrame], cases: Sequence[str]) -> dict[str, np.ndarray]:
    """As many samples of each block as the block with the fewest has."""
    rows = pd.concat([frame[(frame["stage"] == 1) & (frame["kind"] == PAIR)] for frame in frames])
    found = {}
    for case, blocks in rows[rows["case"].isin(cases)].groupby("case", sort=False):
        both = [blocks[arm].tolist() for arm in ARMS]
        fewest = min(len(samples) for arm in both for samples in arm)
        found[str(case)] = np.array([[samples[:fewest] for samples in arm] for arm in both]).swapaxes(0, 1)
    return found


def _pace(frames: Sequence[pd.DataFrame]) -> tuple[float, float]:
    start = float(np.median([frame.attrs.get("start", 0.0) for frame in frames]))
    return start, float(pd.concat([frame["seconds"] for frame in frames]).mean())
