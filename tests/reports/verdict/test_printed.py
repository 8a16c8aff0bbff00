"""A verdict for people and for programs."""

import csv
import io
import json
from collections.abc import Callable
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pytest

from reports import ReportError
from reports.verdict import Verdict, decide, frame, junit_xml, load, printed
from verdict.simulated import blocks

SLOWER, FASTER, ACCEPTED = "Layer-numba-1-cpu-train", "Layer-numba-16-cpu-train", "My_Layer-numba-1-cpu-train"
HEADER = {
    "schema": 1,
    "base": {"commit": "0123456789abcdef", "subject": "Mend *the* [base](http://example.org)", "dirty": False},
    "head": {
        "commit": "fedcba9876543210",
        "subject": "Check | arguments",
        "dirty": True,
        "message": "Check | arguments\n\nAccept-slowdown: My_Layer* it checks <b>now</b>\nAccept-slowdown: Other*",
    },
    "budget": 900,
    "machine": "box",
}
CODE = {"code": "a", "generated": "a", "inputs": "b", "bytes": 1024, "operations": 3}


@pytest.fixture(scope="module")
def verdict() -> Verdict:
    """A bit of everything."""
    random = np.random.default_rng(4)
    cases = [SLOWER, FASTER, ACCEPTED, "Layer-imperative-1-cpu-train"]
    slower = {SLOWER: 0.06, FASTER: -0.3, ACCEPTED: 2.0}
    lines = [HEADER, *blocks(cases, 20, random, slower), *blocks(["Short-numba-1-cpu-train"], 4, random)]
    lines += blocks(cases[-1:], 20, random, kind="control")
    lines += [
        {"stage": 0, "case": SLOWER, "companions": {"base": CODE, "head": {**CODE, "code": "c", "bytes": 2048}}},
        {"stage": 0, "case": FASTER, "companions": {"base": CODE, "head": CODE}},
        {"stage": 0, "case": "New-numba-1-cpu-train", "arm": "base", "absent": True, "reason": "the base lacks it"},
        {"stage": 0, "case": "Broken-numba-1-cpu-train", "arm": "head", "reason": "it died of SIGKILL"},
        {"spent": 612.3, "end": "interrupted"},
    ]
    return decide(frame(lines))


@pytest.mark.parametrize(("format", "name"), [("table", "verdict.txt"), ("markdown", "verdict.md")])
def test_people_read_the_verdict_first(
    verdict: Verdict, golden: Callable[[str, str], None], format: str, name: str
) -> None:
    text = printed(verdict, format)
    assert text.lstrip("*").startswith("1 of 7 cases became slower; first of all Layer-numba-1-cpu-train: ")
    golden(name, text)


def test_the_formats_for_programs_hold_every_case(verdict: Verdict) -> None:
    names = [case.case for case in verdict.cases]
    record = json.loads(printed(verdict, "json"))
    assert record["code"] == 1
    assert [case["case"] for case in record["cases"]] == names
    rows = list(csv.DictReader(io.StringIO(printed(verdict, "csv"))))
    assert [row["case"] for row in rows] == names
    by_case = {case["case"]: case for case in record["cases"]}
    assert by_case[SLOWER]["ratio"] == float(rows[0]["ratio"]) == verdict.cases[0].ratio
    assert by_case[SLOWER]["beside_time"] == "the code around it changed; bytes held 1,024 → 2,048"
    assert (by_case[FASTER]["identical"], by_case[SLOWER]["identical"]) == (True, False)
    assert by_case["Short-numba-1-cpu-train"]["detectable"] is None  # infinite


def test_junit_has_a_failure_for_what_became_slower_and_an_error_for_what_could_not_be_judged(verdict: Verdict) -> None:
    (suite,) = ElementTree.fromstring(junit_xml(verdict))
    assert {name: suite.get(name) for name in ("tests", "failures", "errors", "skipped", "hostname")} == {
        "tests": "7",
        "failures": "1",
        "errors": "1",
        "skipped": "2",
        "hostname": "box",
    }
    outcomes = {case.get("name"): [child.tag for child in case] for case in suite.iter("testcase")}
    assert outcomes[SLOWER] == ["failure"]
    assert outcomes[ACCEPTED] == []
    assert outcomes["Broken-numba-1-cpu-train"] == ["error"]


def test_an_unknown_format_is_refused(verdict: Verdict) -> None:
    with pytest.raises(ReportError, match="there is no format 'xml'; the formats are table, json, csv, markdown"):
        printed(verdict, "xml")


def test_nothing_measured_can_be_printed() -> None:
    nothing = decide(frame([]))
    assert printed(nothing).startswith("Not judged: none of 0 cases came to a verdict.")
    assert json.loads(printed(nothing, "json"))["cases"] == []
    assert printed(nothing, "csv")
    ElementTree.fromstring(junit_xml(nothing))


@pytest.mark.parametrize("format", ["table", "markdown", "json", "csv"])
def test_what_no_encoding_can_write_is_replaced_and_the_rest_stays(tmp_path: Path, format: str) -> None:
    lost = {"stage": 0, "case": "Only", "arm": "head", "reason": "half \ud800 whole \N{SNOWMAN}\U0001f600"}
    (tmp_path / "gate.jsonl").write_text(f"{json.dumps({'schema': 1})}\n{json.dumps(lost)}\n")
    found = decide(frame(load(tmp_path / "gate.jsonl")))
    assert "half \N{REPLACEMENT CHARACTER} whole \N{SNOWMAN}\U0001f600" in printed(found, format)
    assert junit_xml(found)
