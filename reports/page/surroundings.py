"""Tells what was not measured and why, and where, with what and from when the results are."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd

from reports.frame import SETTINGS, count
from reports.notes import shown
from reports.page.series import Series

NAMES_KEPT = 500
PROBLEMS_KEPT = 200
PLACE = ["machine", "environment", *SETTINGS]


@dataclass(frozen=True)
class Missing:
    """Cases that were not measured for one reason."""

    number: str
    reason: str
    names: tuple[str, ...]
    left_off: int


@dataclass(frozen=True)
class Places:
    """A table of where was measured: a row per machine, environment and settings."""

    header: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]


def missing(frame: pd.DataFrame) -> list[Missing]:
    """The skipped cases by context and reason, the most frequent reason first."""
    found: dict[tuple[str, str], list[str]] = defaultdict(list)
    for case in frame.attrs.get("skipped", ()):
        context = shown(case.get("params", {}).get("context"), "")
        found[context, shown(case.get("reason"), "no reason given")].append(str(case.get("id")))
    return [
        Missing(
            number=count(len(names), f"{context} case".strip()),
            reason=reason,
            names=tuple(dict.fromkeys(names))[:NAMES_KEPT],
            left_off=max(0, len(set(names)) - NAMES_KEPT),
        )
        for (context, reason), names in sorted(found.items(), key=lambda item: -len(item[1]))
    ]


def problems(frame: pd.DataFrame, more: Sequence[str]) -> list[str]:
    """What could not be read, and what a reader must know beside the figures."""
    remarks = frame["remarks"].dropna().unique() if "remarks" in frame else ()
    said = sorted({line for text in remarks for line in str(text).splitlines()})
    every = [*more, *said, *map(str, frame.attrs.get("problems", ()))]
    left_off = len(every) - PROBLEMS_KEPT
    return every if left_off <= 0 else [*every[:PROBLEMS_KEPT], f"and {count(left_off, 'problem')} more"]


def places(frame: pd.DataFrame) -> Places:
    """Where was measured, the newest results first; columns that hold nothing are left out."""
    rows = frame.drop(columns="samples")
    rows.attrs = {}
    filled = [name for name in PLACE if rows[name].notna().any()]
    if not filled:
        return Places((), ())
    found = rows.groupby(filled, dropna=False, sort=False).agg(
        commits=("commit", "nunique"), first=("date", "min"), last=("date", "max"), results=("value", "size")
    )
    found = found.sort_values("last", ascending=False, kind="stable").reset_index()
    header = (*filled, "commits", "dates", "results")
    return Places(header, tuple(_place(row, filled) for row in found.to_dict("records")))


def _place(row: dict[Any, Any], filled: list[str]) -> tuple[str, ...]:
    dates = [f"{row[name]:%Y-%m-%d}" for name in ("first", "last") if not pd.isna(row[name])]
    named = (shown(row[name]) for name in filled)
    return (*named, f"{row['commits']:,}", " to ".join(dict.fromkeys(dates)), f"{row['results']:,}")


def summary(frame: pd.DataFrame, whole: Series) -> list[str]:
    """The line under the title: the newest commit, its date, the machines, how much was measured."""
    newest = whole.runs.iloc[-1] if len(whole.runs) else None
    parts = []
    if newest is not None and isinstance(newest["commit"], str):
        parts.append(newest["commit"][:8])
    if newest is not None and not pd.isna(newest["date"]):
        parts.append(f"{newest['date']:%-d %B %Y}")
    for name, noun in (("machine", "machine"), ("environment", "environment")):
        different = frame[name].dropna().unique()
        parts += [str(different[0])] if len(different) == 1 else [count(len(different), noun)] if len(different) else []
    return [*parts, count(len(whole.cases), "case"), count(len(frame), "result")]
