"""Finds the batch sizes at which one variant overtakes another."""

import itertools
from collections.abc import Iterator

import numpy as np
import pandas as pd

KEYS = ["benchmark", "mode", "context", "threads", "engine", "dtype", "layer"]
COLUMNS = [*KEYS, "variant", "against", "batch", "batch_below", "batch_above", "seconds", "certain"]


def crossovers(compared: pd.DataFrame) -> pd.DataFrame:
    """Where variants cross in a frame that ``speedups`` made: one row for each layer, mode, context, setting and pair.

    Below ``batch`` the variant ``against`` is faster, from there on ``variant`` is.  Between the two neighbouring
    batch sizes that were measured, ``batch_below`` and ``batch_above``, the logarithm of the ratio of the two times is
    taken for a straight line over the logarithm of the batch size; ``seconds`` is the time of a call that it gives both
    there.  ``certain`` says that on both sides the 95 % intervals of the two do not overlap.  Cases whose batch is not
    a number above 0 have no crossover.
    """
    batches = pd.to_numeric(compared["batch"], errors="coerce").astype("float64")
    usable = compared.assign(batch=batches)[(batches > 0) & np.isfinite(batches) & compared["speedup"].notna()]
    usable.attrs = {}
    rows = [
        {**dict(zip(KEYS, case, strict=True)), **crossing}
        for case, group in usable.groupby(KEYS, dropna=False, sort=False)
        for crossing in _of_case(group)
    ]
    return pd.DataFrame(rows, columns=COLUMNS)


def _of_case(group: pd.DataFrame) -> Iterator[dict[str, object]]:
    """Crossings of every two variants of one case, the variants in the order of ``group``."""
    variants = {name: rows.set_index("batch").sort_index() for name, rows in group.groupby("variant", sort=False)}
    for one, other in itertools.combinations(variants, 2):
        shared = variants[one].index.intersection(variants[other].index)
        yield from _of_pair(variants[one].loc[shared], variants[other].loc[shared])


def _of_pair(one: pd.DataFrame, other: pd.DataFrame) -> Iterator[dict[str, object]]:
    """Crossings of two variants, given at the same batch sizes in rising order."""
    log = np.log(other["speedup"].to_numpy()) - np.log(one["speedup"].to_numpy())  # above 0: the other is faster
    apart = (other["speedup_lower"] > one["speedup_upper"]) | (one["speedup_lower"] > other["speedup_upper"])
    batches, certain = one.index.to_numpy(), apart.to_numpy()
    signs = _signs(log)
    for place in np.flatnonzero(signs[:-1] * signs[1:] < 0):
        share = log[place] / (log[place] - log[place + 1])
        faster, slower = (other, one) if signs[place + 1] > 0 else (one, other)
        yield {
            "variant": faster["variant"].iloc[0],
            "against": slower["variant"].iloc[0],
            "batch": _between(batches, place, share),
            "batch_below": batches[place],
            "batch_above": batches[place + 1],
            "seconds": _between(faster["seconds"].to_numpy(), place, share),
            "certain": bool(certain[place] and certain[place + 1]),
        }


def _signs(values: np.ndarray) -> np.ndarray:
    """Signs of ``values``; a tie goes on as it was before: variants cross where they part, not where they meet."""
    signs: np.ndarray = np.sign(values)
    for place in range(1, len(signs)):
        if signs[place] == 0:
            signs[place] = signs[place - 1]
    return signs


def _between(values: np.ndarray, place: int, share: float) -> float:
    """On a straight line of logarithms, ``share`` of the way from ``values[place]`` to the next."""
    return float(values[place] ** (1 - share) * values[place + 1] ** share)
