"""Compares variants with a baseline: how many times faster is each, and how sure is that.

A round is one fresh process in which the variants take turns, so what disturbs it disturbs them alike: each round gives
one log ratio, and the 95 % interval is Student's t over rounds.  Samples within a process are not pooled, because
processes of identical code differ from each other by several per cent; hundreds of samples from one process pair would
make that difference look certain.
"""

import math
from collections.abc import Hashable, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy import stats

from reports.error import ReportError
from reports.frame import count, distinct

COLUMNS = (
    *("layer", "variant", "batch", "context", "mode", "threads"),
    *("seconds", "samples_per_second", "speedup", "speedup_lower", "speedup_upper", "baseline"),
)
MORE_COLUMNS = ("engine", "dtype", "rounds", "seconds_lower", "seconds_upper", "warning", "benchmark")

CASE = ["benchmark", "mode", "context", "threads", "engine", "dtype", "layer", "batch"]
ROUND = ["source", "round"]
RUN = ["commit", "machine", "environment"]
CONFIDENCE = 0.95


@dataclass(frozen=True)
class Ratio:
    """A geometric mean of ratios with its interval; the bounds are NaN where one ratio is all there is."""

    point: float
    lower: float
    upper: float


def geometric_mean(log_ratios: Sequence[float] | np.ndarray) -> Ratio:
    """exp(mean) of natural log ratios, and exp of Student's t interval for that mean at ``CONFIDENCE``."""
    logs = np.asarray(log_ratios, dtype="float64")
    if logs.size == 0:
        return Ratio(math.nan, math.nan, math.nan)
    centre = float(logs.mean())
    if logs.size == 1:
        return Ratio(math.exp(centre), math.nan, math.nan)
    error = float(logs.std(ddof=1)) / math.sqrt(logs.size)
    margin = float(stats.t.ppf((1 + CONFIDENCE) / 2, logs.size - 1)) * error
    return Ratio(math.exp(centre), float(np.exp(centre - margin)), float(np.exp(centre + margin)))


def speedups(frame: pd.DataFrame, baseline: str = "imperative") -> pd.DataFrame:
    """Speed-up = baseline ÷ variant (above 1 is faster) for each layer, batch, context, mode and setting in ``frame``.

    ``frame`` is the tidy frame.  A round's figure is the median of its samples; ``seconds`` is the median over rounds,
    ``samples_per_second`` is batch ÷ seconds, ``speedup`` is the geometric mean of the ratios within rounds, so it may
    differ a little from the ratio of the two ``seconds``; ``seconds_lower`` and ``seconds_upper`` are the 95 % interval
    of the geometric mean of the rounds' figures.  ``warning`` says why an interval is missing.  Of several commits,
    machines or environments the newest is compared, and ``attrs["problems"]`` says so.  Raises ``ReportError`` if
    nothing names a variant, or none is called ``baseline``.
    """
    problems = list(frame.attrs.get("problems", ()))
    measured, more = _newest_run(_measurements(frame))
    variants = distinct(measured["variant"])
    if baseline not in variants:
        raise ReportError(f"there is no variant {baseline!r} to compare with; the results hold {', '.join(variants)}")
    paired = _pair(_rounds(measured), baseline)
    rows = [_row(group, baseline) for _, group in paired.groupby([*CASE, "variant"], dropna=False, sort=False)]
    result = pd.DataFrame(rows, columns=[*COLUMNS, *MORE_COLUMNS]).astype({"rounds": "Int64"})
    for name in ("batch", "threads"):
        result[name] = result[name].astype(measured[name].dtype)
    result = _sorted(result, baseline)
    told = measured["remarks"].dropna().unique() if "remarks" in measured else ()
    remarks = sorted({line for text in told for line in text.splitlines()})
    result.attrs = {"skipped": frame.attrs.get("skipped", []), "problems": [*problems, *more], "remarks": remarks}
    return result


def _measurements(frame: pd.DataFrame) -> pd.DataFrame:
    """The rows that are times of variants, with ``seconds``; without attrs, which pandas would copy at every step."""
    frame, skipped = frame.copy(), frame.attrs.get("skipped", ())
    frame.attrs = {}
    if frame.empty and skipped:
        reasons = ", ".join(sorted({str(case.get("reason")) for case in skipped}))
        raise ReportError(f"the results hold no figure: all that was asked for is missing ({reasons})")
    frame = frame[(frame["metric"] == "time") & frame["variant"].notna() & (frame["value"] > 0)]
    if frame.empty:
        raise ReportError(
            "the results hold no times of variants, so there is nothing to compare: speed-ups need results of "
            "`gluonmark bench`, or benchmarks with the parameters layer, variant, batch, context and mode"
        )
    medians = [np.median(samples) if samples else value for samples, value in frame[["samples", "value"]].to_numpy()]
    return frame.assign(seconds=np.asarray(medians, dtype="float64"), variant=frame["variant"].astype(str))


def _newest_run(measured: pd.DataFrame) -> tuple[pd.DataFrame, list[str]]:
    """The run with the latest date, and a sentence for the reader if there were more."""
    runs = measured.groupby(RUN, dropna=False, sort=False)
    if runs.ngroups == 1:
        return measured, []
    newest = int(runs["date"].max().rank(method="first", na_option="top").to_numpy().argmax())
    chosen = measured[runs.ngroup() == newest]
    commit, machine, environment = (chosen[name].iloc[0] for name in RUN)
    named = ", ".join(part for part in (str(commit)[:8], machine, environment) if isinstance(part, str))
    return chosen, [f"the results hold {count(runs.ngroups, 'run')}; only the newest is compared: {named}"]


def _rounds(measured: pd.DataFrame) -> pd.DataFrame:
    """One row per case, variant and round: its median ``seconds``."""
    keys = [*CASE, "variant", *ROUND]
    return measured.groupby(keys, dropna=False, sort=False)["seconds"].median().reset_index()


def _pair(rounds: pd.DataFrame, baseline: str) -> pd.DataFrame:
    """Beside each row the natural log of baseline ÷ variant in the same round; NaN where the baseline is missing."""
    keys = [*CASE, *ROUND]
    reference = rounds.loc[rounds["variant"] == baseline, [*keys, "seconds"]].rename(columns={"seconds": "reference"})
    paired = rounds.merge(reference, on=keys, how="left")
    return paired.assign(log_ratio=np.log(paired["reference"] / paired["seconds"]))


def _row(group: pd.DataFrame, baseline: str) -> dict[Hashable, object]:
    """One row of the result from the rounds of one case and variant."""
    logs = group["log_ratio"].dropna().to_numpy()
    ratio, spread = geometric_mean(logs), geometric_mean(np.log(group["seconds"]))
    seconds = float(group["seconds"].median())
    case = group.iloc[0][[*CASE, "variant"]].to_dict()
    batch = pd.to_numeric(case["batch"], errors="coerce")
    return {
        **case,
        "seconds": seconds,
        "samples_per_second": math.nan if pd.isna(batch) else float(batch) / seconds,
        "speedup": ratio.point,
        "speedup_lower": ratio.lower,
        "speedup_upper": ratio.upper,
        "baseline": baseline,
        "rounds": len(logs),
        "seconds_lower": spread.lower,
        "seconds_upper": spread.upper,
        "warning": _warning(len(logs), len(group), baseline),
    }


def _warning(paired: int, measured: int, baseline: str) -> str:
    if paired == 0:
        return f"{baseline} was not measured: no speed-up"
    if paired == 1:
        return "one round: no interval"
    if paired < measured:
        return f"{paired} of {measured} rounds also hold {baseline}: only these are compared"
    return ""


def _sorted(result: pd.DataFrame, baseline: str) -> pd.DataFrame:
    """By mode, context, settings, layer and batch, the baseline before the other variants; numbers before texts."""

    def rank(column: pd.Series) -> pd.Series:
        if column.name == "variant":
            column = column.where(column != baseline, "")
        places = {value: place for place, value in enumerate(distinct(column))}
        return column.map(lambda value: len(places) if pd.isna(value) else places[value])

    keys = ["mode", "context", "threads", "engine", "dtype", "benchmark", "layer", "batch", "variant"]
    return result.sort_values(keys, key=rank, kind="stable", ignore_index=True)
