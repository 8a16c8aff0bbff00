"""Which gates a campaign consists of, and which of them it need not measure again."""

import json
from collections import Counter
from dataclasses import replace
from pathlib import Path

import pytest

from benchmarks import grid
from benchmarks.grid import CaseError
from benchmarks.side_by_side import calibration
from benchmarks.side_by_side.calibration import REAL, SIZES, Campaign, finished
from benchmarks.side_by_side.plan import Request, plan


@pytest.fixture
def campaign(tmp_path: Path) -> Campaign:
    return Campaign(plan(Request(base="HEAD", head="HEAD")), tmp_path, gates=2, planted=3, plants=2, cases=30)


def test_every_gate_has_the_same_cases_spread_over_the_grid(campaign: Campaign) -> None:
    first, second = campaign.gate(1, False), campaign.gate(2, True)
    assert first.cases == second.cases
    assert len(set(first.cases)) == 30
    cells = [grid.parse(case) for case in first.cases]
    assert {cell.layer for cell in cells} == set(grid.LAYERS)
    assert {cell.variant for cell in cells} == set(grid.VARIANTS)
    assert {cell.context for cell in cells} == {"cpu"}


def test_a_small_grid_is_measured_as_a_whole(campaign: Campaign) -> None:
    small = plan(Request(base="HEAD", head="HEAD", layers=["MyDense"], variants=["numba"], batches=["1"]))
    assert replace(campaign, plan=small).gate(1, False).cases == tuple(
        f"MyDense-numba-1-cpu-{mode}" for mode in grid.MODES
    )


def test_gates_of_identical_code_have_no_plants_and_seeds_of_their_own(campaign: Campaign) -> None:
    plans = [campaign.gate(number, planted) for number in (1, 2) for planted in (False, True)]
    assert len({one.seed for one in plans}) == 4
    assert [bool(one.plants) for one in plans] == [False, True, False, True]


def test_planted_gates_slow_as_many_cases_by_each_size_and_one_by_each_kind(campaign: Campaign) -> None:
    plants = campaign.gate(1, True).plants
    assert Counter(plant.share for plant in plants.values() if plant.kind == "spin") == dict.fromkeys(SIZES, 2)
    assert Counter(plant.kind for plant in plants.values()) == {"spin": 8} | dict.fromkeys(REAL, 1)
    assert set(plants) <= set(campaign.gate(1, True).cases)
    assert plants == campaign.gate(1, True).plants != campaign.gate(2, True).plants


def test_a_kind_is_planted_only_where_there_is_something_to_lose(campaign: Campaign) -> None:
    for number in range(20):
        for case, plant in campaign.gate(number, True).plants.items():
            if plant.kind in REAL:
                assert REAL[plant.kind](grid.parse(case))


def record(file: Path, *lines: dict) -> None:
    file.write_text("".join(f"{json.dumps(line)}\n" for line in lines), encoding="utf-8")


@pytest.mark.parametrize(
    ("last", "whole"), [({"spent": 1.0, "end": ""}, True), ({"spent": 1.0, "end": "interrupted"}, False), ({}, False)]
)
def test_a_gate_is_finished_if_its_record_came_to_its_end(tmp_path: Path, last: dict, whole: bool) -> None:
    record(tmp_path / "gate.jsonl", {"schema": 1}, last)
    assert finished(tmp_path / "gate.jsonl") == whole


def test_what_is_no_record_is_not_finished(tmp_path: Path) -> None:
    assert not finished(tmp_path / "none.jsonl")
    for text in ("", '{"schema": 1}\n{"spe', "[]\n"):
        (tmp_path / "gate.jsonl").write_text(text)
        assert not finished(tmp_path / "gate.jsonl")


def test_only_what_is_missing_is_measured(campaign: Campaign) -> None:
    """Nothing is missing here, and so no process is started and no repository looked for."""
    for kind, number in (("identical", campaign.gates), ("planted", campaign.planted)):
        for place in range(1, number + 1):
            done(campaign, f"{kind}-{place:03}.jsonl")
    told: list[str] = []
    calibration.run(campaign, lambda _path: [], lambda what, _spent: told.append(what))
    assert told == []


def done(campaign: Campaign, name: str) -> None:
    """A gate of the campaign that came to its end."""
    plan = campaign.gate(1, False)
    header = {"schema": 1, **{key: getattr(plan, key) for key in ("budget", "threads", "engine", "threshold", "cases")}}
    record(campaign.folder / name, header, {"spent": 1.0, "end": ""})


def test_gates_of_another_campaign_are_not_mixed_with_this_one(campaign: Campaign) -> None:
    done(campaign, "identical-001.jsonl")
    for other in (
        replace(campaign, plan=replace(campaign.plan, budget=60.0)),
        replace(campaign, plan=replace(campaign.plan, threads=7)),
        replace(campaign, plan=replace(campaign.plan, threshold=0.1)),
        replace(campaign, cases=20),
    ):
        with pytest.raises(CaseError, match="name another folder with --folder, or the same options"):
            calibration.run(other, lambda _path: [], lambda _what, _spent: None)


def test_a_foreign_file_in_the_place_of_a_gate_is_refused(campaign: Campaign) -> None:
    record(campaign.folder / "identical-001.jsonl", {"schema": 7}, {"end": ""})
    with pytest.raises(CaseError, match=r"identical-001\.jsonl is no record of a gate"):
        calibration.run(campaign, lambda _path: [], lambda _what, _spent: None)
