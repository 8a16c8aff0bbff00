"""From a folder of records to how often the gate is right."""

import json
import re
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from reports import ReportError
from reports.verdict import RULES, decide, figures, records, suspects, tables
from reports.verdict.blocks import frame
from reports.verdict.live import live
from verdict.simulated import blocks, gate

CASES = [f"Layer-numba-{number}-cpu-forward" for number in range(12)]
GATES, PLANTED = 6, 4


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Gates of identical code, gates with two slow-downs each, and one that was interrupted."""
    folder = tmp_path_factory.mktemp("calibration")
    lines = {f"identical-{number}": gate(CASES, number) for number in range(GATES)}
    plants = {CASES[3]: 0.02, CASES[7]: 0.1}
    lines |= {f"planted-{number}": gate(CASES, 100 + number, plants) for number in range(PLANTED)}
    lines["interrupted"] = [*gate(CASES, 99)[:-1], {"spent": 9.0, "end": "interrupted"}]
    for name, some in lines.items():
        (folder / f"{name}.jsonl").write_text("".join(f"{json.dumps(line)}\n" for line in some))
    return folder


@pytest.fixture(scope="module")
def found(folder: Path) -> pd.DataFrame:
    return figures(records(folder), replays=20, runs=5)


def cell(found: pd.DataFrame, what: str, source: str, rule: str = "gluonmark gate") -> pd.Series:
    rows = found[(found["what"] == what) & (found["source"] == source) & (found["rule"] == rule)]
    return rows.iloc[len(rows) // 2]


def test_gates_that_did_not_end_do_not_count(folder: Path) -> None:
    (folder / "identical-999.jsonl").touch()  # killed before it wrote anything
    assert len(records(folder)) == GATES + PLANTED


def test_live_gates_are_counted(found: pd.DataFrame) -> None:
    assert (cell(found, "false alarm, a run", "live")[["hits", "tries"]] == [0, GATES]).all()
    assert (cell(found, "found: 10 % slower", "live")[["hits", "tries"]] == [PLANTED, PLANTED]).all()
    assert cell(found, "false alarm, a case", "live")["tries"] == GATES * len(CASES)
    assert cell(found, "interval covers the truth", "live")["tries"] == (GATES + PLANTED) * len(CASES)
    assert cell(found, "interval covers the truth", "live")["share"] > 0.9


def test_a_false_alarm_and_a_slow_down_of_unknown_size_are_counted() -> None:
    lines = gate(CASES, 1, {CASES[0]: 0.2})
    false = [{**lines[0], "plants": {}}, *lines[1:]]
    copied = [{**lines[0], "plants": {CASES[0]: {"kind": "copy", "share": 0.0}}}, *lines[1:]]
    said = live([frame(false), frame(copied)], RULES)
    assert (said.false_alarms.hits, said.false_alarms.tries) == (1, 1)
    assert said.false_cases.tries == len(CASES)
    assert (said.found["copy"].hits, said.found["copy"].tries) == (1, 1)
    assert said.slower == {"copy": pytest.approx(0.2, abs=0.02)}
    assert said.covered.tries == 2 * len(CASES) - 1


def test_a_planted_slow_down_is_judged_as_if_it_were_alone() -> None:
    slower = dict.fromkeys(CASES[:10], 0.15)
    chance = np.random.default_rng(3)
    header = {"schema": 1, "budget": 240.0, "plants": {case: {"kind": "spin", "share": 0.15} for case in slower}}
    early = [header, *blocks(CASES, 8, chance, slower)]
    assert {*suspects(frame(early))} >= {*slower}  # nobody is left out for the others
    lines = [*early, *blocks(list(slower), 9, chance, slower, stage=2), {"spent": 239.0, "end": ""}]
    assert not decide(frame(lines)).of("regression")  # 2⁻⁹ is no less than 0.8 % ÷ 10
    found = live([frame(lines)], RULES).found[0.15]
    assert (found.hits, found.tries) == (10, 10)


def test_what_nobody_slowed_shares_the_chance_of_a_false_failure() -> None:
    chance = np.random.default_rng(3)
    slow, noise = CASES[0], CASES[1:6]
    header = {"schema": 1, "budget": 240.0, "plants": {slow: {"kind": "spin", "share": 0.15}}}
    lines = [header, *blocks(CASES, 8, chance, {slow: 0.15} | dict.fromkeys(noise, 0.03))]  # all are left open
    end = {"spent": 239.0, "end": ""}
    beside = [*lines, *blocks([slow, *noise], 9, chance, {slow: 0.15}, stage=2), end]
    alone = [line for line in beside if line.get("stage") != 2 or line["case"] == slow]
    assert [live([frame(some)], RULES).found[0.15].hits for some in (beside, alone)] == [0, 1]


def test_replays_and_rivals_stand_beside_live_gates(found: pd.DataFrame) -> None:
    replayed = found[(found["source"] == "replayed") & (found["what"] == "found: 10 % slower")]
    assert replayed["minutes"].tolist() == [2.0, 4.0, 8.0]
    assert (replayed["tries"] == 20).all()
    assert replayed["share"].iloc[-1] == 1.0
    said = found[(found["source"] == "replayed") & (found["minutes"] == 4.0)].set_index("what")["share"]
    assert said["found: 3 % slower"] + said["passed: 3 % slower"] <= 1.0
    assert "passed: 2 % slower" not in said  # which may pass
    assert cell(found, "found: 2 % slower", "rival", "asv continuous, factor 1.1")["share"] == 0.0
    assert cell(found, "false alarm, a run", "rival", "Mann-Whitney, pooled, p < 0.05")["share"] > 0.2


@pytest.mark.parametrize("format", ["table", "markdown"])
def test_people_see_three_tables(found: pd.DataFrame, format: str) -> None:
    text = tables(found, format).replace("\\", "")
    assert "What gates of 4 min said, in %" in text
    live = re.search(r"found: 10 % slower[ |]+100[ |]+([\d.]+)–100[ |]+(\d+)[ |]+(\d+)", text)
    assert live is not None
    assert live.groups() == ("51", "4", "10")
    assert "20 gates replayed for each time, in % with the 95 % interval" in text
    assert re.search("2 min[ |]+4 min[ |]+8 min", text)
    assert re.search(r"pytest-benchmark min:5%\W+\d+ \([\d.]+–[\d.]+\) ", text)


def test_no_table_for_people_is_wider_than_a_terminal(found: pd.DataFrame) -> None:
    many = found.assign(share=0.9876, lower=0.9754, upper=0.9932, tries=123456)
    lines = tables(many, width=100).splitlines()
    assert max(map(len, lines)) <= 100
    assert sum("98.8 (97.5–99.3)" in line for line in lines) > 10


def test_people_learn_why_the_gate_is_not_beside_its_rivals(found: pd.DataFrame) -> None:
    assert "was not replayed" not in tables(found)
    assert "The gate itself was not replayed: " in tables(found[found["source"] != "replayed"])


def test_gates_of_which_none_is_finished_show_nothing(tmp_path: Path) -> None:
    with pytest.raises(ReportError, match="there is no finished gate yet"):
        records(tmp_path)


def test_planted_gates_alone_are_not_replayed() -> None:
    lines = gate(CASES[:3], 5, {CASES[0]: 0.1})
    assert decide(frame(lines)).code() == 1
    assert set(figures([frame(lines)], 5, 5)["source"]) == {"live"}
