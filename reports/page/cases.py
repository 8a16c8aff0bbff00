"""Lays out the table of every case: its newest figures, in texts for people and in numbers to sort by."""

from typing import Any

import pandas as pd

from reports.notes import shown
from reports.page.embed import figure
from reports.page.quantities import quantity
from reports.page.series import Series, keys, parameter
from reports.units import between, significant, times

# By these a speed-up finds its case; the run is the newest one, as in the table of speed-ups.
SPEEDUP_KEYS = ("benchmark", "layer", "variant", "batch", "context", "mode", "threads", "engine", "dtype")


def cases(whole: Series, table: pd.DataFrame | None, changes: pd.DataFrame) -> dict[str, Any]:
    """``columns`` with ``title`` and ``numeric``, and ``rows`` of cells.

    A cell is a text, or ``[number, text]``, to be sorted by the number; None is missing.  Columns in which all cases
    are the same are left out and stand in ``same``, as texts.
    """
    shown_names = [name for name in whole.identity if name in whole.varying or _several(whole, name)]
    cells = [_texts(whole.cases[name]) for name in shown_names]
    columns = [
        {"title": name, "numeric": any(isinstance(cell, list) for cell in column)}
        for name, column in zip(shown_names, cells, strict=True)
    ]
    measured = whole.cases.to_dict("records")
    columns.append({"title": "value", "numeric": True})
    cells.append([[figure(case["value"]), quantity(case["value"], case["unit"])] for case in measured])
    columns.append({"title": "interval", "numeric": True})
    cells.append([_interval(case) for case in measured])
    for title, column in (("speed-up", _speedups(whole, table)), ("last change", _last_changes(whole, changes))):
        if any(column):
            columns.append({"title": title, "numeric": True})
            cells.append(column)
    if len(whole.runs) > 1:
        columns.append({"title": "runs", "numeric": True})
        cells.append([[case["runs"], f"{case['runs']:,}"] for case in measured])
    same = [name for name in whole.identity if name not in (*shown_names, "unit") and whole.cases[name].notna().any()]
    return {
        "columns": columns,
        "rows": [list(row) for row in zip(*cells, strict=True)],
        "same": [f"{name} {shown(whole.cases[name].iloc[0])}" for name in same] if len(whole.cases) else [],
    }


def _several(whole: Series, name: str) -> bool:
    """Whether a column says something; a unit stands beside each value."""
    return name == "metric" and whole.cases[name].nunique() > 1


def _texts(column: pd.Series) -> list[Any]:
    """The cells of one column; where all are numbers, they sort as numbers."""
    numbers = pd.to_numeric(column, errors="coerce")
    if numbers.notna().equals(column.notna()):
        return [None if pd.isna(value) else [figure(float(value), 15), parameter(value)] for value in column]
    return [None if pd.isna(value) else parameter(value) for value in column]


def _interval(case: dict[Any, Any]) -> list[Any] | None:
    """Both ends, sorted by how wide it is for its value."""
    low, high = case["lower"], case["upper"]
    if pd.isna(low) or pd.isna(high) or not case["value"]:
        return None
    margin = (high - low) / 2 / abs(case["value"])
    return [figure(margin), f"± {significant(100 * margin)} %"]


def _speedups(whole: Series, table: pd.DataFrame | None) -> list[Any]:
    if table is None:
        return [None] * len(whole.cases)
    known = {
        key: [figure(row["speedup"]), " ".join(_speedup(row))]
        for key, row in zip(keys(table, SPEEDUP_KEYS), table.to_dict("records"), strict=True)
        if not pd.isna(row["speedup"])
    }
    newest = (whole.cases["position"] == len(whole.runs) - 1) & (whole.cases["metric"] == "time")
    return [
        known.get(key) if is_newest else None
        for key, is_newest in zip(keys(whole.cases, SPEEDUP_KEYS), newest, strict=True)
    ]


def _speedup(row: dict[Any, Any]) -> list[str]:
    if row["variant"] == row["baseline"]:
        return [times(1.0)]
    ends = row["speedup_lower"], row["speedup_upper"]
    return [times(row["speedup"]), *([] if pd.isna(ends[0]) else [between(*ends)])]


def _last_changes(whole: Series, changes: pd.DataFrame) -> list[Any]:
    """Of each series the newest change that is still there."""
    present = changes[changes["present"].astype(bool)].sort_values("date", kind="stable")
    found = {
        key: [figure(row["ratio"]), times(row["ratio"])]
        for key, row in zip(keys(present, whole.identity), present.to_dict("records"), strict=True)
    }
    return [found.get(key) for key in whole.numbers]
