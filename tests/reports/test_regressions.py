"""Changes of level over commits, in small series whose truth is known."""

from datetime import datetime, timedelta, timezone

import numpy as np
import pandas as pd
import pytest

from reports import read, regressions
from reports.frame import Reading, tidy

FIRST = datetime(2025, 1, 1, tzinfo=timezone.utc)


def rows(values, benchmark="suite.time_a", **more):
    """A row of the tidy frame for each value, one commit a day; None is a commit that was not measured."""
    common = {"benchmark": benchmark, "metric": "time", "unit": "seconds", "machine": "box", "environment": "py"} | more
    return [
        common | {"commit": f"c{day:04d}", "date": FIRST + timedelta(days=day), "value": value, "samples": ()}
        for day, value in enumerate(values)
        if value is not None
    ]


def found_in(*series):
    return regressions(tidy(Reading(rows=[row for one in series for row in one])))


def noisy(levels, deviation=0.01, seed=0):
    """Levels with normal noise of the same size in logarithm."""
    levels = np.asarray(levels, dtype="float64")
    return (levels * np.exp(np.random.default_rng(seed).normal(0, deviation, len(levels)))).tolist()


def test_a_step_and_its_suspect():
    found = found_in(rows(noisy([1e-3] * 40 + [1.1e-3] * 20)))
    assert len(found) == 1
    row = found.iloc[0]
    assert row[["benchmark", "change", "shape", "present"]].tolist() == ["suite.time_a", "regression", "step", True]
    assert row[["since", "commit", "position"]].tolist() == ["c0039", "c0040", 40]
    assert row["date"] == pd.Timestamp(FIRST + timedelta(days=40))
    assert row["ratio"] == pytest.approx(1.1, rel=0.01)
    assert row["lower"] < 1.1 < row["upper"]
    assert row["upper"] / row["lower"] < 1.02
    assert row["before"] == pytest.approx(1e-3, rel=0.01)
    assert row["after"] == pytest.approx(1.1e-3, rel=0.01)
    assert 0.999 < row["confidence"] <= 1
    assert row["importance"] == pytest.approx(np.log(row["ratio"]) * row["confidence"])
    assert row["earliest"] <= 40 <= row["latest"]
    assert pd.isna(row["until"])


def test_from_the_files_of_asv(write, asv_document, tmp_path):
    for position, value in enumerate(noisy([1e-3] * 15 + [2e-3] * 15)):
        document = asv_document(
            {"s.time_a": [[value]]}, commit_hash=f"{position:040x}", date=86_400_000 * (1 + position)
        )
        write(f"results/box/{position:04d}.json", document)
    found = regressions(read(tmp_path / "results"))
    assert found[["since", "commit", "machine"]].to_numpy().tolist() == [[f"{14:040x}", f"{15:040x}", "box"]]


def test_faster_is_an_improvement_unless_higher_is_better():
    frame = tidy(Reading(rows=rows(noisy([1.0] * 30 + [0.8] * 30), benchmark="track_rate", metric="value")))
    assert regressions(frame)["change"].tolist() == ["improvement"]
    assert regressions(frame, higher=["track_rate"])["change"].tolist() == ["regression"]
    assert regressions(frame, higher=["value"])["change"].tolist() == ["regression"]
    assert regressions(frame, higher=["time"])["change"].tolist() == ["improvement"]


def test_commits_that_were_not_measured_widen_the_range_of_suspects():
    values = noisy([1.0] * 40 + [1.2] * 40)
    values[35:45] = [None] * 10
    row = found_in(rows(values), rows([1.0] * 80, benchmark="other")).iloc[0]
    assert row[["since", "commit", "position"]].tolist() == ["c0034", "c0045", 45]


def test_outliers_are_no_change_and_hide_none():
    values = noisy([1.0] * 60 + [1.1] * 60)
    for position in (10, 30, 31, 58, 75, 119):
        values[position] *= 5
    found = found_in(rows(values))
    assert found["commit"].tolist() == ["c0060"]
    assert found["ratio"].iloc[0] == pytest.approx(1.1, rel=0.01)


def test_creep_is_one_range():
    found = found_in(rows(noisy(np.exp(np.interp(np.arange(200), [50, 150], [0, np.log(1.3)])))))
    assert len(found) == 1
    row = found.iloc[0]
    assert row[["change", "shape", "present"]].tolist() == ["regression", "creep", True]
    assert int(row["since"][1:]) == pytest.approx(50, abs=15)
    assert row["position"] == pytest.approx(150, abs=15)
    assert row["ratio"] == pytest.approx(1.3, rel=0.02)


def test_what_was_mended_is_not_present():
    found = found_in(rows(noisy([1.0] * 30 + [1.5] * 30 + [1.02] * 30))).set_index("change")
    assert found.loc["regression", ["commit", "until", "present"]].tolist() == ["c0030", "c0059", False]
    assert found.loc["improvement", ["commit", "present"]].tolist() == ["c0060", True]
    assert found.loc["regression", "importance"] == pytest.approx(np.log(1.5) / 4, rel=0.05)


def test_a_part_that_was_mended_leaves_the_rest():
    found = found_in(rows(noisy([1.0] * 30 + [1.5] * 30 + [1.4] * 30))).set_index("change")
    assert bool(found.loc["regression", "present"])


def test_what_is_measured_no_more_is_not_present():
    old = rows(noisy([1.0] * 30 + [1.5] * 30))
    found = found_in(old, rows(noisy([1.0] * 120), benchmark="newer"))
    assert found["present"].tolist() == [False]
    assert found_in(old, rows(noisy([1.0] * 120), environment="newer"))["present"].tolist() == [False]
    assert found_in(old, rows(noisy([1.0] * 120), machine="another"))["present"].tolist() == [True]


def test_one_commit_that_moved_many_series_is_one_group():
    slower = [1.0] * 50 + [1.2] * 50
    found = found_in(
        rows(noisy(slower, seed=1), benchmark="a"),
        rows(noisy(slower, seed=2), benchmark="b"),
        rows(noisy([1.0] * 20 + [1.1] * 80, seed=3), benchmark="c"),
        rows(noisy([2.0] * 50 + [1.0] * 50, seed=4), benchmark="d"),
        rows(noisy(slower, seed=5), benchmark="a", machine="another"),
    )
    seen = {(row.benchmark, row.machine): (row.group, row.moved) for row in found.itertuples()}
    same = {seen[name, "box"] for name in "abd"}
    assert len(same) == 1
    assert next(iter(same))[1] == 3
    assert {moved for _, moved in (seen["c", "box"], seen["a", "another"])} == {1}
    assert len({group for group, _ in seen.values()}) == 3
    assert found["group"].iloc[0] == 1


def test_what_matters_comes_first():
    found = found_in(
        rows(noisy([1.0] * 30 + [3.0] * 30 + [1.0] * 30), benchmark="mended"),
        rows(noisy([1.0] * 30 + [1.1] * 60), benchmark="small"),
        rows(noisy([1.0] * 30 + [1.5] * 60), benchmark="large"),
        rows(noisy([1.0] * 30 + [0.1] * 60), benchmark="faster"),
    )
    assert found["benchmark"].tolist() == ["large", "mended", "small", "faster", "mended"]
    assert found["importance"].iloc[:3].is_monotonic_decreasing


def test_several_results_of_one_commit_are_one_point():
    steady, once = noisy([1.0] * 40), [None] * 20 + [9.0] + [None] * 19
    assert found_in(rows(steady), rows(steady), rows(once)).empty


def test_series_are_apart():
    """Each of these on its own is steady; as one series they would jump."""
    for name, values in {"size": (1, "x"), "environment": ("a", None), "threads": (1, 2), "unit": ("s", "B")}.items():
        half = [rows([level] * 40, **{name: value}) for level, value in zip((1.0, 2.0), values, strict=True)]
        assert found_in(half[0][:20], half[1][20:]).empty, name
        assert len(found_in(half[0][:20], [row | {name: values[0]} for row in half[1][20:]])) == 1, name


def test_commits_are_ordered_by_date_whatever_the_order_of_files():
    values = rows(noisy([1.0] * 30 + [1.3] * 30))
    mixed = [values[i] for i in np.random.default_rng(0).permutation(len(values))]
    pd.testing.assert_frame_equal(found_in(mixed), found_in(values))


def test_results_without_commits_go_by_their_date():
    found = found_in([row | {"commit": None} for row in rows(noisy([1.0] * 30 + [1.3] * 30))])
    assert found["commit"].tolist() == ["2025-01-31T00:00:00+00:00"]


def test_a_series_without_any_noise():
    assert found_in(rows([1000.0] * 40 + [1001.0] * 40)).empty, "a tenth of a per cent is not worth a row"
    found = found_in(rows([1000.0] * 40 + [1024.0] * 40, metric="memory", unit="bytes"))
    assert found["ratio"].tolist() == [pytest.approx(1.024)]


def test_the_newest_commits_count_as_soon_as_there_are_two():
    assert found_in(rows(noisy([1.0] * 50 + [1.5]))).empty
    assert found_in(rows(noisy([1.0] * 50 + [1.5] * 2)))["commit"].tolist() == ["c0050"]


@pytest.mark.parametrize("values", [[], [1.0], [1.0, 2.0], [1.0] * 200, [0.0] * 50, [-1.0] * 20 + [-2.0] * 20])
def test_too_little_to_judge(values):
    found = found_in(rows(values))
    assert found.empty
    assert {"benchmark", "variant", "change", "ratio", "group", "importance"} <= set(found.columns)


def test_what_has_no_place_is_told():
    undated = [row | {"date": None} for row in rows([1.0] * 3)]
    found = found_in(undated, rows([1.0, 0.0, -1.0, float("nan")]))
    assert found.attrs["problems"] == [
        "Not judged: 3 results without a date",
        "Not judged: 2 results of zero or less, which have no ratio to others",
    ]


def test_the_given_frame_is_left_alone():
    frame = tidy(Reading(rows=rows(noisy([1.0] * 30 + [1.3] * 30)), skipped=[{"id": "a"}]))
    before = frame.copy()
    regressions(frame)
    pd.testing.assert_frame_equal(frame, before)
    assert frame.attrs == before.attrs


def test_a_change_larger_than_any_ratio():
    for values in ([1e-300] * 8 + [1e300] * 8, [1e300] * 8 + [1e-300] * 8):
        (found,) = found_in(rows(values)).to_dict("records")
        assert 0 < found["lower"] <= found["ratio"] <= found["upper"] < np.inf
