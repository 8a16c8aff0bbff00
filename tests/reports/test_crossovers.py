"""Crossovers: batch sizes worked out by hand."""

import math

import pytest

from reports import crossovers, read, speedups


@pytest.fixture
def crossed(write, document, entry):
    """Makes the crossovers of seconds per variant and batch, in one round."""

    def make(seconds, modes=("forward",)):
        entries = [
            entry(("MyDense", variant, batch, mode), [value])
            for mode in modes
            for variant, values in seconds.items()
            for batch, value in values.items()
        ]
        return crossovers(speedups(read(write("run.json", document(entries)))))

    return make


def test_halfway_between_two_batches(crossed):
    # At 4 the baseline is twice as fast, at 64 the other: logarithms cross halfway, at sqrt(4 * 64) = 16.
    found = crossed({"imperative": {4: 1.0, 64: 16.0}, "numba": {4: 2.0, 64: 8.0}})
    (row,) = found.to_dict("records")
    assert (row["variant"], row["against"], row["layer"], row["mode"]) == ("numba", "imperative", "MyDense", "forward")
    assert row["batch"] == pytest.approx(16)
    assert (row["batch_below"], row["batch_above"]) == (4, 64)
    assert row["seconds"] == pytest.approx(4), "both lines are at sqrt(1 * 16) = sqrt(2 * 8) there"
    assert not row["certain"], "one round has no interval"


def test_a_third_of_the_way(crossed):
    # The ratio goes from 2 to 1/4: log2 from 1 to -2, zero after a third of the way from 1 to 64.
    (row,) = crossed({"imperative": {1: 1.0, 64: 4.0}, "numba": {1: 2.0, 64: 1.0}}).to_dict("records")
    assert row["batch"] == pytest.approx(4)


def test_who_becomes_slower_is_the_other(crossed):
    (row,) = crossed({"imperative": {1: 2.0, 4: 1.0}, "numba": {1: 1.0, 4: 2.0}}).to_dict("records")
    assert (row["variant"], row["against"]) == ("imperative", "numba")


@pytest.mark.parametrize(("rounds", "certain"), [([1.0, 1.02, 0.98], True), ([1.0, 4.0, 0.25], False)])
def test_certain_where_intervals_are_apart_on_both_sides(write, document, entry, rounds, certain):
    seconds = {("imperative", 1): 1.0, ("imperative", 4): 2.0, ("numba", 1): 2.0, ("numba", 4): 1.0}
    entries = [
        entry(("L", variant, batch, "forward"), [value * (factor if variant == "numba" else 1)], round_)
        for (variant, batch), value in seconds.items()
        for round_, factor in enumerate(rounds)
    ]
    (row,) = crossovers(speedups(read(write("run.json", document(entries))))).to_dict("records")
    assert row["batch"] == pytest.approx(2, rel=0.01)
    assert row["certain"] is certain


@pytest.mark.parametrize(
    "numba",
    [
        pytest.param({1: 0.5, 16: 0.5}, id="always faster"),
        pytest.param({1: 1.0, 16: 1.0}, id="the same"),
        pytest.param({1: 1.0, 16: 0.5}, id="the same, then faster"),
        pytest.param({1: 0.5}, id="one batch"),
        pytest.param({2: 0.5, 8: 2.0}, id="no batch in common"),
    ],
)
def test_no_crossover(crossed, numba):
    assert crossed({"imperative": {1: 1.0, 16: 1.0}, "numba": numba}).empty


def test_a_tie_on_the_way_is_where_they_cross(crossed):
    (row,) = crossed({"imperative": {1: 1.0, 4: 1.0, 16: 1.0}, "numba": {1: 2.0, 4: 1.0, 16: 0.5}}).to_dict("records")
    assert row["batch"] == pytest.approx(4)


def test_each_pair_and_each_mode_for_itself(crossed):
    seconds = {"imperative": {1: 2.0, 4: 2.0}, "hybridized": {1: 4.0, 4: 1.0}, "numba": {1: 3.0, 4: 1.5}}
    found = crossed(seconds, modes=("forward", "train"))
    pairs = {(row.mode, frozenset((row.variant, row.against))) for row in found.itertuples()}
    expected = (("imperative", "hybridized"), ("imperative", "numba"), ("hybridized", "numba"))
    assert pairs == {(mode, frozenset(pair)) for mode in ("forward", "train") for pair in expected}
    assert len(found) == 6


def test_there_and_back_are_two(crossed):
    found = crossed({"imperative": {1: 1.0, 4: 1.0, 16: 1.0}, "numba": {1: 2.0, 4: 0.5, 16: 2.0}})
    assert found["batch"].tolist() == [pytest.approx(2), pytest.approx(8)]
    assert found["variant"].tolist() == ["numba", "imperative"]


def test_batches_that_are_no_numbers(write, document, entry):
    entries = [
        entry(("L", variant, batch, "forward"), [1.0]) for variant in ("imperative", "numba") for batch in ("a", "b")
    ]
    assert crossovers(speedups(read(write("run.json", document(entries))))).empty
    assert math.isnan(speedups(read(write("run.json", document(entries))))["samples_per_second"].iloc[0])
