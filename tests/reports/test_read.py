"""Readers: what each format holds arrives in the tidy frame, and damage is named."""

import json
import math
import os
import re
from pathlib import Path

import pandas as pd
import pytest

from reports import ReportError, read
from reports.crossovers import COLUMNS as CROSSOVERS
from reports.frame import COLUMNS, MARK, PARAMETERS, SETTINGS, TAKEN
from reports.regressions import FIGURES
from reports.speedups import COLUMNS as SPEEDUPS

CELL = ("MyDense", "numba", 16, "train")


def test_own_result_file(write, document, entry):
    skipped = [{"id": "a", "params": {"context": "gpu"}, "reason": "no GPU"}]
    path = write("run.json", document([entry(CELL, [3e-6, 1e-6, 2e-6], round_=4)], skipped=skipped))
    frame = read(path)
    assert tuple(frame.columns) == COLUMNS
    row = frame.iloc[0]
    assert row[["layer", "variant", "batch", "context", "mode"]].tolist() == ["MyDense", "numba", 16, "cpu", "train"]
    assert row[["threads", "dtype", "engine", "round"]].tolist() == [2, "float32", "threaded", 4]
    assert row[["source", "benchmark"]].tolist() == [str(path), "test_cases.py::test_case"]
    assert row[["machine", "environment", "commit"]].tolist() == ["box", "CPython 3.11.9", "c0ffee" * 6]
    assert row["date"] == pd.Timestamp("2026-03-04T03:06:07Z")
    assert row[["metric", "unit", "value"]].tolist() == ["time", "seconds", 2e-6]
    assert row["samples"] == (3e-6, 1e-6, 2e-6)
    assert frame.attrs == {"skipped": skipped, "problems": []}


def test_what_a_file_says_to_its_readers(write, document, entry):
    entries = [entry(CELL, [1e-6], round_=number) for number in (1, 2)]
    for one in entries:
        one["extra_info"]["remarks"] = ["b was compared with a", "a is b", 3]
    entries[0]["extra_info"]["remarks"] = "no list"
    frame = read(write("run.json", document(entries)))
    assert frame["remarks"].isna().tolist() == [True, False]
    assert frame["remarks"].iloc[1] == "b was compared with a\na is b"


def test_foreign_pytest_benchmark_without_samples(write, document):
    stats = {"median": 0.5, "iqr": 0.1, "rounds": 25}
    entries = [
        {"fullname": "t.py::test_plain[a]", "params": None, "extra_info": {"note": "x", "round": "no"}, "stats": stats},
        {"fullname": "t.py::test_sized[1-x]", "params": {"size": 1, "value": "x", "cfg": {"a": [1]}}, "stats": stats},
    ]
    frame = read(write("foreign.json", document(entries, commit_info={}, datetime="2026-03-05T00:00:00Z")))
    assert frame["benchmark"].tolist() == ["t.py::test_plain[a]", "t.py::test_sized"]
    assert frame["size"].iloc[1] == 1
    assert frame["cfg"].iloc[1] == '{"a": [1]}'
    assert frame["value (parameter)"].iloc[1] == "x", "a parameter must not overwrite a column of the frame"
    assert frame["value"].tolist() == [0.5, 0.5]
    assert frame["samples"].tolist() == [(), ()]
    assert frame["round"].isna().all()
    assert frame["date"].iloc[0] == pd.Timestamp("2026-03-05T00:00:00Z"), "without a commit the run's own date"
    # 99 % of a normal sample's median: 2.576 * 1.2533 * (IQR / 1.349) / sqrt(n)
    assert frame["upper"].iloc[0] - 0.5 == pytest.approx(2.576 * 1.2533 * (0.1 / 1.349) / 5, rel=1e-4)
    assert frame["upper"].iloc[0] - 0.5 == pytest.approx(0.5 - frame["lower"].iloc[0])


def test_asv_version_2(write, asv_document):
    parameters = [["'numba'", "'it''s'"], ["1", "16"], ["<object at 0x1>"]]
    nan = math.nan
    results = {
        "suite.Layers.time_case": [
            *([[1e-3, None, nan, 4e-3], parameters, "v", 1, 2.0]),
            *([[0.9e-3, None, None, 3e-3], [1.1e-3, None, None, 5e-3], None, None, [1], [5]]),
            [[1e-3, 2e-3], None, None, [4e-3]],
        ],
        "suite.peakmem_all": [[2048], []],
        "suite.track_speed": [[7]],
        "suite.time_broken": [None, [["1", "2"]]],
    }
    descriptions = {
        "suite.Layers.time_case": {"param_names": ["variant", "batch", "thing"], "type": "time", "unit": "ms"},
        "version": 2,
    }
    write("results/benchmarks.json", descriptions)
    write("results/box/machine.json", {"machine": "box", "version": 1})
    path = write("results/box/abcdef01-env.json", asv_document(results, env_vars={"GLUONMARK_THREADS": "2"}))
    frame = read(path.parents[1])
    assert frame["benchmark"].tolist() == ["suite.Layers.time_case"] * 2 + ["suite.peakmem_all", "suite.track_speed"]
    timed = frame.head(2)
    assert timed["variant"].tolist() == ["numba", "its"]
    assert timed["batch"].tolist() == [1, 16]
    assert timed["thing"].tolist() == ["<object at 0x1>"] * 2
    assert timed["unit"].tolist() == ["seconds"] * 2
    assert timed["value"].tolist() == pytest.approx([1e-6, 4e-6]), "milliseconds become seconds"
    assert timed["lower"].tolist() == pytest.approx([0.9e-6, 3e-6])
    assert timed["upper"].tolist() == pytest.approx([1.1e-6, 5e-6])
    assert timed["samples"].tolist() == [pytest.approx((1e-6, 2e-6)), pytest.approx((4e-6,))]
    assert frame["metric"].tolist() == ["time", "time", "peakmemory", "track"]
    assert frame["unit"].tolist() == ["seconds", "seconds", "bytes", "unit"]
    assert frame["threads"].tolist() == [2] * 4
    assert frame[["machine", "environment", "commit"]].iloc[0].tolist() == [
        "box",
        "virtualenv-py3.11",
        "abcdef0123456789",
    ]
    assert frame["date"].iloc[0] == pd.Timestamp("2023-11-14T22:13:20Z")
    reasons = [(case["id"], case["reason"]) for case in frame.attrs["skipped"]]
    assert reasons == [
        ("suite.Layers.time_case('numba', 16, <object at 0x1>)", "failed in asv"),
        ("suite.Layers.time_case('it''s', 1, <object at 0x1>)", "skipped in asv"),
        ("suite.time_broken(1)", "failed in asv"),
        ("suite.time_broken(2)", "failed in asv"),
    ]
    assert frame.attrs["skipped"][0]["params"]["batch"] == 16


def test_asv_version_1(write):
    stats = [{"ci_99": [1.0, 3.0]}, None]
    results = {
        "suite.time_two": {"result": [2.0, 5.0], "stats": stats, "params": [["'a'", "'b'"]]},
        "suite.time_plain": 7.0,
        "suite.time_failed": None,
    }
    document = {"results": results, "params": {"machine": "old"}, "commit_hash": "1" * 40, "date": 0, "version": 1}
    frame = read(write("old/1-env.json", document))
    assert frame["value"].tolist() == [2.0, 5.0, 7.0]
    assert frame["param1"].tolist()[:2] == ["a", "b"], "without benchmarks.json the parameters are numbered"
    assert frame["lower"].iloc[0] == 1.0
    assert frame["upper"].iloc[0] == 3.0
    assert frame["lower"].iloc[1:].isna().all()
    assert [case["id"] for case in frame.attrs["skipped"]] == ["suite.time_failed()"]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ('{"benchmarks": [', r"broken\.json: is not a complete JSON file"),
        ("[" * 100_000, r"broken\.json: is not a complete JSON file"),
        ("", r"broken\.json: is not a complete JSON file"),
        ("null", r"broken\.json: holds no result of asv or pytest-benchmark, but null"),
        ([1, 2], r"broken\.json: holds no result of asv or pytest-benchmark, but a JSON list"),
        ({"name": "x"}, r"broken\.json: is neither a result of asv .* nor of pytest-benchmark"),
    ],
)
def test_one_unusable_file(write, content, message):
    with pytest.raises(ReportError, match=message):
        read(write("broken.json", content))


def test_no_such_path(tmp_path):
    with pytest.raises(ReportError, match=r"nothing\.json: there is no such file or folder"):
        read(tmp_path / "nothing.json")


def test_no_path_at_all():
    with pytest.raises(ReportError, match="no results were named"):
        read()


def test_folder_without_results(tmp_path):
    with pytest.raises(ReportError, match="the folder holds no result files"):
        read(tmp_path)


def test_file_without_measurements(write, document):
    with pytest.raises(ReportError, match="the file holds no measurements"):
        read(write("empty.json", document([])))


def test_folder_of_broken_files_only(write, tmp_path):
    write("a.json", "{")
    write("b.json", "{")
    with pytest.raises(ReportError, match=r"nothing in .* could be used: .*a\.json: is not .* \(and 1 more like it\)"):
        read(tmp_path)


def test_damaged_files_in_a_folder_are_named_and_the_rest_is_read(write, tmp_path, document, entry):
    write("a.json", document([entry(CELL, [1.0])]))
    write("deep/truncated.json", json.dumps(document([entry(CELL, [1.0])]))[:-20])
    write("package.json", {"name": "x"})
    frame = read(tmp_path)
    assert len(frame) == 1
    assert [problem.split(": ")[0] for problem in frame.attrs["problems"]] == [
        str(tmp_path / "deep" / "truncated.json"),
        str(tmp_path / "package.json"),
    ]


@pytest.mark.parametrize(
    ("stats", "message"),
    [
        (None, "it has no 'stats'"),
        ({"median": "fast"}, r"'stats\.median' is not a duration in seconds, but 'fast'"),
        ({"median": -1.0}, r"'stats\.median' is not a duration"),
        ({"median": 10**400}, r"'stats\.median' is not a duration"),
        ({"median": math.nan}, r"'stats\.median' is not a duration"),
        ({"data": [1.0, None]}, r"'stats\.data' is not a list of durations"),
        ({"data": {"a": 1}}, r"'stats\.data' is not a list of durations"),
    ],
)
def test_damaged_entry_of_pytest_benchmark(write, document, entry, stats, message):
    entries = [entry(CELL, [1.0]), {"fullname": "t.py::test_bad", "stats": stats}, "no entry"]
    frame = read(write("run.json", document(entries)))
    assert frame["benchmark"].tolist() == ["test_cases.py::test_case"]
    first, second = frame.attrs["problems"]
    with pytest.raises(ValueError, match=rf"run\.json: t\.py::test_bad: {message}"):
        raise ValueError(first)
    assert second.endswith("benchmarks[2]: an object was expected, not str")


@pytest.mark.parametrize(
    ("row", "message"),
    [
        ([[1.0, 2.0], [["1", "2", "3"]]], "it has 2 results for 3 combinations of parameters"),
        ([["fast"], []], "a number was expected, not 'fast'"),
        ([[10**400], []], "a number was expected"),
        ([[1.0], "xy"], "'params' is not a list of lists"),
        (
            [[1.0], [[str(i) for i in range(1000)]] * 9],
            "it has 1 results for 1000000000000000000000000000 combinations",
        ),
    ],
)
def test_damaged_entry_of_asv(write, asv_document, row, message):
    results = {"s.time_bad": row, "s.time_good": [[1.0]]}
    frame = read(write("box/file.json", asv_document(results)))
    assert frame["benchmark"].tolist() == ["s.time_good"]
    assert len(frame.attrs["problems"]) == 1
    assert f"s.time_bad: {message}" in frame.attrs["problems"][0]


def test_damaged_benchmarks_json_costs_only_names_and_units(write, asv_document):
    write("results/benchmarks.json", "{")
    write("results/box/a.json", asv_document({"s.time_x": [[1.0]]}))
    path = write("results/box/b.json", asv_document({"s.time_x": [[2.0]]}))
    frame = read(path.parents[1])
    assert frame["value"].tolist() == [1.0, 2.0]
    assert len(frame.attrs["problems"]) == 1, "one sentence, not one for each result file"
    assert "units and names of parameters are unknown" in frame.attrs["problems"][0]


def test_a_file_named_twice_is_read_once(write, tmp_path, document, entry):
    path = write("a.json", document([entry(CELL, [1.0])]))
    assert len(read(tmp_path, path, path)) == 1


def test_hostile_parameters_stay_text(write, asv_document):
    hostile = ["__import__('os').abort()", "(" * 900, "9" * 2000, "[1]"]
    frame = read(write("box/a.json", asv_document({"s.time_x": [[1.0] * 4, [hostile]]})))
    assert frame["param1"].tolist() == hostile


def test_batch_that_is_no_number_stays_what_it_is(write, document):
    stats = {"median": 1.0}
    entries = [{"fullname": "a", "params": {"batch": batch}, "stats": stats} for batch in ("large", 3)]
    assert read(write("a.json", document(entries)))["batch"].tolist() == ["large", 3]


def test_file_that_may_not_be_read(write, monkeypatch):
    def refuse(*_):
        raise PermissionError(13, "Permission denied")

    path = write("secret.json", {})
    monkeypatch.setattr(os, "open", refuse)  # not chmod: root may read everything
    with pytest.raises(ReportError, match=r"secret\.json: cannot be read: Permission denied"):
        read(path)


def test_numbers_that_no_float_can_hold(write, document):
    stats = {"median": 1.0, "iqr": 0.1, "rounds": 10**400}
    entries = [{"fullname": "a", "params": {"size": 10**400}, "extra_info": {"round": 10**400}, "stats": stats}]
    row = read(write("a.json", document(entries))).iloc[0]
    assert row["size"] == str(10**400)
    assert pd.isna(row["round"])
    assert pd.isna(row["lower"])


def test_one_sample_of_asv_has_no_interval(write, asv_document):
    """``asv run --quick`` takes one sample, and writes an infinite interval around it."""
    row = [[1.5], [], "v", None, None, [float("-inf")], [float("inf")]]
    frame = read(write("box/quick.json", asv_document({"s.time_x": row})))
    assert frame["value"].tolist() == [1.5]
    assert frame["lower"].isna().all()
    assert frame["upper"].isna().all()


def hostile_folder(folder: Path, good: dict) -> dict[str, str]:
    """Everything that can lie in a folder under a result file's name; by that name what is said of it."""
    text = json.dumps(good)
    folder.mkdir()
    (folder / "good.json").write_text(text)
    (folder / "folder.json").mkdir()
    os.mkfifo(folder / "pipe.json")
    (folder / "loop.json").symlink_to("loop.json")
    (folder / "gone.json").symlink_to("nowhere")
    (folder / "up").symlink_to("..", target_is_directory=True)
    with (folder / "huge.json").open("wb") as file:
        file.truncate(2**30)
    (folder / "latin.json").write_bytes(text.replace("box", "b\xf6x").encode("latin-1"))
    (folder / "nul.json").write_text(text.replace("box", "b\0x"))
    (folder / "twice.json").write_text(text.replace('"s.time_x"', '"s.time_x": [[2.0]], "s.time_x"'))
    (folder / "deep.json").write_text(text.replace("1.0", "[" * 100_000 + "]" * 100_000))
    (folder / "long.json").write_text(text.replace("1.0", "9" * 5000))
    os.close(os.open(os.fsencode(folder) + b"/\xff.json", os.O_CREAT))
    return {
        "pipe.json": "is no regular file",
        "loop.json": "cannot be read: Too many levels of symbolic links",
        "gone.json": "cannot be read: No such file or directory",
        "huge.json": "has 1,073,741,824 bytes, and no result file has more than 268,435,456",
        "latin.json": "is not a complete JSON file ('utf-8' codec can't decode",
        "nul.json": "is not a complete JSON file (Invalid control character",
        "twice.json": "s.time_x: stands there twice, so it is not used",
        "deep.json": "is not a complete JSON file (maximum recursion depth",
        "long.json": "is not a complete JSON file (Exceeds the limit",
        r"\xff.json": "is not a complete JSON file (Expecting value",
    }


def test_whatever_lies_in_a_folder_is_named(tmp_path, asv_document):
    said = hostile_folder(tmp_path / "box", asv_document({"s.time_x": [[1.0]]}))
    frame = read(tmp_path)
    assert frame["source"].tolist() == [str(tmp_path / "box" / "good.json")]
    found = {problem.removeprefix(f"{tmp_path}/box/").partition(": ")[::2] for problem in frame.attrs["problems"]}
    assert {name for name, _ in found} == set(said)
    assert all(problem.startswith(said[name]) for name, problem in found)


@pytest.mark.parametrize("name", ["pipe.json", "loop.json", "huge.json", "twice.json"])
def test_a_file_that_is_named_is_no_different(tmp_path, asv_document, name):
    said = hostile_folder(tmp_path / "box", asv_document({"s.time_x": [[1.0]]}))
    file, good = tmp_path / "box" / name, tmp_path / "box" / "good.json"
    with pytest.raises(ReportError, match="^" + re.escape(f"{file}: {said[name]}")):
        read(file)
    if name != "loop.json":  # what cannot be found at all is a mistake in writing
        assert len(read(file, good)) == 1


def test_a_folder_that_may_not_be_looked_into_is_named(tmp_path, asv_document, write):
    write("box/good.json", asv_document({"s.time_x": [[1.0]]}))
    write("closed/good.json", asv_document({"s.time_x": [[1.0]]}))
    (tmp_path / "closed").chmod(0)
    if os.access(tmp_path / "closed", os.R_OK):
        pytest.skip("this user may look into every folder")
    (problem,) = read(tmp_path).attrs["problems"]
    assert problem == f"{tmp_path / 'closed'}: cannot be read: Permission denied"


def test_a_few_lists_cannot_make_any_number_of_rows(write, asv_document):
    axes = [[str(number) for number in range(1000)]] * 3
    frame = read(write("box/a.json", asv_document({"s.time_x": [None, axes], "s.time_y": [[1.0]]})))
    assert len(frame) == 1
    assert frame.attrs["problems"][0].endswith("s.time_x: it failed for all 1,000,000,000 combinations of parameters")


def test_no_parameter_takes_the_place_of_what_a_table_says(write, document):
    names = [*FIGURES, *SPEEDUPS, *CROSSOVERS, "series"]
    assert set(names) <= TAKEN | {*PARAMETERS, *SETTINGS}
    params = {name: "mine" for name in names if name not in PARAMETERS + SETTINGS}
    entries = [{"fullname": "t", "params": params, "stats": {"median": 1.0}}]
    frame = read(write("a.json", document(entries)))
    assert (frame[[f"{name}{MARK}" for name in params]] == "mine").all(axis=None)


def test_numbers_too_large_for_base_units(write, asv_document):
    write("benchmarks.json", {"s.peakmem_x": {"unit": "MB", "type": "peakmemory"}})
    results = {"s.peakmem_x": [[1e305]], "s.time_y": [[1.0]]}
    frame = read(write("box/a.json", asv_document(results)))
    assert frame["benchmark"].tolist() == ["s.time_y"]
    assert "s.peakmem_x: a number was expected, not '1e+305'" in frame.attrs["problems"][0]


def test_a_folder_whose_name_is_no_text(tmp_path, asv_document):
    folder = tmp_path / os.fsdecode(b"box\xff")
    folder.mkdir()
    (folder / "a.json").write_text(json.dumps(asv_document({"s.time_x": [[1.0]]}, params=None)))
    assert read(tmp_path)["machine"].tolist() == ["box\\xff"]


def test_settings_that_no_column_of_numbers_can_hold(write, asv_document):
    variables = {"GLUONMARK_THREADS": "9" * 900, "GLUONMARK_ENGINE": "1e999"}
    frame = read(write("a.json", asv_document({"s.time_x": [[1.0]]}, env_vars=variables)))
    assert frame[["threads", "engine"]].to_numpy().tolist() == [["9" * 900, "Infinity"]]
