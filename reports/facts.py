"""States what a table of speed-ups shows, in sentences computed from it."""

from collections.abc import Hashable
from typing import Any

import numpy as np
import pandas as pd

from reports.crossovers import crossovers
from reports.notes import shown
from reports.units import duration, ratio, significant, times

CROSSINGS = 8  # sentences
CELL = ["benchmark", "mode", "context", "threads", "engine", "dtype", "layer", "batch"]


def facts(frame: pd.DataFrame) -> tuple[str, ...]:
    """Who wins how often, by how much in the geometric mean, where most and least, and what does not pay."""
    compared = frame[frame["speedup"].notna()]
    baseline = str(frame["baseline"].iloc[0])
    others = compared[compared["variant"] != baseline]
    if others.empty:
        return ()
    winners = compared.loc[compared.groupby(CELL, dropna=False, sort=False)["seconds"].idxmin()]
    sentences = (_winners(winners), _means(others, baseline), _extremes(others), _losses(others, baseline))
    return tuple(sentence for sentence in sentences if sentence)


def crossings(frame: pd.DataFrame, most: int = CROSSINGS) -> tuple[str, ...]:
    """From which batch size on one variant overtakes another.

    A sentence for each of the first ``most`` that are certain, the baseline's before others, then how many are left.
    """
    found = crossovers(frame)
    certain = found[found["certain"].astype(bool)]
    others = (certain[["variant", "against"]] != frame["baseline"].iloc[0]).all(axis=1)
    listed = certain.assign(others=others).sort_values("others", kind="stable")[:most]
    sentences = [_crossing(row) for row in listed.to_dict("records")]
    left = {"more": len(certain) - len(listed), "within the noise": len(found) - len(certain)}
    rest = [f"{number} {kind}" for kind, number in left.items() if number]
    return (*sentences, *([f"Crossovers not listed: {', '.join(rest)}."] if rest else []))


def _crossing(row: dict[Hashable, Any]) -> str:
    place = ", ".join(shown(row[name]) for name in ("layer", "mode", "context"))
    measured = f"measured at {row['batch_below']:g} and {row['batch_above']:g}"
    batch = f"about {significant(row['batch'])}"
    return f"From batch {batch} on ({measured}) {row['variant']} is faster than {row['against']}: {place}."


def _winners(winners: pd.DataFrame) -> str:
    wins = winners["variant"].value_counts()
    first, *rest = wins.index
    more = "".join(f", {name} in {wins[name]}" for name in rest)
    return f"{first} is the fastest variant in {wins[first]} of {len(winners)} cells{more}."


def _means(others: pd.DataFrame, baseline: str) -> str:
    means = others.groupby("variant")["speedup"].apply(lambda column: float(np.exp(np.log(column).mean())))
    means = means.sort_values(ascending=False)
    figures = ", ".join(f"{name} {times(mean)}" for name, mean in means.items())
    return f"Geometric mean over {baseline}: {figures}."


def _extremes(others: pd.DataFrame) -> str:
    """The largest and the smallest gain of the variant that gains most on the whole."""
    best = others.groupby("variant")["speedup"].apply(lambda column: np.log(column).mean()).idxmax()
    mine = others[others["variant"] == best]
    most, least = mine.loc[mine["speedup"].idxmax()], mine.loc[mine["speedup"].idxmin()]
    if ratio(most["speedup"]) == ratio(least["speedup"]):
        return ""
    return f"{best} gains most on {_place(most)} and least on {_place(least)}."


def _place(row: pd.Series) -> str:
    figures = f"{times(row['speedup'])}, {duration(row['seconds'])}"
    return f"{row['layer']} at batch {row['batch']}, {row['mode']} ({figures})"


def _losses(others: pd.DataFrame, baseline: str) -> str:
    """Variants that cost time, counted only where the interval leaves no room for a gain."""
    slower = others[others["speedup_upper"] < 1]["variant"].value_counts()
    cells = others["variant"].value_counts()
    if slower.empty:
        return ""
    losses = ", ".join(f"{name} in {number} of {cells[name]}" for name, number in slower.items())
    return f"Slower than {baseline}, with the whole interval below 1: {losses} cells."
