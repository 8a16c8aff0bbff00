"""The tidy frame: one row per benchmark, parameters and round of one result file.

| column | holds |
| --- | --- |
| ``source`` | path of the file |
| ``benchmark`` | full name, without parameters |
| ``layer variant batch context mode`` | the parameters of our own grid; empty where a benchmark has none such |
| any other name | a parameter of somebody else's benchmark |
| ``metric unit`` | ``time`` in ``seconds``, ``memory`` in ``bytes``, ...: SI base units |
| ``threads dtype engine`` | settings of the process that measured, where the file tells |
| ``machine environment commit date`` | where, with what, what was measured; without a commit, ``date`` is the run's |
| ``value`` | median of the samples, or what the file gives in its place |
| ``lower upper`` | about a 99 % interval for ``value``, from the spread inside this one file |
| ``samples`` | tuple of values per call in ``unit``; empty if the file keeps none |
| ``round`` | number of the round, where the file holds several |
| ``remarks`` | sentences for the reader, a line each, where the file holds some |

What was not measured is no row.  ``frame.attrs["skipped"]`` lists it as ``{"id", "params", "reason"}``, and
``frame.attrs["problems"]`` holds one sentence for each thing that could not be read.  Both are plain data, so that a
frame can be stored with them.
"""

import json
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import pandas as pd

from reports.error import EntryError

PARAMETERS = ("layer", "variant", "batch", "context", "mode")
SETTINGS = ("threads", "dtype", "engine")
COLUMNS = (
    *("source", "benchmark", *PARAMETERS, "metric", "unit", *SETTINGS),
    *("machine", "environment", "commit", "date", "value", "lower", "upper", "samples", "round", "remarks"),
)
# What tables made from this one call their own columns: nobody's parameter may be called so either.
DERIVED = (
    *("series", "seconds", "samples_per_second", "speedup", "speedup_lower", "speedup_upper", "baseline", "rounds"),
    *("warning", "against", "batch_below", "batch_above", "certain", "change", "shape", "ratio", "before", "after"),
    *("confidence", "since", "position", "earliest", "latest", "until", "present", "group", "moved", "importance"),
    *("case", "run", "runs", "place"),
)
TAKEN = {*COLUMNS, *DERIVED} - {*PARAMETERS, *SETTINGS}
WHOLE_NUMBERS = ("batch", "threads", "round")
MEASURED_NUMBERS = ("value", "lower", "upper")

MARK = " (parameter)"  # of a parameter's column, where its name means something else in the frame

Row = dict[str, Any]


@dataclass(frozen=True)
class Reading:
    """What one file held: rows of the frame, cases that it says were not measured, and what could not be read."""

    rows: list[Row] = field(default_factory=list)
    skipped: list[Row] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)

    def extend(self, other: "Reading") -> None:
        """Append everything that ``other`` holds."""
        self.rows.extend(other.rows)
        self.skipped.extend(other.skipped)
        self.problems.extend(other.problems)


def tidy(reading: Reading) -> pd.DataFrame:
    """The tidy frame of ``reading``; columns that are in ``COLUMNS`` always exist, in that order."""
    order = _ordered({name for row in reading.rows for name in row})
    frame = pd.DataFrame({name: [row.get(name) for row in reading.rows] for name in order}, columns=order)
    frame = typed(frame)
    frame.attrs["skipped"] = reading.skipped
    frame.attrs["problems"] = list(dict.fromkeys(reading.problems))
    return frame


def typed(frame: pd.DataFrame) -> pd.DataFrame:
    """``frame`` with the dtypes of a tidy frame, whatever they were."""
    for name in WHOLE_NUMBERS:
        frame[name] = _whole_numbers(frame[name])
    for name in MEASURED_NUMBERS:
        frame[name] = frame[name].astype("float64")
    frame["date"] = pd.to_datetime(frame["date"], utc=True, errors="coerce")
    return frame


def joined(frames: Sequence[pd.DataFrame]) -> pd.DataFrame:
    """Several tidy frames as one."""
    filled = [frame for frame in frames if not frame.empty] or list(frames[:1])
    whole = filled[0] if len(filled) == 1 else pd.concat(filled, ignore_index=True)
    whole = whole[_ordered(whole.columns)]
    whole.attrs = {
        "skipped": [case for frame in frames for case in frame.attrs["skipped"]],
        "problems": list(dict.fromkeys(problem for frame in frames for problem in frame.attrs["problems"])),
    }
    return whole


def _ordered(names: Iterable[str]) -> list[str]:
    """The columns of a tidy frame in their order, parameters of others before what was measured."""
    others = sorted(set(names) - set(COLUMNS))
    return [*COLUMNS[: COLUMNS.index("metric")], *others, *COLUMNS[COLUMNS.index("metric") :]]


def parameter_columns(parameters: Mapping[str, object]) -> Row:
    """Parameters of one benchmark as columns; a foreign name that means something else in the frame is marked."""
    return {f"{name}{MARK}" if name in TAKEN else name: scalar(value) for name, value in parameters.items()}


def scalar(value: object) -> object:
    """``value`` where a table cell can hold it, else its JSON text."""
    if value is None or isinstance(value, str | bool) or is_figure(value):
        return value
    try:
        return json.dumps(value, ensure_ascii=False, default=str)
    except (ValueError, RecursionError) as error:  # an integer or a nesting that is longer than Python prints
        raise EntryError(f"a parameter cannot be written: {error}") from error


def text(value: object) -> str | None:
    """``value`` if it is a text with something in it, else None."""
    return value if isinstance(value, str) and value else None


def is_figure(value: object) -> bool:
    """Whether ``value`` is a number that a float can hold: JSON also knows NaN, Infinity and integers of any length."""
    if type(value) is float:  # nearly all of them are
        return math.isfinite(value)
    if isinstance(value, bool) or not isinstance(value, int | float):
        return False
    try:
        return math.isfinite(value)
    except OverflowError:
        return False


def _whole_numbers(column: pd.Series) -> pd.Series:
    """``column`` as nullable integers; unchanged where somebody's parameter of that name is no whole number."""
    try:
        return pd.to_numeric(column).astype("Int64")
    except (TypeError, ValueError, OverflowError):
        return column


def count(number: int, noun: str) -> str:
    """``number`` with its ``noun``, in the plural where it belongs: '1 case', '84 cases'."""
    return f"{number:,} {noun}" if number == 1 else f"{number:,} {noun}s"


def distinct(values: Iterable[Any]) -> list[Any]:
    """The values without repetition and without missing ones, numbers before texts, each in order."""
    present = {value for value in values if not pd.isna(value)}
    return sorted(present, key=lambda value: (isinstance(value, str), value))
