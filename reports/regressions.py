"""Finds what became slower or faster over the commits of a result folder, and which commit to suspect.

Below a level that holds, a series of times goes up and down by noise.  ``reports.history`` finds where the level itself
changed; here each such change becomes a row, and rows of one commit a group.
"""

from collections.abc import Collection

import numpy as np
import pandas as pd
from scipy import stats

from reports.history.creep import slopes
from reports.history.groups import groups
from reports.history.series import History, histories, key_columns
from reports.history.steps import LIMITS, Change, Limits, changes

CONFIDENCE = 0.95
FIGURES = (
    *("change", "shape", "ratio", "lower", "upper", "before", "after", "confidence"),
    *("commit", "since", "date", "position", "earliest", "latest", "until", "present", "group", "moved", "importance"),
)
# What is over counts this much of what is still there.
OVER = 0.25
# A series is still measured if one of the newest commits of its machine has a figure: a tenth, but at least these.
NEWEST = 10


def regressions(frame: pd.DataFrame, limits: Limits = LIMITS, higher: Collection[str] = ()) -> pd.DataFrame:
    """Changes of level in every series of the tidy ``frame``: one row each, regressions first, what matters most first.

    A series is a benchmark with its parameters, metric, settings, machine and environment, ordered by date of commit;
    several results of one commit are one point, their median.  Lower is better, as in asv, but for benchmarks and
    metrics named in ``higher``.

    | column | holds |
    | --- | --- |
    | those of the series | ``benchmark``, parameters, ``metric unit machine environment threads dtype engine`` |
    | ``change`` | "regression" or "improvement" |
    | ``shape`` | "step", or "creep" if the level moved little by little |
    | ``ratio lower upper`` | after ÷ before with its 95 % interval; above 1 is slower |
    | ``before after`` | the two levels, in ``unit`` |
    | ``confidence`` | 1 - the chance that noise like this series' makes a change as clear somewhere in such a series |
    | ``commit`` | the first commit at the new level: the suspect |
    | ``since`` | the last commit at the old level: what is to blame came after it, and not after ``commit`` |
    | ``date position`` | of ``commit``: date, and place among the commits of that machine and environment, from 0 |
    | ``earliest latest`` | places that ``commit`` may have as well, where noise hides it |
    | ``until`` | the last commit of that level, missing if it holds to the end |
    | ``present`` | whether nothing took back more than half of it, and the series is still measured |
    | ``group moved`` | number of the changes of one commit on one machine, and how many series are in it |
    | ``importance`` | abs(ln ratio) × confidence, × 1/4 if it is not present |
    """
    names = key_columns(frame)
    found = [table for history in histories(frame) if len(table := _table(history, names, limits, higher))]
    if not found:
        return pd.DataFrame(columns=[*names, *FIGURES])
    table = pd.concat([part.assign(place=place) for place, part in enumerate(found)], ignore_index=True)
    order = np.lexsort((-table["importance"], table["change"] != "regression"))
    table = table.iloc[order].reset_index(drop=True)
    table["group"] = table.groupby(["place", "group"], sort=False).ngroup() + 1
    return table[[*names, *FIGURES]]


def _table(history: History, names: list[str], limits: Limits, higher: Collection[str]) -> pd.DataFrame:
    """The changes of one machine and environment."""
    rows = []
    newest = len(history.commits) - max(NEWEST, len(history.commits) // 10)
    for number, values in enumerate(history.values):
        points = np.flatnonzero(values > 0)
        logs = np.log(values[points])
        found = slopes(logs, changes(logs, limits), limits)
        alive = len(points) > 0 and points[-1] >= newest
        rows += [
            {"series": number, **_row(found, position, points, history.commits, alive)}
            for position in range(len(found))
        ]
    table = pd.DataFrame(rows)
    if table.empty:
        return table
    keys = history.keys.iloc[table.pop("series")].reset_index(drop=True)
    better = keys["benchmark"].isin(higher) | keys["metric"].isin(higher)
    slower = (table["ratio"] > 1) != better
    table["change"] = np.where(slower, "regression", "improvement")
    table["group"] = groups(table)
    table["moved"] = table.groupby("group")["group"].transform("size")
    return pd.concat([keys, table], axis=1)[[*names, *FIGURES]]


def _row(found: list[Change], number: int, points: np.ndarray, commits: pd.DataFrame, alive: bool) -> dict[str, object]:
    """One change as figures; ``points`` are the places of the series' points among ``commits``."""
    change = found[number]
    margin = float(stats.t.ppf((1 + CONFIDENCE) / 2, change.freedom)) * change.error
    middle = change.before + change.size / 2
    undone = [later.begin for later in found[number + 1 :] if (later.after - middle) * change.size <= 0]
    place = points[change.end]
    present = alive and not undone
    confidence = 1 - change.chance
    return {
        "shape": "creep" if change.end - change.begin > 1 else "step",
        "ratio": np.exp(change.size),
        "lower": np.exp(change.size - margin),
        "upper": np.exp(change.size + margin),
        "before": np.exp(change.before),
        "after": np.exp(change.after),
        "confidence": confidence,
        "commit": commits["commit"].iloc[place],
        "since": commits["commit"].iloc[points[change.begin]],
        "date": commits["date"].iloc[place],
        "position": place,
        "earliest": points[change.earliest],
        "latest": points[min(change.latest, len(points) - 1)],
        "until": commits["commit"].iloc[points[undone[0]]] if undone else None,
        "present": present,
        "importance": abs(change.size) * confidence * (1 if present else OVER),
    }
