"""``gluonmark report``: what it prints, and with which code it ends."""

import json
from pathlib import Path

import pytest

import gluonmark
from benchmarks.bench import Outcome
from commands.bench import conclude
from reports.findings import JUDGED

FILES = {"index.html", "report.md", "junit.xml", "cases.csv", "cases.parquet", "regressions.csv"}


def results(folder: Path, *seconds: float) -> Path:
    """A folder of pytest-benchmark's files, one for each commit."""
    folder.mkdir()
    for number, median in enumerate(seconds):
        wobble = 1 + 0.001 * (7 * number * number % 11 - 5)
        document = {
            "machine_info": {"node": "box"},
            "commit_info": {"id": f"{number:08x}", "time": f"2026-01-{number + 1:02}T00:00:00Z"},
            "benchmarks": [{"fullname": "t.py::test_it", "stats": {"median": median * wobble}}],
        }
        (folder / f"{number}.json").write_text(json.dumps(document))
    return folder


@pytest.fixture
def slower(person: Path) -> Path:
    return results(person / "slower", *[1e-3] * 8, *[2e-3] * 8)


@pytest.fixture
def steady(person: Path) -> Path:
    return results(person / "steady", *[1e-3] * 16)


@pytest.fixture
def short(person: Path) -> Path:
    return results(person / "short", 1e-3)


@pytest.mark.parametrize(
    ("folder", "strict", "verdict"),
    [
        ("slower", 1, "1 regression from 1 commit, still present; first of all t.py::test_it: 2.00× slower since "),
        ("steady", 0, "Nothing regressed: no slow-down is left in 1 series."),
        ("short", 3, f"Regressions could not be judged: no series holds the {JUDGED} commits that it takes."),
    ],
)
def test_it_is_a_judge_if_asked_to_be_one(request, capsys, folder, strict, verdict):
    request.getfixturevalue(folder)
    assert gluonmark.run(["report", folder, "-o", "out"]) == 0
    printed = capsys.readouterr()
    assert printed.err.startswith(f"gluonmark: {verdict}")
    assert gluonmark.run(["report", folder, "-o", "out", "--fail-on-regression"]) == strict
    assert {file.name for file in Path("out").iterdir()} >= FILES
    (line,) = printed.out.splitlines()
    assert {Path(name).name for name in line.split(", ")} >= FILES


@pytest.mark.usefixtures("slower")
def test_annotations_stand_before_the_names_of_files(capsys):
    assert gluonmark.run(["report", "slower", "--github"]) == 0
    first, second = capsys.readouterr().out.splitlines()
    assert first.startswith("::error title=t.py%3A%3Atest_it%3A 2.00× slower::t.py::test_it is 2.00× slower since ")
    assert "report/report.md" in second


def test_the_newest_results_by_default(short, capsys):
    Path("results").mkdir()
    (short / "0.json").rename("results/bench.json")
    assert gluonmark.run(["report"]) == 0
    assert {file.name for file in Path("report").iterdir()} >= FILES
    assert "report/report.md" in capsys.readouterr().out


def test_what_could_not_be_read_is_counted(short, capsys):
    (short / "broken.json").write_text("{")
    assert gluonmark.run(["report", "short"]) == 0
    assert "1 thing could not be read: short/broken.json: is not a complete JSON file" in capsys.readouterr().err


def measured(folder: Path) -> Path:
    """A result file as ``gluonmark bench`` leaves it: one layer, two variants, two rounds."""
    entries = [
        {
            "fullname": "t.py::test_case",
            "params": {"layer": "MyDense", "variant": variant, "batch": 1, "context": "cpu", "mode": "forward"},
            "extra_info": {"round": number},
            "stats": {"data": [seconds]},
        }
        for number in (1, 2)
        for variant, seconds in (("imperative", 2e-6), ("numba", 1e-6))
    ]
    file = folder / "bench.json"
    file.write_text(json.dumps({"machine_info": {"node": "box"}, "benchmarks": entries}))
    return file


def test_bench_names_the_page_that_it_wrote(person, capsys):
    conclude(Outcome(measured(person), 4, {}, ()), "table")
    assert capsys.readouterr().err.splitlines()[-1] == f"gluonmark: the page with charts is {person / 'bench.html'}"
    assert "<!DOCTYPE html>" in (person / "bench.html").read_text()


def test_a_page_that_cannot_be_written_costs_nothing_else(person, capsys):
    (person / "bench.html").mkdir()
    conclude(Outcome(measured(person), 4, {}, ()), "table")
    printed = capsys.readouterr()
    assert printed.err.splitlines()[-1].startswith(f"gluonmark: the page {person / 'bench.html'} cannot be written: ")
    assert "2.00×" in printed.out


def test_no_name_moves_the_cursor(person, capsys):
    file = measured(person)
    file.write_text(file.read_text().replace("numba", "\\u001b[2Jnumba"))
    assert gluonmark.run(["report", str(file), "--baseline", "absent"]) == 2
    said = capsys.readouterr().err
    assert said.startswith("gluonmark: there is no variant 'absent' to compare with; the results hold ")
    assert "\x1b" not in said
    assert not Path("report").exists()
