"""Compares our systems with the best of others, cell by cell: ratio = ours ÷ best, above 1 is slower."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from reports.speedups import speedups
from reports.units import between, duration, times

CELL = ["layer", "threads", "mode", "batch"]
# What ``speedups`` calls them with ours as the baseline, and what they are here.
NAMES = {"variant": "best", "seconds": "theirs", "speedup": "ratio"} | {
    f"speedup_{bound}": f"ratio_{bound}" for bound in ("lower", "upper")
}
COLUMNS = ["against", *CELL, "ours", *NAMES.values()]


@dataclass(frozen=True)
class Contest:
    """In which mode which of our systems is compared with which others."""

    against: str
    mode: str
    ours: str
    others: tuple[str, ...]


def ratios(frame: pd.DataFrame, contests: Sequence[Contest]) -> pd.DataFrame:
    """One row for each contest and cell: ``against``, ``CELL``, ``ours`` and ``theirs`` in seconds, who was ``best``.

    ``ratio`` = ours ÷ best is the geometric mean over rounds, ``ratio_lower`` and ``ratio_upper`` its 95 % interval.
    ``frame`` is the tidy frame, with the systems as its variants.  Cells that nobody else ran are left out.
    """
    parts = [part for contest in contests if not (part := _ratios(frame, contest)).empty]
    if not parts:
        return pd.DataFrame(columns=COLUMNS)
    return pd.concat(parts, ignore_index=True).sort_values([*CELL, "against"], ignore_index=True)


def _ratios(frame: pd.DataFrame, contest: Contest) -> pd.DataFrame:
    present = frame["variant"].isin([contest.ours, *contest.others]) & (frame["mode"] == contest.mode)
    if contest.ours not in set(frame.loc[present, "variant"]):
        return pd.DataFrame(columns=COLUMNS)
    compared = speedups(frame[present], baseline=contest.ours)
    is_ours = compared["variant"] == contest.ours
    ours = compared[is_ours].set_index(CELL)["seconds"].rename("ours")
    theirs = compared[~is_ours].dropna(subset=["speedup"])
    best = theirs.loc[theirs.groupby(CELL)["speedup"].idxmax()].rename(columns=NAMES).join(ours, on=CELL)
    return best.assign(against=contest.against)[COLUMNS]


def tables(found: pd.DataFrame) -> Iterator[tuple[str, pd.DataFrame]]:
    """For each layer its name and a table of texts for people: one row a cell, one column a contest."""
    names = [f"{times(ratio)} {best}" for ratio, best in zip(found["ratio"], found["best"], strict=True)]
    texts = found.assign(text=names, against=found["against"].map("ours ÷ best {}".format))
    for layer, rows in texts.groupby("layer"):
        wide = rows.pivot(index=["mode", "threads", "batch"], columns="against", values="text")
        yield str(layer), wide.reset_index().fillna("")


def summary(found: pd.DataFrame) -> list[str]:
    """The geometric mean of each contest, and every cell in which the best of the others is as fast or faster."""
    sentences = []
    for against, rows in found.groupby("against"):
        mean = np.exp(np.log(rows["ratio"]).mean())
        lost = rows[rows["ratio"] >= 1]
        score = f"geometric mean {times(mean)} over {len(rows)} cells, {len(lost)} of them at or above 1"
        sentences.append(f"ours ÷ best {against}: {score}")
        for row in lost.sort_values("ratio", ascending=False).itertuples():
            ratio = f"{times(row.ratio)} {between(row.ratio_lower, row.ratio_upper)}"
            cell = f"{row.layer}, {row.mode}, batch {row.batch}, threads {row.threads}"
            sentences.append(f"  {ratio} {cell}: {duration(row.ours)} against {row.best}'s {duration(row.theirs)}")
    return sentences
