"""Arranges a tidy frame as series over commits: one matrix for each machine and environment."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import pandas as pd

from reports.frame import COLUMNS, PARAMETERS, SETTINGS

PLACE = ["machine", "environment"]
# A series is still measured if one of the newest commits of its machine has a figure: a tenth, but at least these.
NEWEST = 10


@dataclass(frozen=True)
class History:
    """The series of one machine and environment.

    ``keys`` has a row for each series: benchmark, parameters, metric, unit, settings, and where it was measured.
    ``commits`` has a row for each commit, oldest first: ``commit`` and ``date``.
    ``values`` is [series, commits], NaN where a commit was not measured.
    ``newest`` is a date: a series without a figure since then is measured no more, be it that the environment is not.
    """

    keys: pd.DataFrame
    commits: pd.DataFrame
    values: np.ndarray
    newest: pd.Timestamp


def key_columns(frame: pd.DataFrame) -> list[str]:
    """The columns that tell one series from another, in the order of reports."""
    others = [name for name in frame.columns if name not in COLUMNS]
    return ["benchmark", *PARAMETERS, *others, "metric", "unit", *PLACE, *SETTINGS]


def histories(frame: pd.DataFrame) -> Iterator[History]:
    """What was measured on each machine and environment, by date of the commit.

    Several results of one commit are one point, their median; what has no commit counts as one of its own.  A result
    without a date has no place in time and is left out.
    """
    dated = in_time(frame)
    names = key_columns(dated)
    for _, machine in dated.groupby(PLACE[:1], dropna=False, sort=False):
        dates = _dates(machine)
        newest = dates.iloc[-min(max(NEWEST, len(dates) // 10), len(dates))]
        for _, rows in machine.groupby(PLACE[1:], dropna=False, sort=False):
            yield _history(rows, names, newest)


def in_time(frame: pd.DataFrame) -> pd.DataFrame:
    """The rows that have a place in time, without attrs; a row without a commit gets its date for one."""
    frame = frame.copy(deep=False)
    frame.attrs = {}  # pandas would copy them at every step
    dated = frame[frame["date"].notna() & np.isfinite(frame["value"])]
    nameless = dated.loc[dated["commit"].isna(), "date"].map(pd.Timestamp.isoformat)
    return dated.assign(commit=dated["commit"].fillna(nameless))


def _dates(rows: pd.DataFrame) -> pd.Series:
    """The date of each commit, oldest first."""
    return rows.groupby("commit", sort=False)["date"].min().sort_values(kind="stable")


def _history(rows: pd.DataFrame, names: list[str], newest: pd.Timestamp) -> History:
    dates = _dates(rows)
    series = rows.groupby(names, dropna=False, sort=False).ngroup().to_numpy()
    points = pd.DataFrame({"series": series, "commit": dates.index.get_indexer(rows["commit"]), "value": rows["value"]})
    points = points.groupby(["series", "commit"])["value"].median()
    values = np.full((series.max() + 1, len(dates)), np.nan)
    values[points.index.get_level_values("series"), points.index.get_level_values("commit")] = points
    first = np.unique(series, return_index=True)[1]
    return History(rows[names].iloc[first].reset_index(drop=True), dates.reset_index(), values, newest)
