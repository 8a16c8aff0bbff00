"""The next block takes as long as those before it."""

import pytest

from benchmarks.side_by_side.timetable import Timetable


def test_before_the_first_block_the_building_tells():
    table = Timetable({0: 8, 1: 8, 2: 24})
    table.built("one", 3.0, 0.5)
    table.built("two", 2.0, 0.25)
    assert table.expected(1, "pair", ["one", "two"]) == 3.75
    assert table.expected(1, "pair", ["two"]) == 3.25
    assert table.expected(2, "pair", ["one"]) == 4.5  # three times as many samples


def test_then_the_latest_blocks_of_its_kind_do():
    table = Timetable({0: 1, 1: 1})
    for seconds in (100.0, 1.0, 2.0, 3.0):
        table.took(1, "pair", seconds)
    table.took(1, "control", 9.0)
    assert table.expected(1, "pair", []) == pytest.approx(2.0)
    assert table.expected(1, "control", []) == 9.0
