"""Replays gates with the blocks of gates of identical code, thousands of times.

A replay draws whole blocks, so that what the cases of a block have in common stays, and no block twice, so that there
are no ties that no gate has.  Into one case a slow-down of known size is put: all of its ratios in the head are moved.
Late blocks come from the same pool as early ones, although real ones take more samples; controls too, because blocks of
identical code are base beside base but for the folder.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, fields

import numpy as np

from reports.verdict.control import firing
from reports.verdict.look import Look, first_stage, look, second_stage, suspicious
from reports.verdict.pool import Pool
from reports.verdict.rules import Rules
from reports.verdict.shares import Share
from reports.verdict.timing import CONTROL_EVERY, Timing

SIZES = (0.02, 0.03, 0.05, 0.1)
NOTHING = 0.0


@dataclass(frozen=True)
class Run:
    """What one replayed gate said: masks over its cases, and whether its controls fired."""

    failed: np.ndarray
    open: np.ndarray
    covered: np.ndarray
    fired: bool


@dataclass(frozen=True)
class Replayed:
    """What all replays said.  ``found`` and ``passed`` are by size: the slow-down failed, or passed."""

    false_alarms: Share
    fired: Share
    inconclusive: Share
    covered: Share
    found: Mapping[float, Share]
    passed: Mapping[float, Share]


def replay(
    blocks: Pool, timing: Timing, rules: Rules, number: int, seed: int = 0, sizes: Sequence[float] = SIZES
) -> Replayed:
    """``number`` gates of identical code, and as many for each of ``sizes``, put into a case drawn at random."""
    random = np.random.default_rng(seed)
    cases = len(blocks.cases)
    nothing = dict.fromkeys(sizes, 0)
    false, fired, undecided, covered, found, passed = 0, 0, 0, 0, dict(nothing), dict(nothing)
    for _ in range(number):
        planted = int(random.integers(cases))
        for size, run in _runs(blocks, timing, rules, planted, sizes, random.permutation(blocks.blocks)):
            if size == NOTHING:
                false += bool(run.failed.any() and not run.fired)
                fired += run.fired
                undecided += int(run.open.sum())
                covered += int(run.covered.sum())
            else:
                found[size] += bool(run.failed[planted] and not run.fired)
                passed[size] += bool(not run.failed[planted] and not run.open[planted])
    return Replayed(
        Share(false, number),
        Share(fired, number),
        Share(undecided, number * cases),
        Share(covered, number * cases),
        {size: Share(hits, number) for size, hits in found.items()},
        {size: Share(hits, number) for size, hits in passed.items()},
    )


def _runs(
    blocks: Pool, timing: Timing, rules: Rules, planted: int, sizes: Sequence[float], order: np.ndarray
) -> Iterator[tuple[float, Run]]:
    """The gates of one draw, which differ in what is planted."""
    early = blocks.ratios[order[: timing.early]].T
    rest = blocks.ratios[order[timing.early :]]
    quiet = look(early, rules)
    for size in (NOTHING, *sizes):
        moved = np.zeros(len(early))
        moved[planted] = np.log1p(size)
        slowed = look(early[[planted]] + moved[planted], rules)
        seen = _replaced(quiet, planted, slowed)
        yield size, _run(seen, early, rest, moved, timing, rules)


def _run(seen: Look, early: np.ndarray, rest: np.ndarray, moved: np.ndarray, timing: Timing, rules: Rules) -> Run:
    decided = first_stage(seen, rules)
    failed, undecided = decided.failed.copy(), decided.open
    covered = _covers(seen, moved)
    suspects = suspicious(seen, decided)
    suspects = suspects[: timing.affordable(len(suspects), early, rules)]
    number = timing.blocks(len(suspects))
    late = look(rest[:number, suspects].T + moved[suspects, None], rules)
    decided = second_stage(late, rules)
    failed[suspects], undecided[suspects] = decided.failed, decided.open
    if number:
        covered[suspects] = _covers(late, moved[suspects])
    control = look(rest[number : number + number // CONTROL_EVERY, suspects].T, rules)
    return Run(failed, undecided, covered, bool(firing(control, rules).any()))


def _covers(seen: Look, truth: np.ndarray) -> np.ndarray:
    """Which intervals cover the truth; one without an end, on too few blocks, covers nothing."""
    covers: np.ndarray = (seen.lower <= truth) & (truth <= seen.upper) & np.isfinite(seen.upper)
    return covers


def _replaced(seen: Look, place: int, one: Look) -> Look:
    """``seen`` with another look at the case at ``place``."""
    changed = {}
    for field in fields(seen):
        changed[field.name] = getattr(seen, field.name).copy()
        changed[field.name][place] = getattr(one, field.name)[0]
    return Look(**changed)
