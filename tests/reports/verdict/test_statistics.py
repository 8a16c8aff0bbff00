"""The test is exact, and estimate, interval and test belong together."""

import itertools

import numpy as np
import pytest
from scipy import stats

from reports.verdict.statistics import holm, tail, walsh
from verdict.simulated import NOISES, processes


@pytest.mark.parametrize("blocks", [1, 2, 5, 9])
def test_the_distribution_is_that_of_all_signs(blocks: int) -> None:
    ranks = np.arange(1, blocks + 1)
    sums = [sum(chosen) for size in range(blocks + 1) for chosen in itertools.combinations(ranks, size)]
    expected = [np.mean(np.array(sums) >= value) for value in range(ranks.sum() + 1)]
    np.testing.assert_allclose(tail(blocks), expected, rtol=1e-12)


@pytest.mark.parametrize("blocks", [6, 13, 40])
@pytest.mark.parametrize("moved", [-0.3, 0.0, 0.5])
def test_chances_are_those_of_scipy(blocks: int, moved: float) -> None:
    observations = np.random.default_rng(blocks).standard_normal((20, blocks)) + moved
    found = walsh(observations)
    for side, chances in (("greater", found.slower), ("less", found.faster)):
        expected = [stats.wilcoxon(row, alternative=side, method="exact").pvalue for row in observations]
        np.testing.assert_allclose(chances, expected, rtol=1e-9)


def test_the_estimate_is_the_median_of_means_of_pairs() -> None:
    observations = np.array([[1.0, 2.0, 10.0], [4.0, 4.0, 4.0]])
    np.testing.assert_allclose(walsh(observations).estimate, [np.median([1, 1.5, 5.5, 2, 6, 10]), 4.0])


@pytest.mark.parametrize("blocks", [6, 11, 25])
@pytest.mark.parametrize("error", [0.025, 0.001, 1e-5])
def test_a_bound_excludes_exactly_what_the_test_rejects(blocks: int, error: float) -> None:
    observations = np.random.default_rng(blocks).standard_normal((200, blocks)) + 0.7
    found = walsh(observations)
    np.testing.assert_array_equal(found.lower(error) > 0, found.slower <= error)
    np.testing.assert_array_equal(found.upper(error) < 0, found.faster <= error)


def test_so_few_blocks_have_no_bound() -> None:
    found = walsh(np.ones((2, 5)))
    assert np.isneginf(found.lower(0.025)).all()
    assert np.isposinf(found.upper(0.025)).all()
    assert np.isfinite(walsh(np.ones((2, 6))).upper(0.025)).all()


@pytest.mark.parametrize(
    ("observations", "slower", "faster"),
    [([0.0] * 8, 1.0, 1.0), ([1.0, -1.0] * 4, 0.8, 0.8), ([0.0] + [1.0] * 7, 2 / 256, 1.0)],
    ids=["zeros", "ties", "one zero"],
)
def test_zeros_and_ties_speak_for_neither(observations: list[float], slower: float, faster: float) -> None:
    found = walsh(np.array([observations]))
    assert found.slower[0] >= slower
    assert found.faster[0] >= faster


def test_holm_rejects_step_by_step() -> None:
    assert holm(np.array([0.011, 0.02, 0.3]), 0.05).tolist() == [True, True, False]
    assert holm(np.array([0.3, 0.04, 0.02]), 0.05).tolist() == [False, False, False]
    assert holm(np.array([]), 0.05).tolist() == []


@pytest.mark.parametrize("noise", NOISES)
@pytest.mark.parametrize("blocks", [7, 20])
def test_identical_code_is_called_slower_as_often_as_said(noise: str, blocks: int) -> None:
    """Whatever the noise: within four standard deviations of 20,000 draws."""
    pairs = processes(noise, (20_000, blocks), np.random.default_rng(2))
    found = walsh(pairs[..., 1] - pairs[..., 0])
    for error in (0.2, 0.05, 0.01):
        allowed = tail(blocks)[tail(blocks) <= error].max()
        for chances in (found.slower, found.faster):
            assert abs((chances <= error).mean() - allowed) < 4 * np.sqrt(allowed / 20_000)


@pytest.mark.parametrize("noise", NOISES)
def test_the_interval_covers_the_truth_as_often_as_said(noise: str) -> None:
    pairs = processes(noise, (20_000, 15), np.random.default_rng(3))
    found = walsh(pairs[..., 1] - pairs[..., 0] + 0.05)
    covered = (found.lower(0.025) <= 0.05) & (found.upper(0.025) >= 0.05)
    assert 0.945 < covered.mean() < 0.965
