"""Packs the history of all series, small enough for a thousand runs of hundreds of series."""

from typing import Any

import numpy as np
import pandas as pd

from reports.page.embed import figure
from reports.page.quantities import scale
from reports.page.series import Series, keys
from reports.units import times

# Some 20 MB of figures; whoever brings more gets the histories that changed first, and is told so.
MOST_POINTS = 2_500_000


def timeline(whole: Series, changes: pd.DataFrame) -> dict[str, Any]:
    """``runs`` as parallel lists, and for each series that was measured in several runs its values.

    ``dates`` are milliseconds, None unless every run has one.  A series holds ``unit``, ``values`` in it, ``at`` (the
    places of its runs, None where it has them all) and, where it changed, ``changes`` and ``levels``, both in places of
    runs.  ``left_off`` counts the series that did not fit.
    """
    dates = whole.runs["date"]
    moved = _changes(whole, changes)
    drawn, left_off = _fitting(whole, moved)
    points = whole.points[whole.points["case"].isin(drawn)]
    units = whole.cases["unit"].to_numpy()
    return {
        "commits": [str(commit)[:10] if isinstance(commit, str) else "" for commit in whole.runs["commit"]],
        "dates": None if dates.isna().any() else (dates.astype("int64") // _per_millisecond(dates)).tolist(),
        "series": {
            str(case): _packed(rows, units[case], moved.get(int(case), []), len(whole.runs))
            for case, rows in points.groupby("case")
        },
        "left_off": left_off,
    }


def _per_millisecond(dates: pd.Series) -> int:
    return {"ns": 1_000_000, "us": 1_000, "ms": 1}[dates.dt.unit]


def _fitting(whole: Series, moved: dict[int, Any]) -> tuple[set[int], int]:
    """The series with a history, those that changed first, as many as fit; and how many do not."""
    several = whole.cases.index[whole.cases["runs"] > 1]
    order = sorted(several, key=lambda case: case not in moved)
    sizes = np.cumsum(whole.cases["runs"].to_numpy()[order]) if order else np.array([])
    drawn = int(np.searchsorted(sizes, MOST_POINTS, side="right"))
    return set(order[:drawn]), len(order) - drawn


def _packed(rows: pd.DataFrame, unit: object, moved: list[dict[str, Any]], runs: int) -> dict[str, Any]:
    places, values = rows["position"].to_numpy(), rows["value"].to_numpy()
    finite = np.abs(values[np.isfinite(values)])
    divisor, name = scale(unit, float(np.median(finite)) if finite.size else 1.0)
    packed: dict[str, Any] = {"unit": name, "values": [figure(value / divisor) for value in values]}
    if len(places) < runs:
        packed["at"] = places.tolist()
    if moved:
        packed["changes"] = moved
        packed["levels"] = _levels(places, values / divisor, [change["at"] for change in moved])
    return packed


def _levels(places: np.ndarray, values: np.ndarray, ends: list[int]) -> list[list[Any]]:
    """First and last run and median of each stretch between changes."""
    cuts = np.searchsorted(places, sorted(set(ends)))
    pieces = zip(np.split(places, cuts), np.split(values, cuts), strict=True)
    return [
        [int(where[0]), int(where[-1]), figure(float(np.nanmedian(piece)))]
        for where, piece in pieces
        if len(where) and np.isfinite(piece).any()
    ]


def _changes(whole: Series, changes: pd.DataFrame) -> dict[int, list[dict[str, Any]]]:
    """For each series that changed what happened, in the order of its runs."""
    place = {run: position for position, run in enumerate(whole.runs["run"])}
    found: dict[int, list[dict[str, Any]]] = {}
    for key, row in zip(keys(changes, whole.identity), changes.to_dict("records"), strict=True):
        case, at = whole.numbers.get(key), place.get(row["commit"])
        if case is not None and at is not None:
            since = place.get(row["since"], at)
            change = {"kind": row["change"], "at": at, "since": since, "ratio": times(row["ratio"])}
            found.setdefault(case, []).append(change)
    return {case: sorted(several, key=lambda change: change["at"]) for case, several in found.items()}
