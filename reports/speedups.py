"""Compares variants with a baseline: how many times faster is each, and how sure is that.

A round is one fresh process in which the variants take turns, so what disturbs it disturbs them alike: each round gives
one log ratio, and the 95 % interval is Student's t over rounds.  Samples within a process are not pooled, because
processes of identical code differ from each other by several per cent; hundreds of samples from one process pair would
make that difference look certain.
"""

import numpy as np
import pandas as pd
from scipy import stats

from reports.error import ReportError
from reports.frame import COLUMNS as FRAME
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
LARGEST = 700.0  # the logarithm of what a float can hold, and 1 ÷ it


def geometric_means(logs: pd.DataFrame) -> pd.DataFrame:
    """Geometric means with Student's t intervals at ``CONFIDENCE``: ``point``, ``lower`` and ``upper``, row for row.

    ``logs`` has the ``mean`` and the standard deviation ``std`` of ``count`` natural logarithms of ratios.  Where one
    ratio is all there is, the bounds are NaN; where there is none, everything is.
    """
    freedom = (logs["count"] - 1).where(logs["count"] > 1)
    margin = stats.t.ppf((1 + CONFIDENCE) / 2, freedom) * logs["std"] / np.sqrt(logs["count"])
    bounds = {"point": logs["mean"], "lower": logs["mean"] - margin, "upper": logs["mean"] + margin}
    return np.exp(pd.DataFrame(bounds).clip(-LARGEST, LARGEST))


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
    result = _sorted(_compared(paired, baseline), baseline)
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
    timed = (frame["metric"] == "time") & (frame.get("unit", "seconds") == "seconds")
    frame = frame[timed & frame["variant"].notna() & (frame["value"] > 0)]
    if frame.empty:
        raise ReportError(
            "the results hold no times of variants, so there is nothing to compare: speed-ups need results of "
            "`gluonmark bench`, or benchmarks with the parameters layer, variant, batch, context and mode"
        )
    medians = [np.median(samples) if samples else value for samples, value in frame[["samples", "value"]].to_numpy()]
    return frame.assign(
        seconds=np.asarray(medians, dtype="float64"),
        variant=frame["variant"].astype(str),
        benchmark=_with_other_parameters(frame),
    )


def _with_other_parameters(frame: pd.DataFrame) -> pd.Series:
    """The names of the benchmarks with those parameters that our own grid has not: other values are other cases."""
    names = [name for name in frame.columns if name not in FRAME and frame[name].notna().any()]
    if not names:
        return frame["benchmark"]
    cells = frame[names].itertuples(index=False, name=None)
    given = [", ".join(f"{n}={v}" for n, v in zip(names, row, strict=True) if not pd.isna(v)) for row in cells]
    return frame["benchmark"].astype(str) + [f" ({text})" if text else "" for text in given]


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
    return paired.assign(log_ratio=np.log(paired["reference"]) - np.log(paired["seconds"]))


def _compared(paired: pd.DataFrame, baseline: str) -> pd.DataFrame:
    """One row for each case and variant, from its rounds."""
    paired = paired.assign(log_seconds=np.log(paired["seconds"]))
    groups = paired.groupby([*CASE, "variant"], dropna=False, sort=False)
    logs = groups["log_ratio"].agg(["mean", "std", "count", "size"]).reset_index()
    ratios, spread = geometric_means(logs), geometric_means(groups["log_seconds"].agg(["mean", "std", "count"]))
    seconds = groups["seconds"].median().to_numpy()
    numbers = zip(logs["count"], logs["size"], strict=True)
    result = logs[[*CASE, "variant"]].assign(
        seconds=seconds,
        samples_per_second=pd.to_numeric(logs["batch"], errors="coerce").astype("float64") / seconds,
        speedup=ratios["point"],
        speedup_lower=ratios["lower"],
        speedup_upper=ratios["upper"],
        baseline=baseline,
        rounds=logs["count"].astype("Int64"),
        seconds_lower=spread["lower"].to_numpy(),
        seconds_upper=spread["upper"].to_numpy(),
        warning=[_warning(number, measured, baseline) for number, measured in numbers],
    )
    return result[[*COLUMNS, *MORE_COLUMNS]]


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
