"""Records in, verdicts out."""

from collections.abc import Iterable

import numpy as np
import pytest

from reports.verdict import Rules, Verdict, comment, decide, frame, suspects
from reports.verdict.decide import (
    ACCEPTED,
    GONE,
    IMPROVED,
    INCONCLUSIVE,
    INVALID,
    NEW,
    NO_CHANGE,
    NOT_JUDGED,
    REGRESSION,
)
from reports.verdict.document import document
from verdict.simulated import blocks

CASES = [f"Layer-numba-{number}-cpu-forward" for number in range(12)]


def judged(lines: Iterable[dict], **rules: float) -> Verdict:
    return decide(frame(lines), Rules(**rules))


def states(verdict: Verdict) -> dict[str, str]:
    return {case.case: case.state for case in verdict.cases}


def gate(random: np.random.Generator, slower: dict[str, float], header: dict | None = None) -> list[dict]:
    """What a gate of two stages writes."""
    lines = [{"schema": 1, **(header or {})}, *blocks(CASES, 20, random, slower)]
    lines += blocks(CASES[:4], 20, random, kind="control")
    open_cases = suspects(frame(lines))
    lines += blocks(open_cases, 40, random, slower, stage=2)
    return [*lines, *blocks(open_cases, 14, random, stage=2, kind="control")]


@pytest.fixture
def random() -> np.random.Generator:
    return np.random.default_rng(20260304)


def test_identical_code_passes(random: np.random.Generator) -> None:
    verdict = judged(gate(random, {}))
    assert set(states(verdict).values()) == {NO_CHANGE}
    assert verdict.code() == verdict.code(strict=True) == 0
    assert verdict.shift is not None
    assert verdict.shift.lower < 1 < verdict.shift.upper


@pytest.mark.parametrize("slower", [0.05, 0.1, 1.0])
def test_what_is_slower_fails_and_nothing_else_does(random: np.random.Generator, slower: float) -> None:
    verdict = judged(gate(random, {CASES[7]: slower}))
    assert [case.case for case in verdict.of(REGRESSION)] == [CASES[7]]
    (failed,) = verdict.of(REGRESSION)
    assert failed.lower < 1 + slower < failed.upper
    assert failed.head / failed.base == pytest.approx(failed.ratio, rel=0.05)
    assert verdict.code() == 1


def test_what_is_faster_is_said(random: np.random.Generator) -> None:
    verdict = judged(gate(random, {CASES[3]: -0.2}))
    assert [case.case for case in verdict.of(IMPROVED)] == [CASES[3]]
    assert verdict.code() == 0


def test_suspects_come_in_the_order_of_suspicion(random: np.random.Generator) -> None:
    slower = {CASES[5]: 0.03, CASES[6]: 0.01}
    lines = list(blocks(CASES, 12, random, slower, noise="normal"))
    assert suspects(frame(lines))[0] == CASES[5]


def test_the_second_stage_decides_on_fresh_blocks_alone(random: np.random.Generator) -> None:
    """What looked slower in the first stage passes if fresh blocks say so."""
    lines = list(blocks(CASES, 7, random, {CASES[0]: 0.04}))
    assert CASES[0] in suspects(frame(lines))
    lines += blocks(CASES[:1], 60, random, stage=2, noise="normal")
    case = judged(lines).cases[0]
    assert (case.state, case.stage, case.blocks) == (NO_CHANGE, 2, 60)
    assert case.ratio < 1.02


def test_too_few_blocks_are_inconclusive_and_could_have_seen_nothing(random: np.random.Generator) -> None:
    verdict = judged(blocks(CASES, 4, random))
    assert set(states(verdict).values()) == {INCONCLUSIVE}
    assert {case.detectable for case in verdict.cases} == {np.inf}
    assert verdict.code() == verdict.code(strict=True) == 3


def test_in_the_budget_that_is_advised_what_is_gross_fails_at_once(random: np.random.Generator) -> None:
    lines = [{"schema": 1, "budget": 100.0}, *blocks(CASES, 4, random, {CASES[0]: 3.0})]
    short = judged(lines)
    assert states(short)[CASES[0]] == INCONCLUSIVE
    assert short.enough == pytest.approx(314, abs=1)
    more = judged([lines[0], *blocks(CASES, int(np.ceil(4 * short.enough / 100)), random, {CASES[0]: 3.0})])
    assert states(more)[CASES[0]] == REGRESSION


@pytest.mark.parametrize(("cases", "advice"), [(CASES, "--budget 6m, or fewer cases."), (CASES[:1], "--budget 4m.")])
def test_who_gave_too_little_time_learns_how_much_is_enough(
    random: np.random.Generator, cases: list[str], advice: str
) -> None:
    verdict = judged([{"schema": 1, "budget": 100.0}, *blocks(cases, 4, random)])
    (section,) = document(verdict).sections
    assert section.table.notes[-1] == f"Give the gate more time, such as {advice}"


@pytest.mark.parametrize("said", [[{"spent": 9.0, "end": "interrupted"}], []])
def test_no_budget_is_advised_where_that_was_not_what_lacked(random: np.random.Generator, said: list[dict]) -> None:
    assert judged([{"schema": 1}, *blocks(CASES, 4, random), *said]).enough == 0


def test_strict_does_not_take_inconclusive_for_passed(random: np.random.Generator) -> None:
    lines = [*blocks(CASES[:6], 30, random, noise="normal"), *blocks(CASES[6:], 3, random)]
    verdict = judged(lines)
    assert (verdict.code(), verdict.code(strict=True)) == (0, 3)


def test_a_control_that_fires_makes_failures_invalid(random: np.random.Generator) -> None:
    lines = gate(random, {CASES[7]: 0.1})
    lines += blocks(["Layer-other"], 20, random, {"Layer-other": 0.2}, kind="control")
    verdict = judged(lines)
    assert [control.case for control in verdict.fired] == ["Layer-other"]
    assert [case.case for case in verdict.of(INVALID)] == [CASES[7]]
    assert verdict.code() == 3


def test_a_control_fires_in_either_direction(random: np.random.Generator) -> None:
    lines = blocks(["Layer-other"], 20, random, {"Layer-other": -0.2}, kind="control")
    assert judged([*blocks(CASES, 20, random), *lines]).fired


def test_controls_say_whether_their_blocks_are_enough(random: np.random.Generator) -> None:
    few = [*blocks(CASES, 20, random), *blocks(CASES[:2], 10, random, kind="control")]
    assert [control.able for control in judged(few).controls] == [False, False]  # 2 · 2⁻¹⁰ is above 0.1 %
    assert "Controls, base beside base: 2 cases, none differed (0 had blocks enough to)." in document(judged(few)).how
    enough = [*few, *blocks(CASES[:1], 11, random, stage=2, kind="control")]
    assert [control.able for control in judged(enough).controls] == [True, False]


def test_what_the_second_stage_took_moves_no_verdict_of_the_first(random: np.random.Generator) -> None:
    """Its samples are of another number, and so is what is usual for it."""
    early = list(blocks(CASES, 20, random))
    for line in early:
        line["conditions"]["head"]["involuntary"] = 60 if line["block"] == 3 else 10
    late = list(blocks(CASES[:2], 30, random, stage=2))
    assert judged(early).dropped == judged([*early, *late]).dropped == 0


@pytest.mark.parametrize("where", ["message", "accept"])
def test_somebody_may_accept_a_slow_down_with_a_reason(random: np.random.Generator, where: str) -> None:
    text = f"# Check arguments\n\naccept-slowdown: {CASES[7][:-7]}* it checks its arguments now\nAccept-slowdown: *\n"
    verdict = judged(gate(random, {CASES[7]: 0.1}, {"head": {where: text}}))
    (accepted,) = verdict.of(ACCEPTED)
    assert accepted.reason.startswith("it checks its arguments now (")
    assert verdict.code() == 0
    assert [override.cases for override in verdict.overrides if override.problem] == ["*"]


def test_a_line_of_the_file_that_accepts_nothing_is_said(random: np.random.Generator) -> None:
    header = {"accept": "# why\n\nLayer-* slow\nAccept-slowdown: Leyer-* slow\n", "message": "Mend\n\nLayer-* slow"}
    verdict = judged(gate(random, {CASES[7]: 0.1}, {"head": header}))
    assert verdict.code() == 1
    assert document(verdict).how[-2:] == [
        "a line of .gluonmark-accept is no 'Accept-slowdown: CASES REASON' and does not count: Layer-* slow.",
        "Accept-slowdown: Leyer-* in .gluonmark-accept names none of these cases.",
    ]


@pytest.mark.parametrize("where", ["message", "accept"])
def test_what_the_base_accepts_too_covers_nothing_new(random: np.random.Generator, where: str) -> None:
    line = {where: f"Accept-slowdown: {CASES[7]} it checks its arguments now\n"}
    verdict = judged(gate(random, {CASES[7]: 0.1}, {"base": line, "head": line}))
    assert [case.case for case in verdict.of(REGRESSION)] == [CASES[7]]


def test_an_accepted_case_covers_no_other(random: np.random.Generator) -> None:
    header = {"head": {"message": f"Accept-slowdown: {CASES[1]} because"}}
    verdict = judged(gate(random, {CASES[7]: 0.1}, header))
    assert [case.case for case in verdict.of(REGRESSION)] == [CASES[7]]


def test_disturbed_processes_are_dropped_whichever_arm_they_are(random: np.random.Generator) -> None:
    lines = list(blocks(CASES, 20, random))
    for line in lines:
        if line["block"] in (3, 4):
            arm = "base" if line["block"] == 3 else "head"
            line["conditions"][arm]["involuntary"] = 900
            line[arm] = [10 * seconds for seconds in line[arm]]
    verdict = judged(lines)
    assert verdict.dropped == 2 * len(CASES)
    assert {case.blocks for case in verdict.cases if case.stage == 1} == {18}


@pytest.mark.parametrize(
    ("line", "state", "code"),
    [
        ({"arm": "base", "absent": True, "reason": "the base lacks it"}, NEW, 0),
        ({"arm": "head", "absent": True, "reason": "the head lacks it"}, GONE, 0),
        ({"arm": "head", "reason": "it died of SIGKILL"}, NOT_JUDGED, 3),
        ({"arm": "base", "reason": "it died of SIGKILL"}, NOT_JUDGED, 0),
    ],
)
def test_cases_without_a_figure(random: np.random.Generator, line: dict, state: str, code: int) -> None:
    verdict = judged([*gate(random, {}), {"case": "Other", **line}])
    assert verdict.cases[-1].state == state
    assert verdict.cases[-1].reason == line["reason"]
    assert verdict.code() == code


def test_a_case_that_died_in_some_blocks_is_judged_on_the_others(random: np.random.Generator) -> None:
    died = {"stage": 1, "block": 21, "kind": "pair", "case": CASES[2], "arm": "head", "reason": "it died"}
    verdict = judged([*gate(random, {}), died])
    assert states(verdict)[CASES[2]] == NO_CHANGE
    assert verdict.failures == [f"{CASES[2]} failed in 1 block in the head, and was judged on the others: it died."]
    again = judged([*gate(random, {}), died, died])
    assert (states(again)[CASES[2]], again.code()) == (NOT_JUDGED, 3)


def test_a_case_that_dies_in_the_head_again_and_again_is_not_merely_inconclusive(random: np.random.Generator) -> None:
    died = {"stage": 1, "block": 2, "kind": "pair", "case": CASES[2], "arm": "head", "reason": "it died"}
    verdict = judged([*blocks(CASES[:2], 30, random, noise="normal"), *blocks(CASES[2:3], 2, random), died, died])
    (lost,) = verdict.of(NOT_JUDGED)
    assert (lost.case, lost.reason, lost.arm, verdict.failures) == (CASES[2], "it died", "head", [])
    assert verdict.code() == 3
    assert document(verdict).headline.startswith("Not all was judged: 2 of 3 cases surely not slower by 3 %")


def test_both_processes_of_a_control_run_the_base(random: np.random.Generator) -> None:
    died = {"stage": 1, "block": 2, "kind": "control", "case": CASES[2], "arm": "head", "reason": "it died"}
    (said,) = judged([*gate(random, {}), died]).failures
    assert "failed in 1 block in the base" in said


def test_a_gate_that_was_stopped_does_not_pass_what_it_left_open(random: np.random.Generator) -> None:
    lines = [*blocks(CASES[:6], 30, random, noise="normal"), *blocks(CASES[6:], 3, random)]
    assert judged([*lines, {"spent": 9.0, "end": ""}]).code() == 0
    stopped = judged([*lines, {"spent": 9.0, "end": "interrupted"}])
    assert stopped.code() == 3
    assert document(stopped).headline.startswith("Not all was judged: 6 of ")


def test_what_is_accepted_is_not_said_to_be_as_fast(random: np.random.Generator) -> None:
    header = {"head": {"message": f"Accept-slowdown: {CASES[7]} because"}}
    said = document(judged(gate(random, {CASES[7]: 0.1}, header))).headline
    assert said.startswith("Nothing became slower by 3 % that nobody accepts: ")
    alone = judged([{"schema": 1, **header}, *blocks(CASES[7:8], 20, random, {CASES[7]: 0.5})])
    assert alone.code() == 0
    assert document(alone).headline == "Nothing became slower by 3 % that nobody accepts: of 1 case 1 accepted."


def test_hostile_texts_leave_a_comment_that_github_takes(random: np.random.Generator) -> None:
    spaces = f"Accept-slowdown: x{' ' * 200_000}y{' ' * 200_000}z\n"  # quadratic for a careless expression
    header = {"accept": spaces + "\x1b[2J<script>\n" * 10_000, "message": "", "subject": "s" * 100_000}
    lost = [{"stage": 0, "case": f"C{n}", "arm": "head", "reason": "\x1b[31m</details>" * 9_000} for n in range(30)]
    said = comment(judged([*gate(random, {}, {"head": header}), *lost]))
    assert len(said) < 65_536
    assert "\x1b" not in said
    assert said.count("</details>") == said.count("<details>")


def test_nothing_measured_is_not_judged() -> None:
    verdict = judged([{"schema": 1}, {"case": "Only", "arm": "head", "reason": "it does not build"}])
    assert states(verdict) == {"Only": NOT_JUDGED}
    assert (verdict.code(), verdict.shift, verdict.observed) == (3, None, 0)
    assert judged([]).code() == 3
