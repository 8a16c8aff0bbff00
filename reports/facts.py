"""States what a table of speed-ups shows, in sentences computed from it."""

import numpy as np
import pandas as pd

from reports.units import duration, ratio, times

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
