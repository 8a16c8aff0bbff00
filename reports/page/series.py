"""Follows each case through the runs that measured it.

A series is one benchmark with its parameters on one machine, in one environment, with one set of settings.  A run is a
commit, or a date where the files name no commit; several results of one run count as one, their median.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pandas as pd
from scipy import stats

from reports.frame import PARAMETERS, SETTINGS, distinct
from reports.notes import shown
from reports.speedups import CONFIDENCE

PLACE = ("machine", "environment", *SETTINGS)
Key = tuple[str, ...]


@dataclass(frozen=True)
class Series:
    """Everything that the page shows of a frame over time.

    ``cases`` has a row for each series: its identity, ``value`` ``lower`` ``upper`` in the newest run with it, the
    ``position`` of that run, and how many ``runs`` hold it.  ``runs`` has a row for each run in order: ``run``,
    ``commit``, ``date``.  ``points`` has a row for each series and run in order: ``case``, ``position``, ``value``.
    """

    identity: tuple[str, ...]
    cases: pd.DataFrame
    runs: pd.DataFrame
    points: pd.DataFrame

    @cached_property
    def numbers(self) -> dict[Key, int]:
        """Where the series with some key stands in ``cases``."""
        return {key: number for number, key in enumerate(keys(self.cases, self.identity))}

    @cached_property
    def varying(self) -> tuple[str, ...]:
        """The columns of the identity in which the series differ; all that tells them apart."""
        several = [name for name in self.identity if self.cases[name].astype(str).nunique() > 1 and name != "unit"]
        told = [name for name in several if name != "metric"]
        enough = not self.cases[told].astype(str).duplicated().any() if told else len(self.cases) < 2
        return tuple(told if enough else several) or ("benchmark",)

    def label(self, number: int) -> str:
        """The name of one series among these."""
        case = self.cases.iloc[number]
        parts = (_part(name, case[name]) for name in self.varying)
        return " · ".join(part for part in parts if part)


def series(frame: pd.DataFrame) -> Series:
    """The series of a tidy frame, sorted by their names and parameters, numbers before texts."""
    frame = frame[[name for name in frame.columns if name not in ("samples", "remarks", "source")]].copy()
    frame.attrs = {}
    identity = ("benchmark", *parameters(frame), "metric", "unit", *PLACE)
    frame["case"] = frame.groupby(list(identity), dropna=False, sort=False).ngroup()
    cases = frame.drop_duplicates("case").sort_values(list(identity), key=_ranks, kind="stable")
    frame["case"] = pd.Index(cases["case"]).get_indexer(frame["case"])
    runs, frame["position"] = _runs(frame)
    points = frame.groupby(["case", "position"], as_index=False)["value"].median()
    newest = frame[frame["position"] == frame.groupby("case")["position"].transform("max")]
    cases = cases[list(identity)].reset_index(drop=True)
    counted = points.groupby("case").agg(runs=("position", "size"), position=("position", "max"))
    return Series(identity, cases.join(_newest(newest)).join(counted), runs, points)


def parameters(frame: pd.DataFrame) -> list[str]:
    """The columns of parameters in which a frame holds something."""
    names = list(frame.columns[frame.columns.get_loc("benchmark") + 1 : frame.columns.get_loc("metric")])
    known = [name for name in PARAMETERS if name in names]
    ordered = [*known, *(name for name in names if name not in known)]
    return [name for name in ordered if frame[name].notna().any()]


def keys(frame: pd.DataFrame, names: Sequence[str]) -> Iterator[Key]:
    """For each row what stands in some columns, as texts, so that rows of different frames can be compared."""
    columns = [[shown(value, "") for value in frame[name]] if name in frame else [""] * len(frame) for name in names]
    return zip(*columns, strict=True)


def _ranks(column: pd.Series) -> pd.Series:
    """Places to sort by: numbers before texts before what is missing."""
    places = {value: place for place, value in enumerate(distinct(column))}
    return column.map(lambda value: len(places) if pd.isna(value) else places[value])


def _runs(frame: pd.DataFrame) -> tuple[pd.DataFrame, pd.Series]:
    """The runs in order of their dates, those without one first, and for each row of ``frame`` the place of its run."""
    names = frame["commit"].astype("object")
    nameless = frame.loc[names.isna(), "date"]
    names[nameless.index] = nameless.map(pd.Timestamp.isoformat, na_action="ignore").astype("object").fillna("")
    runs = frame.assign(run=names).groupby("run", sort=False).agg(commit=("commit", "first"), date=("date", "min"))
    runs = runs.sort_values("date", kind="stable", na_position="first").reset_index()
    return runs, pd.Series(pd.Index(runs["run"]).get_indexer(names), index=frame.index)


def _newest(rows: pd.DataFrame) -> pd.DataFrame:
    """The median of each series, and its interval: Student's t over rounds where there are several, else the file's."""
    rows = rows.assign(log=np.log(rows["value"].where(rows["value"] > 0)))
    found = rows.groupby("case").agg(
        value=("value", "median"),
        lower=("lower", "min"),
        upper=("upper", "max"),
        rounds=("log", "count"),
        log=("log", "mean"),
        spread=("log", "std"),
    )
    rounds = found["rounds"].clip(lower=2)
    margin = stats.t.ppf((1 + CONFIDENCE) / 2, rounds - 1) * found["spread"] / np.sqrt(rounds)
    several = found["rounds"] > 1
    found["lower"] = found["lower"].where(~several, np.exp(found["log"] - margin))
    found["upper"] = found["upper"].where(~several, np.exp(found["log"] + margin))
    return found[["value", "lower", "upper"]]


def parameter(value: object) -> str:
    """A value of a parameter as text; pandas makes a float of a whole number where other benchmarks have none."""
    return f"{value:.0f}" if isinstance(value, float) and value.is_integer() else shown(value, "")


def _part(name: str, value: object) -> str:
    """One part of a label; what does not explain itself is named."""
    text = parameter(value)
    if not text or name in ("benchmark", "layer", "variant", "context", "mode", *PLACE[:2], "dtype", "metric"):
        return text
    return f"{name} {text}" if name in ("batch", *SETTINGS) else f"{name}={text}"
