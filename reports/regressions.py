"""Finds what became slower or faster over the commits of a result folder, and which commit to suspect.

``reports.history`` finds where the level of a series changed; here each such change becomes a row, and rows that one
commit explains become a group.
"""

from collections.abc import Collection

import numpy as np
import pandas as pd
from scipy import special

from reports.frame import count
from reports.history.creep import slopes
from reports.history.groups import groups
from reports.history.series import History, histories, key_columns
from reports.history.steps import LIMITS, Change, Limits, Series, steps

CONFIDENCE = 0.95
FIGURES = (
    *("change", "shape", "ratio", "lower", "upper", "before", "after", "confidence"),
    *("commit", "since", "date", "position", "earliest", "latest", "until", "present", "group", "moved", "importance"),
)
# What is over counts this much of what is still there.
OVER = 0.25
# The logarithm of the largest ratio: a float can hold it, and 1 ÷ it.
LARGEST = 700.0


def regressions(frame: pd.DataFrame, limits: Limits = LIMITS, higher: Collection[str] = ()) -> pd.DataFrame:
    """Changes of level in every series of the tidy ``frame``: regressions before improvements, what matters most first.

    A series is a benchmark with its parameters, metric, settings, machine and environment, ordered by date of commit;
    several results of one commit are one point, their median.  Lower is better, as in asv, but for benchmarks and
    metrics named in ``higher``.  ``attrs["problems"]`` says what could not be judged.

    | column | holds |
    | --- | --- |
    | those of the series | ``benchmark``, parameters, ``metric unit machine environment threads dtype engine`` |
    | ``change`` | "regression" or "improvement" |
    | ``shape`` | "step", or "creep" where the level moved little by little from ``since`` to ``commit`` |
    | ``ratio lower upper`` | after ÷ before with its 95 % interval; above 1 is slower |
    | ``before after`` | the two levels, in ``unit`` |
    | ``confidence`` | see below |
    | ``commit`` | the first commit at the new level: the suspect |
    | ``since`` | the last commit at the old level: what is to blame came after it, and not after ``commit`` |
    | ``date position`` | of ``commit``: date, and place among the commits of that machine and environment, from 0 |
    | ``earliest latest`` | places that ``commit`` may have as well, where noise hides it (a 95 % set) |
    | ``until`` | the last commit before most of it was taken back, missing if it never was |
    | ``present`` | whether it never was, and the series is still measured |
    | ``group moved`` | number of the changes of one commit on one machine, from 1, and how many series are in it |
    | ``importance`` | abs(ln ratio) × confidence, × 1/4 if it is not present |

    ``confidence`` is 1 - p·n·ln n, n being the points of the series and p the chance that noise like that around its
    levels puts two levels of this length so far apart at one given place: the larger one of Student's t (whose error
    covers that neighbours are alike and that the level wanders) and of a run of outliers.  As so many places and
    lengths are tried, p·n·ln n is about the chance of a false change in a series that has none; docs/regressions.md
    says how often there was one.  Below 1 - ``limits.error`` nothing is reported.
    """
    names = key_columns(frame)
    found = [table for history in histories(frame) if len(table := _table(history, limits, higher))]
    table = _sorted(found)[[*names, *FIGURES]] if found else pd.DataFrame(columns=[*names, *FIGURES])
    table.attrs["problems"] = _not_judged(frame)
    return table


def _sorted(found: list[pd.DataFrame]) -> pd.DataFrame:
    """The tables of all machines as one, with groups numbered in the order in which they come."""
    table = pd.concat([part.assign(place=place) for place, part in enumerate(found)], ignore_index=True)
    order = np.lexsort((-table["importance"], table["change"] != "regression"))
    table = table.iloc[order].reset_index(drop=True)
    table["group"] = table.groupby(["place", "group"], sort=False).ngroup() + 1
    return table


def _table(history: History, limits: Limits, higher: Collection[str]) -> pd.DataFrame:
    """The changes of one machine and environment."""
    rows = []
    for number, values in enumerate(history.values):
        points = np.flatnonzero(values > 0)
        series = Series.of(np.log(values[points]), limits)
        found = slopes(series, steps(series))
        measured = points.size > 0 and history.commits["date"].iloc[points[-1]] >= history.newest
        rows += [{"series": number, **_row(found, i, points, history.commits, measured)} for i in range(len(found))]
    table = pd.DataFrame(rows)
    if table.empty:
        return table
    table["group"] = groups(table)
    table["moved"] = table.groupby("group")["series"].transform("nunique")
    keys = history.keys.iloc[table["series"]].reset_index(drop=True)
    lower_is_better = ~(keys["benchmark"].isin(higher) | keys["metric"].isin(higher))
    table["change"] = np.where((table["ratio"] > 1) == lower_is_better, "regression", "improvement")
    return pd.concat([keys, table], axis=1)


def _row(
    found: list[Change], number: int, points: np.ndarray, commits: pd.DataFrame, measured: bool
) -> dict[str, object]:
    """One change as figures; ``points`` are the places of the series' points among ``commits``."""
    change = found[number]
    margin = float(special.stdtrit(change.freedom, (1 + CONFIDENCE) / 2)) * change.error
    half = change.before + change.size / 2
    over = [later.begin for later in found[number + 1 :] if (later.after - half) * change.size <= 0]
    present = bool(measured and not over)
    confidence = 1 - change.chance
    place = int(points[change.end])
    return {
        "shape": "creep" if change.end - change.begin > 1 else "step",
        "ratio": _ratio(change.size),
        "lower": _ratio(change.size - margin),
        "upper": _ratio(change.size + margin),
        "before": np.exp(change.before),
        "after": np.exp(change.after),
        "confidence": confidence,
        "commit": commits["commit"].iloc[place],
        "since": commits["commit"].iloc[points[change.begin]],
        "date": commits["date"].iloc[place],
        "position": place,
        "earliest": int(points[change.earliest]),
        "latest": int(points[change.latest]),
        "until": commits["commit"].iloc[points[over[0]]] if over else None,
        "present": present,
        "importance": abs(change.size) * confidence * (1 if present else OVER),
    }


def _ratio(logarithm: float) -> float:
    return float(np.exp(np.clip(logarithm, -LARGEST, LARGEST)))


def _not_judged(frame: pd.DataFrame) -> list[str]:
    """A sentence for each kind of result that has no place in a history."""
    undated, no_ratio = int(frame["date"].isna().sum()), int((frame["value"] <= 0).sum())
    problems = []
    if undated:
        problems.append(f"Not judged: {count(undated, 'result')} without a date")
    if no_ratio:
        problems.append(f"Not judged: {count(no_ratio, 'result')} of zero or less, which have no ratio to others")
    return problems
