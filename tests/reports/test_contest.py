"""Ours against the best of others: who is best, and by how much, within rounds."""

import pandas as pd
import pytest

from reports.contest import Contest, ratios, summary, tables

CONTESTS = (Contest("peer", "forward", "ours", ("one", "other")), Contest("peer", "train", "ours", ("one",)))


def frame(**seconds: list[float]) -> pd.DataFrame:
    """Forward times by system, one for each round."""
    rows = [
        {"source": "file", "round": number, "variant": name, "value": value, "samples": (value,)}
        for name, values in seconds.items()
        for number, value in enumerate(values)
    ]
    settings = {"benchmark": "b", "mode": "forward", "context": "cpu", "threads": 1, "engine": None, "dtype": "float32"}
    more = {"layer": "MyDense", "batch": 16, "metric": "time", "date": None}
    return pd.DataFrame(rows).assign(**settings, **more, commit="c", machine="m", environment="e")


def test_the_best_of_the_others_is_the_fastest_within_rounds() -> None:
    (row,) = ratios(frame(ours=[1.0, 2.0], one=[2.0, 4.0], other=[4.0, 8.0]), CONTESTS).to_dict("records")
    assert (row["best"], row["ours"], row["theirs"], row["ratio"]) == ("one", 1.5, 3.0, pytest.approx(0.5))


def test_a_cell_that_is_lost_is_named() -> None:
    found = ratios(frame(ours=[3.0, 3.0], one=[2.0, 2.0]), CONTESTS)
    score, lost = summary(found)
    assert score == "ours ÷ best peer: geometric mean 1.50× over 1 cells, 1 of them at or above 1"
    assert "MyDense, forward, batch 16, threads 1: 3.00 s against one's 2.00 s" in lost


def test_a_table_for_people() -> None:
    ((layer, table),) = tables(ratios(frame(ours=[1.0], one=[2.0]), CONTESTS))
    assert (layer, table["ours ÷ best peer"].tolist()) == ("MyDense", ["0.50× one"])


def test_a_cell_that_nobody_else_ran_is_left_out() -> None:
    assert ratios(frame(ours=[1.0], stranger=[2.0]), CONTESTS).empty
