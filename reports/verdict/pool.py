"""The blocks of many gates of identical code: what replays draw from."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import astuple, dataclass

import numpy as np
import pandas as pd

from reports.error import ReportError
from reports.verdict.blocks import ARMS, PAIR
from reports.verdict.observations import matrix, observations
from reports.verdict.rules import Rules
from reports.verdict.timing import Timing


@dataclass(frozen=True)
class Pool:
    """``ratios`` are logarithms, float64 (blocks, cases), NaN where a figure is missing or was dropped.

    ``samples`` has for each case the seconds of both arms, float64 (blocks, 2, samples), of the blocks in which no case
    is missing.  ``timing`` is that of a gate with ``budget`` seconds.
    """

    cases: Sequence[str]
    ratios: np.ndarray
    samples: Mapping[str, np.ndarray]
    timing: Timing
    budget: float

    @property
    def blocks(self) -> int:
        """How many there are."""
        return len(self.ratios)


def pool(frames: Sequence[pd.DataFrame], rules: Rules) -> Pool:
    """The blocks of the first stage of ``frames``, for the cases that all of them have.  Raises ``ReportError``."""
    tables = [matrix(observed, PAIR, 1) for observed in (observations(frame, rules) for frame in frames)]
    common = sorted(set.intersection(*(set(map(str, table.index)) for table in tables))) if tables else []
    if not common:
        raise ReportError("there is no case that all gates of identical code have measured: nothing can be replayed")
    ratios = np.concatenate([table.loc[common].to_numpy(dtype=float).T for table in tables])
    return Pool(common, ratios, _samples(frames, common), *_in_the_middle(frames))


def _samples(frames: Sequence[pd.DataFrame], cases: Sequence[str]) -> dict[str, np.ndarray]:
    """As many samples of each block as the block with the fewest has."""
    rows = pd.concat([frame.assign(gate=gate) for gate, frame in enumerate(frames)])
    rows = rows[(rows["stage"] == 1) & (rows["kind"] == PAIR) & rows["case"].isin(cases)]
    whole = rows.groupby(["gate", "block"])["case"].transform("nunique") == len(cases)
    found = {}
    for case, blocks in rows[whole].sort_values(["gate", "block"]).groupby("case", sort=False):
        both = [blocks[arm].tolist() for arm in ARMS]
        fewest = min(len(samples) for arm in both for samples in arm)
        found[str(case)] = np.array([[samples[:fewest] for samples in arm] for arm in both]).swapaxes(0, 1)
    return found


def _in_the_middle(frames: Sequence[pd.DataFrame]) -> tuple[Timing, float]:
    """Timing and budget of a typical gate."""
    timings = [Timing.of(frame) for frame in frames]
    early, late, start, each = np.median([astuple(one) for one in timings], axis=0).tolist()
    budgets = [frame.attrs["header"].get("budget") or math.nan for frame in frames]
    return Timing(int(early), late, start, each), float(np.median(budgets))
