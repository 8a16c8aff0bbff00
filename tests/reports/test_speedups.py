"""Speed-ups: ratios and intervals against figures worked out by hand."""

import math

import numpy as np
import pandas as pd
import pytest

from reports import ReportError, read, render, speedups
from reports.speedups import geometric_means


@pytest.fixture
def results(write, document, entry):
    """Makes the tidy frame of one file from (cell, samples, round) triples."""

    def make(*measured, name="run.json", **more):
        return read(write(name, document([entry(*one) for one in measured], **more)))

    return make


def cell(variant, batch=16, layer="MyDense", mode="forward"):
    return (layer, variant, batch, mode)


def row_of(frame, variant):
    return frame.set_index("variant").loc[variant]


def test_interval_of_three_ratios_by_hand():
    # ln of 2, 4, 8 is ln 2 times 1, 2, 3: mean 2 ln 2, standard deviation ln 2, and t(0.975, 2) = 4.302653.
    logs = np.log([2, 4, 8])
    ratio = geometric_means(pd.DataFrame({"mean": [logs.mean()], "std": [logs.std(ddof=1)], "count": [3]})).iloc[0]
    margin = 4.302653 * math.log(2) / math.sqrt(3)
    assert ratio.point == pytest.approx(4)
    assert ratio.lower == pytest.approx(4 * math.exp(-margin), rel=1e-6)
    assert ratio.upper == pytest.approx(4 * math.exp(margin), rel=1e-6)


def test_the_round_is_the_unit_and_the_median_its_figure(results):
    frame = results(
        (cell("imperative"), [8e-6, 8e-6, 1.0], 0),
        (cell("numba"), [1e-6, 4e-6, 9e-6], 0),
        (cell("imperative"), [16e-6], 1),
        (cell("numba"), [4e-6], 1),
        (cell("imperative"), [32e-6], 2),
        (cell("numba"), [4e-6], 2),
    )
    table = speedups(frame)
    assert table.columns[:12].tolist() == [
        *("layer", "variant", "batch", "context", "mode", "threads", "seconds", "samples_per_second"),
        *("speedup", "speedup_lower", "speedup_upper", "baseline"),
    ]
    assert table["variant"].tolist() == ["imperative", "numba"], "the baseline comes first"
    fast, slow = row_of(table, "numba"), row_of(table, "imperative")
    margin = 4.302653 * math.log(2) / math.sqrt(3)
    assert fast["speedup"] == pytest.approx(4), "ratios 2, 4 and 8"
    assert fast["speedup_lower"] == pytest.approx(4 * math.exp(-margin), rel=1e-6)
    assert fast["speedup_upper"] == pytest.approx(4 * math.exp(margin), rel=1e-6)
    assert fast["seconds"] == pytest.approx(4e-6)
    assert fast["samples_per_second"] == pytest.approx(16 / 4e-6)
    assert slow["seconds"] == pytest.approx(16e-6)
    assert slow[["speedup", "speedup_lower", "speedup_upper"]].tolist() == [1, 1, 1]
    assert fast[["baseline", "threads", "engine", "dtype", "rounds", "warning"]].tolist() == [
        *("imperative", 2, "threaded", "float32", 3, "")
    ]


def test_each_variant_stands_alone_in_every_mode_that_the_results_hold(results):
    seconds = {"imperative": 8.0, "hybridized": 4.0, "hybridized-static": 2.0, "numba": 1.0}
    modes = {"forward": 1.0, "train": 2.0, "first call": 100.0}
    frame = results(
        *(
            (cell(variant, batch, mode=mode), [slower * figure / (1 if variant == "imperative" else slower)], number)
            for number in range(2)
            for batch in (1, 16)
            for mode, slower in modes.items()
            for variant, figure in seconds.items()
            if (variant, mode) != ("hybridized", "first call")
        )
    )
    table = speedups(frame).set_index(["mode", "variant", "batch"])["speedup"]
    assert len(table) == 2 * (3 * 4 - 1)
    for (mode, variant, _), speedup in table.items():
        expected = 1 if variant == "imperative" else 8 / seconds[variant] * modes[mode]
        assert speedup == pytest.approx(expected)
    turned = speedups(frame, "hybridized").set_index(["mode", "variant", "batch"])["speedup"]
    assert turned["train", "numba", 16] == pytest.approx(4)
    assert math.isnan(turned["first call", "numba", 16]), "there the baseline was not measured"


def test_another_baseline_turns_the_ratio_round(results):
    frame = results((cell("imperative"), [8.0], 0), (cell("numba"), [2.0], 0))
    assert row_of(speedups(frame), "numba")["speedup"] == pytest.approx(4)
    turned = speedups(frame, baseline="numba")
    assert row_of(turned, "imperative")["speedup"] == pytest.approx(0.25)
    assert turned["variant"].tolist() == ["numba", "imperative"]
    assert set(turned["baseline"]) == {"numba"}


def test_one_round_has_no_interval_and_says_so(results):
    frame = results((cell("imperative"), [8.0, 8.1, 7.9], 0), (cell("numba"), [2.0, 2.1, 1.9], 0))
    row = row_of(speedups(frame), "numba")
    assert row["speedup"] == pytest.approx(4)
    assert math.isnan(row["speedup_lower"])
    assert math.isnan(row["speedup_upper"])
    assert row["warning"] == "one round: no interval"


def test_only_rounds_that_hold_both_are_paired(results):
    frame = results(
        (cell("imperative"), [8.0], 0),
        (cell("numba"), [2.0], 0),
        (cell("imperative"), [8.0], 1),
        (cell("numba"), [1.0], 1),
        (cell("numba"), [1000.0], 2),
    )
    row = row_of(speedups(frame), "numba")
    assert row["speedup"] == pytest.approx(math.sqrt(4 * 8))
    assert row["rounds"] == 2
    assert row["warning"] == "2 of 3 rounds also hold imperative: only these are compared"


def test_a_case_without_baseline_has_no_speedup(results):
    frame = results((cell("imperative"), [8.0], 0), (cell("numba", batch=1), [2.0], 0))
    row = row_of(speedups(frame), "numba")
    assert math.isnan(row["speedup"])
    assert row["seconds"] == 2.0
    assert row["warning"] == "imperative was not measured: no speed-up"


def test_settings_are_never_mixed(write, document, entry):
    measured = [
        entry(cell("imperative"), [8.0], threads=1),
        entry(cell("numba"), [4.0], threads=1),
        entry(cell("imperative"), [8.0], threads=2),
        entry(cell("numba"), [2.0], threads=2),
        entry(cell("imperative"), [8.0], engine="naive"),
        entry(cell("numba"), [1.0], engine="naive"),
    ]
    table = speedups(read(write("run.json", document(measured))))
    fast = table[table["variant"] == "numba"]
    found = dict(zip(zip(fast["threads"], fast["engine"], strict=True), fast["speedup"], strict=True))
    assert found == {
        (1, "threaded"): pytest.approx(2),
        (2, "threaded"): pytest.approx(4),
        (2, "naive"): pytest.approx(8),
    }


def test_rounds_of_several_files_of_one_commit_are_pooled(write, tmp_path, document, entry):
    for number, fast in enumerate([1.0, 2.0, 4.0]):
        write(f"{number}.json", document([entry(cell("imperative"), [8.0]), entry(cell("numba"), [fast])]))
    row = row_of(speedups(read(tmp_path)), "numba")
    assert row["rounds"] == 3
    assert row["speedup"] == pytest.approx(4)


def test_of_several_commits_the_newest_is_compared(write, tmp_path, document, entry):
    for name, fast, date in (("old", 1.0, "2025-01-01"), ("new", 2.0, "2026-01-01"), ("mid", 4.0, "2025-06-01")):
        entries = [entry(cell("imperative"), [8.0]), entry(cell("numba"), [fast])]
        write(f"{name}.json", document(entries, commit_info={"id": name * 8, "time": f"{date}T00:00:00Z"}))
    table = speedups(read(tmp_path))
    assert row_of(table, "numba")["speedup"] == pytest.approx(4)
    assert table.attrs["problems"] == [
        "the results hold 3 runs; only the newest is compared: newnewne, box, CPython 3.11.9"
    ]


def test_asv_results(write, asv_document):
    axes = [["'MyDense'"], ["'imperative'", "'numba'"], ["1", "16"], ["'cpu'", "'gpu'"], ["'forward'"]]
    nan = math.nan
    values = [8e-6, nan, 6e-6, nan, 2e-6, nan, 3e-6, nan]
    names = ["layer", "variant", "batch", "context", "mode"]
    write("results/benchmarks.json", {"s.time_case": {"type": "time", "unit": "seconds", "param_names": names}})
    path = write("results/box/a.json", asv_document({"s.time_case": [values, axes]}))
    table = speedups(read(path))
    fast = table[table["variant"] == "numba"].set_index("batch")
    assert fast["speedup"].to_dict() == {1: pytest.approx(4), 16: pytest.approx(2)}
    assert fast["samples_per_second"].to_dict() == {1: pytest.approx(1 / 2e-6), 16: pytest.approx(16 / 3e-6)}
    assert fast["threads"].isna().all()
    assert len(table.attrs["skipped"]) == 4


def test_unknown_baseline_lists_what_there_is(results):
    frame = results((cell("imperative"), [8.0], 0), (cell("numba"), [2.0], 0))
    with pytest.raises(ReportError, match="no variant 'jax' to compare with; the results hold imperative, numba"):
        speedups(frame, baseline="jax")


def test_results_without_variants(write, document):
    frame = read(write("a.json", document([{"fullname": "t", "stats": {"median": 1.0}}])))
    with pytest.raises(ReportError, match="the results hold no times of variants"):
        speedups(frame)


def test_results_that_hold_nothing_but_what_is_missing(write, document):
    skipped = [{"id": name, "params": {"context": "gpu"}, "reason": "no GPU"} for name in "ab"]
    frame = read(write("a.json", document([], skipped=skipped)))
    message = r"the results hold no figure: all that was asked for is missing \(no GPU\)"
    with pytest.raises(ReportError, match=message):
        speedups(frame)


def test_remarks_stand_under_the_table(results):
    frame = results((cell("imperative"), [8.0], 0), (cell("numba"), [2.0], 0))
    frame["remarks"] = ["Net was compared with itself\nand said so", None]
    assert speedups(frame).attrs["remarks"] == ["Net was compared with itself", "and said so"]
    for form in ("table", "markdown"):
        assert "Net was compared with itself" in render(speedups(frame), form)


def test_a_duration_of_zero_is_no_infinite_speedup(results):
    frame = results((cell("imperative"), [8.0], 0), (cell("numba"), [0.0], 0), (cell("hybridized"), [4.0], 0))
    assert speedups(frame)["variant"].tolist() == ["imperative", "hybridized"]


def test_the_given_frame_is_left_alone(results):
    frame = results((cell("imperative"), [8.0], 0), (cell("numba"), [2.0], 0))
    before = frame.copy()
    speedups(frame)
    pd.testing.assert_frame_equal(frame, before)
    assert frame.attrs == before.attrs


def test_a_time_in_no_known_unit_is_not_taken_for_seconds(write, asv_document):
    write("benchmarks.json", {"s.time_x": {"param_names": ["variant"], "unit": "furlongs"}})
    path = write("a.json", asv_document({"s.time_x": [[1.0, 2.0], [["'imperative'", "'numba'"]]]}))
    with pytest.raises(ReportError, match="no times of variants"):
        speedups(read(path))


def test_other_values_of_somebody_s_own_parameter_are_other_cases(results):
    frame = results((cell("imperative"), [4.0], 0), (cell("numba"), [1.0], 0))
    large = frame.assign(value=frame["value"] * 10, samples=[(40.0,), (20.0,)], n=1000)
    table = speedups(pd.concat([frame.assign(n=10), large], ignore_index=True))
    found = table[table["variant"] == "numba"].set_index("benchmark")["speedup"]
    name = frame["benchmark"].iloc[0]
    assert found.to_dict() == pytest.approx({f"{name} (n=10)": 4.0, f"{name} (n=1000)": 2.0})
