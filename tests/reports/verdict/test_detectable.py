"""What an inconclusive case could have seen is what it would have seen."""

import math

import numpy as np
import pytest

from reports.verdict.detectable import detectable
from reports.verdict.look import look, second_stage
from reports.verdict.rules import RULES
from verdict.simulated import processes


def drawn(noise: str, blocks: int, random: np.random.Generator) -> np.ndarray:
    pairs = processes(noise, (1, blocks), random)[0]
    return pairs[:, 1] - pairs[:, 0]


@pytest.mark.parametrize("noise", ["normal", "heavy"])
@pytest.mark.parametrize("blocks", [16, 30])
def test_it_fails_as_often_as_said(noise: str, blocks: int) -> None:
    """In at least 95 of 100, but for accidents of 200 tries."""
    random = np.random.default_rng(blocks)
    failed = 0
    for _ in range(200):
        size = math.log(detectable(drawn(noise, blocks, random), RULES.late, RULES))
        failed += second_stage(look(drawn(noise, blocks, random)[None, :] + size, RULES), RULES).failed[0]
    assert failed >= 180


def test_more_blocks_see_more() -> None:
    random = np.random.default_rng(1)
    sizes = [detectable(drawn("normal", blocks, random), RULES.late, RULES) for blocks in (8, 20, 60)]
    assert math.inf > sizes[0] > sizes[1] > sizes[2] > 1 + RULES.least_share


@pytest.mark.parametrize("ratios", [[], [math.nan] * 30, [0.0] * 6])
def test_too_few_blocks_see_nothing(ratios: list[float]) -> None:
    assert detectable(np.array(ratios), RULES.late, RULES) == math.inf
