"""The second stage takes as many suspects as it can decide."""

import numpy as np
import pytest

from reports.verdict import RULES, frame, suspects
from reports.verdict.statistics import fewest
from reports.verdict.timing import Timing
from verdict.simulated import blocks

CASES = [f"Layer-numba-{number}-cpu-forward" for number in range(30)]
TIMING = Timing(early=20, late=200.0, start=4.0, each=0.1)


@pytest.mark.parametrize("number", [1, 7, 40])
def test_the_second_stage_fits_into_its_time(number: int) -> None:
    one = 4 / 3 * (TIMING.start + number * TIMING.each)
    assert TIMING.blocks(number) * one <= TIMING.late < (TIMING.blocks(number) + 1) * one


def test_no_suspects_take_no_blocks() -> None:
    assert TIMING.blocks(0) == TIMING.affordable(0, RULES) == 0


@pytest.mark.parametrize("late", [20.0, 200.0, 2000.0])
def test_every_suspect_gets_blocks_enough_to_fail(late: float) -> None:
    timing = Timing(20, late, 4.0, 0.1)
    taken = timing.affordable(100, RULES)
    assert 1 <= taken <= 100
    if taken > 1:
        assert timing.blocks(taken) >= RULES.suspect_blocks * fewest(RULES.late / taken)
    assert taken == 100 or timing.blocks(taken + 1) < RULES.suspect_blocks * fewest(RULES.late / (taken + 1))


def test_where_time_is_short_the_most_suspicious_are_taken() -> None:
    lines = list(blocks(CASES, 8, np.random.default_rng(5), {CASES[4]: 0.04}))
    everybody = suspects(frame(lines))
    start = {"stage": 0, "case": CASES[0], "start": 4.0, "companions": {}}
    short = suspects(frame([{"schema": 1, "budget": 600.0}, start, *lines]))
    assert 1 <= len(short) < len(everybody)
    assert short == everybody[: len(short)]
    assert short[0] == CASES[4]
