"""Replayed gates say what live ones would, and rivals what their tools would."""

import numpy as np
import pytest

from reports import ReportError
from reports.verdict import RULES, frame
from reports.verdict.pool import Pool, pool
from reports.verdict.replay import replay
from reports.verdict.shares import Share
from reports.verdict.timing import Timing
from verdict.simulated import NOISES, blocks, processes

CASES = [f"Layer-numba-{number}-cpu-forward" for number in range(30)]
TIMING = Timing(early=20, late=200.0, start=4.0, each=0.1)


def simulated(noise: str, number: int = 200) -> Pool:
    pairs = processes(noise, (len(CASES), number), np.random.default_rng(11))
    return Pool(CASES, (pairs[..., 1] - pairs[..., 0]).T, {}, TIMING, 450.0)


@pytest.mark.parametrize("noise", NOISES)
def test_identical_code_fails_as_rarely_as_said(noise: str) -> None:
    found = replay(simulated(noise), TIMING, RULES, 300, sizes=(0.1,))
    assert found.false_alarms.interval[0] < RULES.error
    assert found.fired.interval[0] < RULES.control_error
    assert 0.94 < found.covered.value < 0.98


def test_large_slow_downs_are_found_and_nothing_is_found_in_none() -> None:
    found = replay(simulated("normal"), TIMING, RULES, 100, sizes=(1e-9, 0.03, 0.1))
    assert found.found[1e-9].hits <= 1
    assert found.found[0.03].value > 0.95
    assert found.found[0.1].hits == 100
    assert found.passed[0.1].hits == 0
    assert found.inconclusive.value < 0.02


def test_the_same_seed_replays_the_same() -> None:
    blocks_ = simulated("heavy")
    assert replay(blocks_, TIMING, RULES, 5, seed=1) == replay(blocks_, TIMING, RULES, 5, seed=1)


def test_a_pool_holds_the_blocks_of_the_first_stage_of_all_gates() -> None:
    random = np.random.default_rng(0)
    gates = [
        [*blocks(CASES[:3], 5, random), *blocks(CASES[:1], 4, random, stage=2)],
        list(blocks(CASES[1:4], 6, random)),
    ]
    frames = [frame(lines) for lines in gates]
    found = pool(frames, RULES)
    assert found.cases == CASES[1:3]
    assert found.ratios.shape == (11, 2)
    assert found.samples[CASES[1]].shape == (11, 2, len(gates[0][0]["base"]))
    line = next(line for line in gates[1] if line["case"] == CASES[2] and line["block"] == 1)
    np.testing.assert_array_equal(found.samples[CASES[2]][5, 1], line["head"])
    base, head = (np.quantile(line[arm], RULES.quantile) for arm in ("base", "head"))
    assert found.ratios[5, 1] == pytest.approx(np.log(head / base))


def test_gates_without_a_common_case_cannot_be_replayed() -> None:
    random = np.random.default_rng(0)
    with pytest.raises(ReportError, match="no case that all gates of identical code have measured"):
        pool([frame(blocks(CASES[:1], 3, random)), frame(blocks(CASES[1:2], 3, random))], RULES)


def test_shares_have_the_intervals_of_wilson() -> None:
    assert Share(0, 300).interval == pytest.approx((0.0, 0.01264), abs=1e-4)
    assert Share(10, 20).interval == pytest.approx((0.2993, 0.7007), abs=1e-4)
    assert Share(20, 20).interval[1] == 1.0
    assert Share(0, 0).interval == (0.0, 1.0)
