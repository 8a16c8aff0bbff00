"""Indices of reads: where they reach, and which conditions on them need not be asked."""

import pytest

from kernels.extent import BATCH, ONE, ZERO, Extent, literal
from kernels.indices import NOWHERE, Guard, Index, identity, seen_along

FOUR = Index(0, literal(4), 1)
ROWS = Index(0, BATCH, 1)

REACHES = [
    (FOUR, (ZERO, literal(3))),
    (ROWS, (ZERO, Extent(1, -1))),
    (Index(0, literal(4), -2, literal(6)), (ZERO, literal(6))),
    (NOWHERE, (ZERO, ZERO)),
]


@pytest.mark.parametrize(("index", "expected"), REACHES)
def test_from_the_smallest_to_the_largest(index: Index, expected: tuple[Extent, Extent]) -> None:
    assert index.reaches() == expected


KNOWN = [
    (Guard(FOUR, ">="), True),
    (Guard(FOUR, ">=", ONE), None),
    (Guard(FOUR, ">=", literal(4)), False),
    (Guard(FOUR, "<", literal(4)), True),
    (Guard(FOUR, "<", literal(3)), None),
    (Guard(FOUR, "<", ZERO), False),
    (Guard(ROWS, "<", BATCH), True),
    (Guard(ROWS, "<", Extent(1, -1)), None),
    (Guard(ROWS, "<", literal(4)), None),
    (Guard(FOUR.moved_back(ZERO, 2), "%"), None),
    (Guard(Index(0, literal(4), 2).moved_back(ONE, 2), "%"), False),
    (Guard(Index(0, literal(4), 2).moved_back(literal(2), 2), "%"), True),
]


@pytest.mark.parametrize(("guard", "expected"), KNOWN)
def test_a_condition_that_is_the_same_everywhere_is_not_asked(guard: Guard, expected: bool | None) -> None:
    assert guard.known is expected


def test_a_slice_and_a_pad_undo_each_other() -> None:
    there = ROWS.moved(literal(3), 2)
    assert there == Index(0, BATCH, 2, literal(3))
    assert there.moved_back(literal(3), 2) == ROWS
    assert NOWHERE.moved(literal(4), 3).moved_back(ZERO, 2) == Index(None, offset=literal(2))
    assert ROWS.moved_back(ONE, 2) == Index(0, BATCH, 1, literal(-1), 2)


def test_a_loop_runs_along_long_axes() -> None:
    assert identity((BATCH, ONE, literal(4))) == (ROWS, NOWHERE, Index(2, literal(4), 1))
    assert seen_along((ROWS, FOUR), (1, None, 0)) == (FOUR, NOWHERE, ROWS)
