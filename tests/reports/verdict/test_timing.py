"""The second stage takes as many suspects as it can decide."""

import numpy as np
import pytest

from reports.verdict import RULES, frame, suspects
from reports.verdict.blocks import PAIR
from reports.verdict.look import first_stage, look
from reports.verdict.observations import matrix, observations
from reports.verdict.timing import Timing
from verdict.simulated import blocks

CASES = [f"Layer-numba-{number}-cpu-forward" for number in range(30)]
TIMING = Timing(early=20, late=200.0, start=4.0, each=0.1)


@pytest.mark.parametrize("number", [1, 7, 40])
def test_the_second_stage_fits_into_its_time(number: int) -> None:
    one = 4 / 3 * (TIMING.start + number * TIMING.each)
    assert TIMING.blocks(number) * one <= TIMING.late < (TIMING.blocks(number) + 1) * one


def test_no_suspects_take_no_blocks() -> None:
    assert TIMING.blocks(0) == TIMING.affordable(0, np.zeros((3, 4)), RULES) == 0


def scattered(scatter: float) -> np.ndarray:
    return scatter * np.random.default_rng(0).standard_normal((150, 20))


@pytest.mark.parametrize("late", [20.0, 200.0, 2000.0])
@pytest.mark.parametrize("scatter", [0.0, 0.03, 0.2])
def test_every_suspect_gets_blocks_enough_to_fail(late: float, scatter: float) -> None:
    timing = Timing(20, late, 4.0, 0.1)
    taken = timing.affordable(100, scattered(scatter), RULES)
    assert 1 <= taken <= 100
    possible = [number for number in range(1, 101) if timing.blocks(number) >= -2 * np.log2(RULES.late / number)]
    assert not possible or taken in possible


@pytest.mark.parametrize(("late", "taken"), [(80.0, 1), (40.0, 1), (5.0, 30)])
def test_where_time_is_too_short_for_many_one_suspect_may_still_fail(late: float, taken: int) -> None:
    """A block of one suspect takes 5.5 s, and nothing fails on fewer than 7: where these do not fit, all are taken."""
    timing = Timing(6, late, 4.0, 0.1)
    assert timing.affordable(30, scattered(0.01), RULES) == taken


def test_a_noisy_machine_takes_fewer_suspects_and_a_quiet_one_as_many_as_it_can_decide() -> None:
    taken = [TIMING.affordable(100, scattered(scatter), RULES) for scatter in (0.001, 0.03, 0.06)]
    assert taken[0] > taken[1] > taken[2]
    assert Timing(20, 1e6, 4.0, 0.1).affordable(100, scattered(0.03), RULES) == 100


def test_missing_figures_do_not_count() -> None:
    ratios = scattered(0.03)
    holes = np.where(np.random.default_rng(1).random(ratios.shape) < 0.1, np.nan, ratios)
    holes[3] = np.nan
    assert abs(TIMING.affordable(100, holes, RULES) - TIMING.affordable(100, ratios, RULES)) <= 3


def test_where_time_is_short_the_most_suspicious_are_taken() -> None:
    found = frame(blocks(CASES, 8, np.random.default_rng(5), {CASES[4]: 0.04}))
    ratios = matrix(observations(found, RULES), PAIR, 1)
    doubtful = first_stage(look(ratios.to_numpy(dtype=float), RULES), RULES).open
    taken = suspects(found)
    assert 1 <= len(taken) < doubtful.sum()
    assert taken[0] == CASES[4]


def test_the_second_stage_has_its_share_of_the_time_of_the_first() -> None:
    random = np.random.default_rng(5)
    lines = [
        *blocks(CASES, 8, random),
        *blocks(CASES[:4], 3, random, kind="control"),
        *blocks(CASES, 2, random, stage=2),
    ]
    start = {"stage": 0, "case": CASES[0], "start": 4.0, "companions": {}}
    timing = Timing.of(frame([start, *lines]))
    spent = (8 + 3) * 4.0 + (8 * len(CASES) + 3 * 4) * 0.1
    assert (timing.early, timing.start, timing.each) == (8, 4.0, pytest.approx(0.1))
    assert timing.late == pytest.approx(spent * 0.45 / 0.55)
    assert timing.times(2.5) == Timing(20, 2.5 * timing.late, 4.0, timing.each)


def test_more_samples_make_a_block_of_the_second_stage_longer() -> None:
    lines = [{"schema": 1}, *blocks(CASES, 18, np.random.default_rng(1))]
    same, doubled = (
        Timing.of(frame([{**lines[0], "samples": samples}, *lines[1:]]))
        for samples in ({"1": 12, "2": 12}, {"1": 12, "2": 24})
    )
    assert (same.each, doubled.each) == pytest.approx((0.1, 0.15))
