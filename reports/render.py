"""Prints a frame: for people as a table or Markdown, for programs as JSON or CSV.

Speed-ups are wide for people, variants side by side, and long for programs, one row per variant.  Every other frame is
printed as it is.
"""

import json
import math
from datetime import datetime
from typing import Any

import pandas as pd

from reports import markdown, terminal
from reports.cells import csv
from reports.comparison import compare
from reports.error import ReportError
from reports.plain import plain
from reports.speedups import COLUMNS

FORMATS = ("table", "json", "csv", "markdown")


def render(frame: pd.DataFrame, format: str = "table", *, width: int = 100, color: bool = False) -> str:
    """``frame`` as text that ends in a newline.

    ``format`` is one of ``FORMATS``; ``width`` in characters and ``color`` concern the table only.  JSON is a list of
    records with null for what is missing; CSV, Markdown and tables give the number of samples in place of the samples.
    Raises ``ReportError`` for an unknown format.
    """
    if format == "json":
        return json.dumps(_records(frame), indent=2, ensure_ascii=False, allow_nan=False) + "\n"
    if format == "csv":
        return csv(frame)
    if format not in FORMATS:
        raise ReportError(f"there is no format {format!r}; the formats are {', '.join(FORMATS)}")
    arranged = compare(frame) if _holds_speedups(frame) else plain(frame)
    return markdown.printed(arranged) if format == "markdown" else terminal.printed(arranged, width=width, color=color)


def _holds_speedups(frame: pd.DataFrame) -> bool:
    return not frame.empty and tuple(frame.columns[: len(COLUMNS)]) == COLUMNS


def _records(frame: pd.DataFrame) -> list[dict[str, Any]]:
    names = list(map(str, frame.columns))
    return [dict(zip(names, map(json_value, row), strict=True)) for row in frame.itertuples(index=False, name=None)]


def json_value(value: Any) -> Any:
    """``value`` as JSON knows it; null for missing and for what JSON cannot say, like infinity."""
    if isinstance(value, tuple | list):
        return [json_value(item) for item in value]
    if pd.isna(value):
        return None
    if isinstance(value, datetime):
        return value.isoformat()
    value = value.item() if hasattr(value, "item") else value
    return None if isinstance(value, float) and not math.isfinite(value) else value
