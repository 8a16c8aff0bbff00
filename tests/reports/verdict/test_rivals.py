"""The rules of other tools are those that the tools have."""

import numpy as np
import pytest
from asv import _stats
from asv.commands.compare import _is_result_better
from asv_runner.statistics import compute_stats
from pytest_benchmark.utils import parse_compare_fail

from reports import ReportError
from reports.verdict.pool import Pool
from reports.verdict.rivals import ASV_FACTOR, RIVALS, asv, bootstrap, mann_whitney, minimum, rank_sums, rivals
from reports.verdict.timing import Timing

CASES, SAMPLES = 40, 60


@pytest.fixture(scope="module")
def samples() -> tuple[np.ndarray, np.ndarray]:
    """Base and head, from identical to a quarter slower, in noise that lets every rule say both yes and no."""
    random = np.random.default_rng(6)
    slower = np.linspace(1.0, 1.25, CASES)[:, None]
    base, head = 1e-5 * (1 + random.exponential(0.08, (2, CASES, SAMPLES)))
    return base, head * slower


def test_asv_says_the_same(samples: tuple[np.ndarray, np.ndarray]) -> None:
    base, head = samples
    expected = []
    for before, after in zip(base.tolist(), head.tolist(), strict=True):
        (was, about), (now, later) = compute_stats(before, 1), compute_stats(after, 1)
        expected.append(_is_result_better(was, now, (about, before), (later, after), ASV_FACTOR))
    assert set(expected) == {True, False}
    assert asv(base, head).tolist() == expected


def test_rank_sums_have_the_chances_of_asv(samples: tuple[np.ndarray, np.ndarray]) -> None:
    expected = [_stats.mann_whitney_u(list(b), list(h), method="normal")[1] for b, h in zip(*samples, strict=True)]
    np.testing.assert_allclose(rank_sums(*samples), expected, rtol=1e-6)


def test_pytest_benchmark_says_the_same(samples: tuple[np.ndarray, np.ndarray]) -> None:
    check = parse_compare_fail("min:5%")
    mins = [[{"min": value} for value in arm.min(axis=1)] for arm in samples]
    expected = [bool(check.fails(head, base)) for base, head in zip(*mins, strict=True)]
    assert set(expected) == {True, False}
    assert minimum(*samples).tolist() == expected


@pytest.mark.parametrize("rule", [mann_whitney, bootstrap])
def test_pooled_rules_are_right_where_samples_are_independent(rule) -> None:
    random = np.random.default_rng(7)
    base, head = 1e-5 * (1 + random.exponential(0.05, (2, 400, SAMPLES)))
    assert rule(base, head).mean() < 0.06
    assert rule(base, 1.1 * head).all()
    assert not rule(base, 0.9 * head).any()


def test_they_cry_wolf_where_processes_differ() -> None:
    """A process effect of 3 %, samples that vary by 1 % within: the blocks of identical code."""
    random = np.random.default_rng(8)
    blocks = {
        str(case): 1e-5 * (1 + 0.03 * random.standard_normal((60, 2, 1)) + 0.01 * random.standard_normal((60, 2, 10)))
        for case in range(20)
    }
    pool = Pool(list(blocks), np.zeros((60, 20)), blocks, Timing(10, 45.0, 4.0, 0.1), 100.0)
    found = rivals(pool, 20, (0.1,))
    assert list(found) == list(RIVALS)
    assert found["Mann-Whitney, pooled, p < 0.05"][0].value > 0.9
    assert found["asv continuous, factor 1.1"][0].value == 0
    assert found["asv continuous, factor 1.1"][1][0.1].value < 0.9
    assert found["pytest-benchmark min:5%"][1][0.1].tries == 20


def test_blocks_that_all_lack_a_case_leave_nothing_to_judge() -> None:
    pool = Pool(["a"], np.zeros((3, 1)), {}, Timing(10, 45.0, 4.0, 0.1), 100.0)
    with pytest.raises(ReportError, match="no block has figures of every case"):
        rivals(pool, 1, ())
