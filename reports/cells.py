"""Writes a frame for programs: as CSV, which people open in spreadsheets, and as Parquet, which loses nothing."""

import io

import pandas as pd

from reports.texts import cell


def csv(frame: pd.DataFrame) -> str:
    """Comma-separated; numbers of samples in place of samples, and no text that a spreadsheet would run."""
    changed = {name: _harmless(_counted(frame[name])) for name in frame.columns if _may_hold_texts(frame[name])}
    written = frame.assign(**changed).rename(columns=lambda name: cell(str(name)))
    return str(written.to_csv(index=False, lineterminator="\n"))


def parquet(frame: pd.DataFrame) -> bytes:
    """Everything as it is, except that a column of numbers and texts becomes one of texts."""
    frame = frame.copy(deep=False)
    frame.attrs = {}
    changed = {name: _of_one_type(frame[name]) for name in frame.columns if frame[name].dtype == object}
    file = io.BytesIO()
    frame.assign(**changed).to_parquet(file, index=False)
    return file.getvalue()


def _may_hold_texts(column: pd.Series) -> bool:
    return bool(column.dtype == object or pd.api.types.is_string_dtype(column))


def _counted(column: pd.Series) -> pd.Series:
    """``column`` with every cell that holds a sequence replaced by its length."""
    if column.dtype != object:
        return column
    values = [len(value) if isinstance(value, tuple | list) else value for value in column]
    return pd.Series(values, index=column.index, dtype=object)


def _harmless(column: pd.Series) -> pd.Series:
    """Texts repeat: each is looked at once."""
    texts = (value for value in column.unique() if isinstance(value, str))
    changed = {value: safe for value in texts if (safe := cell(value)) != value}
    return column.map(lambda value: changed.get(value, value)) if changed else column


def _of_one_type(column: pd.Series) -> pd.Series:
    kinds = set(column.dropna().map(type))
    if kinds <= {tuple, list}:
        return column.map(list, na_action="ignore")
    if len(kinds) > 1 or kinds == {int}:  # pandas leaves only integers as objects that no integer column can hold
        return column.map(str, na_action="ignore")
    return column
