"""What gates of a known truth said: code beside itself, some of it slowed on purpose.

A gate with many planted slow-downs stands for as many gates with one each: all share its blocks, so that each has fewer
than if it were alone, but the chance of a false failure is shared only with what nobody slowed.
"""

import itertools
import math
import statistics
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from reports.verdict.decide import INCONCLUSIVE, NOT_JUDGED, REGRESSION, Judged, Verdict, decide
from reports.verdict.look import fails
from reports.verdict.rules import Rules
from reports.verdict.shares import Share

SPIN = "spin"  # the slow-down whose size is known


@dataclass(frozen=True)
class Live:
    """What many gates said.

    ``found`` is by what was planted: a size as a share of a call's time, or the kind of a slow-down of unknown size,
    of which ``slower`` says by how much it was in the median.
    """

    gates: int
    false_alarms: Share
    false_cases: Share
    fired: Share
    inconclusive: Share
    covered: Share
    found: Mapping[float | str, Share]
    slower: Mapping[str, float]


def live(frames: Sequence[pd.DataFrame], rules: Rules) -> Live:
    """What the gates said whose records are ``frames``.

    False alarms and inconclusive cases are those of gates without a plant, whose suspects have the time to themselves.
    """
    verdicts = [decide(frame, rules) for frame in frames]
    quiet = [verdict for verdict in verdicts if not plants(verdict.header)]
    sound = [case for verdict in quiet for case in _judged(verdict)]
    sized = [pair for verdict in verdicts for pair in _sized(verdict)]
    return Live(
        gates=len(quiet),
        false_alarms=Share(sum(bool(verdict.of(REGRESSION)) for verdict in quiet), len(quiet)),
        false_cases=Share(sum(case.state == REGRESSION for case in sound), len(sound)),
        fired=Share(sum(bool(verdict.fired) for verdict in verdicts), len(verdicts)),
        inconclusive=Share(sum(case.state == INCONCLUSIVE for case in sound), len(sound)),
        covered=Share(sum(case.lower <= truth <= case.upper for case, truth in sized), len(sized)),
        found=_found(verdicts),
        slower=_slower(verdicts),
    )


def plants(header: Mapping[str, Any]) -> Mapping[str, Mapping[str, Any]]:
    """What slowed the head on purpose, by case."""
    found: Mapping[str, Mapping[str, Any]] = header.get("plants") or {}
    return found


def _judged(verdict: Verdict) -> Sequence[Judged]:
    return [case for case in verdict.cases if case.state != NOT_JUDGED and case.blocks]


def _sized(verdict: Verdict) -> Sequence[tuple[Judged, float]]:
    """The cases that have an interval and a known truth, with it."""
    truths = {case: 1 + plant["share"] if plant["kind"] == SPIN else math.nan for case, plant in _planted(verdict)}
    return [
        (case, truth)
        for case in _judged(verdict)
        if math.isfinite(truth := truths.get(case.case, 1.0)) and math.isfinite(case.upper)
    ]


def _planted(verdict: Verdict) -> Sequence[tuple[str, Mapping[str, Any]]]:
    return list(plants(verdict.header).items())


def _found(verdicts: Sequence[Verdict]) -> dict[float | str, Share]:
    """By plant, how many failed of those that were measured."""
    tries, hits = Counter[float | str](), Counter[float | str]()
    for verdict in verdicts:
        for what, case in _slowed(verdict):
            tries[what] += 1
            hits[what] += _fails_alone(case, verdict)
    order = sorted(tries, key=lambda what: (isinstance(what, str), what))
    return {what: Share(hits[what], tries[what]) for what in order}


def _slower(verdicts: Sequence[Verdict]) -> dict[str, float]:
    """By how much what has no known size made its cases slower, as a share, in the median."""
    ratios: dict[str, list[float]] = {}
    for what, case in itertools.chain.from_iterable(map(_slowed, verdicts)):
        if isinstance(what, str):
            ratios.setdefault(what, []).append(case.ratio)
    return {what: statistics.median(some) - 1 for what, some in ratios.items()}


def _slowed(verdict: Verdict) -> Iterator[tuple[float | str, Judged]]:
    """What was planted, with the case that has it."""
    judged = {case.case: case for case in _judged(verdict)}
    for case, plant in _planted(verdict):
        if case in judged:
            yield plant["share"] if plant["kind"] == SPIN else plant["kind"], judged[case]


def _fails_alone(case: Judged, verdict: Verdict) -> bool:
    """Whether a planted case fails where no other one is slowed."""
    if verdict.fired or case.stage == 1:
        return case.state == REGRESSION
    others = [one for one in _judged(verdict) if one.stage == 2 and one.case not in plants(verdict.header)]
    chances, ratios = np.array([(one.chance, one.ratio) for one in (case, *others)]).T
    return bool(fails(chances, np.log(ratios), verdict.rules)[0])
