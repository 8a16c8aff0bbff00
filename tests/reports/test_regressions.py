"""Changes of level over commits, in small series whose truth is known."""

import numpy as np
import pandas as pd
import pytest

from reports import read, regressions

COMMITS = 60


@pytest.fixture
def history(write, asv_document, tmp_path):
    """Makes the tidy frame of one asv folder from values over commits by benchmark."""

    def make(**series):
        for position in range(len(next(iter(series.values())))):
            results = {f"suite.{name}": [[values[position]]] for name, values in series.items()}
            day = 86_400_000 * position
            document = asv_document(results, commit_hash=f"{position:040x}", date=1_600_000_000_000 + day)
            write(f"results/box/{position:04d}.json", document)
        return read(tmp_path / "results")

    return make


def noisy(levels, deviation=0.01, seed=0):
    """Levels in seconds, each with normal noise of the same size in logarithm."""
    levels = np.asarray(levels, dtype="float64")
    return (levels * np.exp(np.random.default_rng(seed).normal(0, deviation, len(levels)))).tolist()


def test_a_step_and_its_suspect(history):
    found = regressions(history(time_a=noisy([1e-3] * 40 + [1.1e-3] * 20)))
    row = found.iloc[0]
    assert len(found) == 1
    assert row[["benchmark", "change", "shape", "present"]].tolist() == ["suite.time_a", "regression", "step", True]
    assert row[["commit", "since"]].tolist() == [f"{40:040x}", f"{39:040x}"]
    assert row["ratio"] == pytest.approx(1.1, rel=0.01)
    assert row["lower"] < 1.1 < row["upper"]
    assert row["before"] == pytest.approx(1e-3, rel=0.01)
    assert row["after"] == pytest.approx(1.1e-3, rel=0.01)
    assert row["confidence"] > 0.999


def test_noise_alone_is_no_change(history):
    assert regressions(history(time_a=noisy([1.0] * COMMITS))).empty


def test_an_empty_frame_has_the_columns(history):
    found = regressions(history(time_a=[1.0]))
    assert isinstance(found, pd.DataFrame)
    assert {"benchmark", "variant", "change", "ratio", "group", "importance"} <= set(found.columns)
