"""Records as gates leave them, whole or not."""

import json
import math
from collections.abc import Callable
from pathlib import Path

import pytest

from reports import ReportError
from reports.verdict import frame, load

HEADER = {"schema": 1, "threshold": 0.03}
LINE = {
    "stage": 1,
    "block": 2,
    "kind": "pair",
    "case": "L-numba-1-cpu-train",
    "first": "head",
    "base": [1e-5, 2e-5],
    "head": [3e-5],
    "seconds": 0.5,
    "conditions": {"base": {"steal": 0.5, "involuntary": 3}, "head": {"steal": None, "involuntary": 7}},
}


def test_a_line_becomes_a_row() -> None:
    (row,) = frame([HEADER, LINE]).to_dict("records")
    assert math.isnan(row.pop("waited"))
    assert row == {
        **{name: value for name, value in LINE.items() if name != "conditions"},
        "base": (1e-5, 2e-5),
        "head": (3e-5,),
        "steal": 0.5,
        "involuntary": 7.0,
    }


def test_what_is_no_figure_stands_beside_the_frame() -> None:
    failed = {"stage": 1, "block": 1, "kind": "pair", "case": "Other", "arm": "base", "reason": "it died"}
    built = {"stage": 0, "block": 0, "kind": "build", "case": "L", "companions": {"base": {"code": "a"}}, "start": 2.5}
    found = frame([HEADER, built, failed, {"spent": 9.5, "end": ""}])
    assert found.empty
    assert found.attrs["header"] == HEADER
    assert found.attrs["missing"] == [failed]
    assert found.attrs["companions"] == {"L": {"base": {"code": "a"}}}
    assert found.attrs["start"] == 2.5
    assert found.attrs["ended"] == {"spent": 9.5, "end": ""}


def test_half_a_line_at_the_end_is_what_a_killed_gate_leaves(write: Callable[[str, object], Path]) -> None:
    text = f"{json.dumps(HEADER)}\n{json.dumps(LINE)}\n"
    assert load(write("gate.jsonl", text + '{"stage": 1, "blo')) == [HEADER, LINE]


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("", "no record of a gate"),
        ('{"schema": 2}\n', "must say schema 1"),
        ('{"schema": 1}\n{"stage\n{}\n', "line 2 is no JSON"),
        ('{"schema": 1}\n[1]\n', "line 2 is no JSON object"),
    ],
)
def test_what_is_no_record_is_refused(write: Callable[[str, object], Path], text: str, sentence: str) -> None:
    with pytest.raises(ReportError, match=sentence):
        load(write("gate.jsonl", text))


def test_a_file_that_is_not_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ReportError, match="cannot be read: No such file"):
        load(tmp_path / "none.jsonl")


@pytest.mark.parametrize(
    "damage",
    [
        {"kind": "pairs"},
        {"stage": "1"},
        {"block": None},
        {"base": []},
        {"base": None},
        {"head": [0.0]},
        {"head": [-1e-5]},
        {"head": [math.nan]},
        {"head": ["1"]},
    ],
    ids=str,
)
def test_a_damaged_line_is_refused(damage: dict) -> None:
    with pytest.raises(ReportError, match=r"a line of a record has stage|no seconds above 0"):
        frame([HEADER, {**LINE, **damage}])
