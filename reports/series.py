"""What makes two rows of the tidy frame the same thing measured again: a series, and what people call it."""

from collections.abc import Mapping, Sequence

import pandas as pd

from reports.frame import MARK
from reports.history.series import key_columns


def parameter_names(names: Sequence[str]) -> list[str]:
    """Those of a frame's columns that hold parameters, our own grid's and anybody's: they stand before ``metric``."""
    names = list(names)
    return names[names.index("benchmark") + 1 : names.index("metric")]


def numbered(frame: pd.DataFrame) -> pd.DataFrame:
    """``frame`` with the number of its series in each row, in the column ``series``; without attrs."""
    frame = frame.copy(deep=False)
    frame.attrs = {}  # pandas would copy them at every step
    return frame.assign(series=frame.groupby(key_columns(frame), dropna=False, sort=False).ngroup())


def newest(frame: pd.DataFrame) -> pd.DataFrame:
    """One row for each series of a ``numbered`` frame, in its order: the newest one, with the median of that commit.

    Rows without a date count as the oldest.
    """
    frame = frame.sort_values("date", kind="stable", na_position="first")
    last = frame.drop_duplicates("series", keep="last").set_index("series")
    commits = frame["commit"].astype(object).where(frame["commit"].notna(), None)
    now = frame[commits == frame["series"].map(last["commit"])]
    last["value"] = now.groupby("series")["value"].median().reindex(last.index).fillna(last["value"])
    return last.sort_index().reset_index(drop=True)


def label(row: Mapping[str, object], names: Sequence[str]) -> str:
    """``MyDense(variant=numba, batch=16)``: the layer, or else the benchmark, and what ``names`` hold."""
    filled = [name for name in names if name != "layer" and not pd.isna(row.get(name))]
    head = row["benchmark"] if pd.isna(row.get("layer")) else row["layer"]
    return f"{head}({', '.join(f'{name.removesuffix(MARK)}={row[name]}' for name in filled)})" if filled else str(head)
