"""Turns rows of speed-ups into the data of charts; a chart's fields have names of our own."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd

from reports.notes import shown
from reports.page.embed import figure
from reports.units import between, duration, significant, times

# Of the largest gain in the page: from here on the colour of a cell is so deep that its text needs the other ink.
# The style sheet's colours are chosen for it.
DEEP = 0.715
Datum = dict[str, Any]


def cells(rows: pd.DataFrame, largest: float) -> list[Datum]:
    """The cells of a heat map: a row each."""
    return [_cell(row, largest) for row in rows.to_dict("records")]


def measured(rows: pd.DataFrame) -> list[Datum]:
    """The points of a throughput chart: a row each."""
    return [_measurement(row) for row in rows.to_dict("records")]


def crossings(rows: pd.DataFrame) -> list[Datum]:
    """The marks of crossovers in a throughput chart: a row each."""
    return [_crossing(row) for row in rows.to_dict("records")]


def _cell(row: dict[Any, Any], largest: float) -> Datum:
    gain = float(np.log2(row["speedup"]))
    sure = row["speedup_lower"] > 1 or row["speedup_upper"] < 1
    return {
        "layer": shown(row["layer"]),
        "batch": shown(row["batch"]),
        "gain": figure(gain),
        "ink": f"{'deep' if abs(gain) > DEEP * largest else 'plain'}{'' if sure else ', unsure'}",
        "speedup": times(row["speedup"]),
        "interval": _interval(row["speedup_lower"], row["speedup_upper"], between),
        "time": duration(row["seconds"]),
        "baseline": duration(row["seconds"] * row["speedup"]),
    }


def _measurement(row: dict[Any, Any]) -> Datum:
    batch = float(row["batch"])
    slow, fast = batch / row["seconds_upper"], batch / row["seconds_lower"]
    return {
        "variant": row["variant"],
        "batch": figure(batch),
        "rate": figure(row["samples_per_second"]),
        "lower": figure(slow),
        "upper": figure(fast),
        "throughput": f"{significant(row['samples_per_second'])} samples/s",
        "interval": _interval(slow, fast, lambda *ends: f"[{' – '.join(map(significant, ends))}]"),
        "time": duration(row["seconds"]),
    }


def _crossing(row: dict[Any, Any]) -> Datum:
    low, high = row["batch_below"], row["batch_above"]
    return {
        "batch": figure(row["batch"]),
        "rate": figure(row["batch"] / row["seconds"]),
        "weight": 1 if row["certain"] else 0.45,
        "overtakes": f"{row['variant']} overtakes {row['against']}",
        "at": f"about batch {significant(row['batch'])}, between {low:,g} and {high:,g}",
        "evidence": "the intervals are apart on both sides" if row["certain"] else "the intervals overlap",
    }


def _interval(lower: float, upper: float, text: Callable[[float, float], str]) -> str:
    return "one round: none" if np.isnan(lower) or np.isnan(upper) else text(lower, upper)
