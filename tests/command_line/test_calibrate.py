"""``gluonmark calibrate`` on records that are there already: it measures nothing and says what they show."""

import csv
import io
import json
from pathlib import Path

import pytest
from verdict.simulated import gate

import gluonmark
from benchmarks.side_by_side.calibration import Campaign
from benchmarks.side_by_side.plan import Request, plan

GATES = ("--gates", "3", "--planted", "1", "--cases", "12", "--budget", "4m", "--replays", "5", "--rivals", "2")


@pytest.fixture
def folder(person: Path) -> Path:
    """Where the records of a whole campaign are."""
    todo = plan(Request(base="HEAD", head="HEAD", budget="4m"))
    cases = Campaign(todo, person, 0, 0, 1, 12).gate(1, False).cases
    for name, planted in (("identical-001", 0), ("identical-002", 0), ("identical-003", 0), ("planted-001", 1)):
        header, *lines = gate(cases, sum(name.encode()), {cases[0]: 0.1} if planted else {})
        options = {key: getattr(todo, key) for key in ("threads", "engine", "threshold")}
        whole = [{**header, "cases": cases, **options}, *lines]
        (person / f"{name}.jsonl").write_text("".join(f"{json.dumps(line)}\n" for line in whole))
    return person


def test_what_is_measured_is_not_measured_again(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert gluonmark.run(["calibrate", "--folder", str(folder), *GATES]) == 0
    text = capsys.readouterr().out
    assert text.startswith("What gates of 4 min said, in %")
    assert "asv" in text


def test_programs_get_every_figure(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert gluonmark.run(["calibrate", "--folder", str(folder), *GATES, "--format", "csv"]) == 0
    rows = list(csv.DictReader(io.StringIO(capsys.readouterr().out)))
    (found,) = (row for row in rows if row["source"] == "live" and row["what"] == "found: 10 % slower")
    assert (found["hits"], found["tries"], float(found["minutes"])) == ("1", "1", 4.0)


def test_another_budget_needs_another_folder(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert gluonmark.run(["calibrate", "--folder", str(folder), *GATES, "--budget", "5m"]) == 2
    assert "name another folder with --folder" in capsys.readouterr().err


def test_an_empty_folder_says_nothing(person: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert gluonmark.run(["calibrate", "--folder", str(person), "--gates", "0", "--planted", "0"]) == 2
    assert "there is no finished gate yet" in capsys.readouterr().err
