"""How well changes are found, on series from fixed seeds, and that the scores of the comparison mean what they say."""

import itertools

import numpy as np
import pytest
from change_points.methods import METHODS, Found, ours
from change_points.people import f1
from change_points.score import MARGIN, Score, Slopes, found_in, scored
from change_points.synthetic import COMMITS, Truth, clean, creeps, steps

SEED = 1


def whole(scores):
    total = Score()
    for score in scores.values():
        total.series, total.false = total.series + score.series, total.false + score.false
        total.hits, total.misses = total.hits + score.hits, total.misses + score.misses
        total.away, total.wrong = total.away + score.away, total.wrong + score.wrong
    return total


def test_steps_are_found_where_they_are():
    score = whole(scored(ours, steps(1, SEED)))
    assert score.series == 140
    assert score.precision >= 0.95
    assert score.recall >= 0.65
    assert np.mean(score.away) < 0.7
    assert np.median(score.wrong) < 0.06


def test_steps_of_four_deviations_are_missed_by_few():
    large = (one for one in steps(1, SEED) if one.about["size"] >= 4 * one.about["deviation"])
    assert whole(scored(ours, large)).recall >= 0.93


def test_series_that_never_change_raise_few_alarms():
    score = whole(scored(ours, clean(8, SEED)))
    assert score.series == 224
    assert score.false_per_1000 <= 20


def test_creep_is_seen_and_named_as_one_range():
    slopes = Slopes()
    for one in creeps(3, SEED):
        slopes.add(found_in(ours, one.values), one.truth[0])
    assert slopes.seen >= 0.85 * slopes.series
    assert slopes.named >= 0.75 * slopes.series
    assert slopes.parts <= 1.5 * slopes.series


@pytest.mark.parametrize("name", METHODS)
def test_every_method_that_is_compared_finds_what_is_plain(name):
    values = np.random.default_rng(SEED).normal(0, 0.005, COMMITS) + 0.2 * (np.arange(COMMITS) >= 90)
    values[[20, 130]] = np.nan
    found = found_in(METHODS[name], values)
    best = max(found, key=lambda one: abs(one.size))
    assert (best.begin, best.end) == (89, 90)
    assert best.size == pytest.approx(0.2, rel=0.05)


TRUTH = (Truth(50, 50, 0.1), Truth(120, 120, -0.1))
EXACT = [Found(49, 50, 0.1), Found(119, 120, -0.1)]
SCORES = {
    "all": (EXACT, (2, 0, 0)),
    "nothing": ([], (0, 2, 0)),
    "within the margin": ([Found(49 + MARGIN, 50 + MARGIN, 0.1), EXACT[1]], (2, 0, 0)),
    "too late": ([Found(50 + MARGIN, 51 + MARGIN, 0.1), EXACT[1]], (1, 1, 1)),
    "the wrong way": ([Found(49, 50, -0.1), EXACT[1]], (1, 1, 1)),
    "twice": ([EXACT[0], Found(51, 52, 0.1), EXACT[1]], (2, 0, 1)),
    "everywhere": ([Found(i, i + 1, 0.1) for i in range(199)], (1, 1, 198)),
}


@pytest.mark.parametrize(("found", "expected"), SCORES.values(), ids=SCORES)
def test_a_score_counts(found, expected):
    score = Score()
    score.add(found, TRUTH)
    assert (score.hits, score.misses, score.false) == expected


@pytest.mark.parametrize(
    ("found", "expected"),
    [
        ([Found(40, 160, 0.2)], (1, 1, 1, 0)),
        ([Found(99, 100, 0.2)], (1, 0, 1, 0)),
        ([Found(40, 160, -0.2)], (0, 0, 1, 0)),
        ([Found(10, 11, 0.2)], (0, 0, 0, 1)),
        ([Found(a, a + 1, 0.05) for a in (60, 90, 120)], (1, 0, 3, 0)),
    ],
)
def test_a_slope_counts(found, expected):
    slopes = Slopes()
    slopes.add(found, Truth(50, 150, 0.2))
    assert (slopes.seen, slopes.named, slopes.parts, slopes.outside) == expected


def test_agreement_with_people_by_hand():
    # Marks {0, 50}, {0, 50, 80} and {0}; found 51: precision 2/2, recall (2/2 + 2/3 + 1/1) / 3 = 8/9.
    assert f1([51], ((50,), (50, 80), ())) == pytest.approx(2 * (8 / 9) / (1 + 8 / 9))
    assert f1([], ((), ())) == 1
    assert f1([10, 20, 30], ((),)) == pytest.approx(2 * 0.25 / 1.25)


def test_series_are_the_same_each_time_and_their_steps_apart():
    for one, again in zip(steps(1, SEED), steps(1, SEED), strict=True):
        np.testing.assert_array_equal(one.values, again.values)
        places = [0, *(change.end for change in one.truth), COMMITS]
        assert all(b - a >= 12 for a, b in itertools.pairwise(places))
