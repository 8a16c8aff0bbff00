"""Arranges any frame for reading as it is: its columns, its rows, its notes."""

from dataclasses import dataclass
from datetime import datetime

import pandas as pd

from reports.notes import notes, shown
from reports.units import significant


@dataclass(frozen=True)
class Plain:
    """A table of texts; ``numeric`` says which columns are to be aligned at their right."""

    header: tuple[str, ...]
    numeric: tuple[bool, ...]
    rows: tuple[tuple[str, ...], ...]
    notes: tuple[str, ...]


def plain(frame: pd.DataFrame) -> Plain:
    """The arrangement of ``frame`` without columns that are wholly empty."""
    filled = [name for name in frame.columns if frame[name].notna().any()]
    return Plain(
        header=tuple(map(str, filled)),
        numeric=tuple(pd.api.types.is_numeric_dtype(frame[name]) for name in filled),
        rows=tuple(tuple(map(_text, row)) for row in frame[filled].itertuples(index=False, name=None)),
        notes=notes(frame),
    )


def _text(value: object) -> str:
    """One cell: numbers with three significant digits, sequences as their length, dates without their fractions."""
    if isinstance(value, tuple | list):
        return str(len(value))
    if isinstance(value, datetime) and not pd.isna(value):
        return f"{value:%Y-%m-%d %H:%M}"
    if isinstance(value, float) and not pd.isna(value):
        return significant(value) if 1e-3 <= abs(value) < 1e9 else f"{value:.3g}"
    return shown(value, "")
