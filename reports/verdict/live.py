"""What gates of a known truth said: code beside itself, some of it slowed on purpose."""

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd

from reports.verdict.decide import INCONCLUSIVE, NOT_JUDGED, REGRESSION, Judged, Verdict, decide
from reports.verdict.rules import Rules
from reports.verdict.shares import Share

SPIN = "spin"  # the slow-down whose size is known


@dataclass(frozen=True)
class Live:
    """What many gates said.

    ``found`` is by what was planted: a size as a share of a call's time, or the kind of a slow-down of unknown size.
    """

    gates: int
    false_alarms: Share
    false_cases: Share
    fired: Share
    inconclusive: Share
    covered: Share
    found: Mapping[float | str, Share]


def live(frames: Sequence[pd.DataFrame], rules: Rules) -> Live:
    """What the gates said whose records are ``frames``; false alarms of a run are those of gates without a plant."""
    verdicts = [decide(frame, rules) for frame in frames]
    quiet = [verdict for verdict in verdicts if not plants(verdict.header)]
    sound = [case for verdict in verdicts for case in _judged(verdict) if case.case not in plants(verdict.header)]
    sized = [pair for verdict in verdicts for pair in _sized(verdict)]
    return Live(
        gates=len(quiet),
        false_alarms=Share(sum(bool(verdict.of(REGRESSION)) for verdict in quiet), len(quiet)),
        false_cases=Share(sum(case.state == REGRESSION for case in sound), len(sound)),
        fired=Share(sum(bool(verdict.fired) for verdict in verdicts), len(verdicts)),
        inconclusive=Share(sum(case.state == INCONCLUSIVE for case in sound), len(sound)),
        covered=Share(sum(case.lower <= truth <= case.upper for case, truth in sized), len(sized)),
        found=_found(verdicts),
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
        states = {case.case: case.state for case in _judged(verdict)}
        for case, plant in _planted(verdict):
            if case in states:
                what = plant["share"] if plant["kind"] == SPIN else plant["kind"]
                tries[what] += 1
                hits[what] += states[case] == REGRESSION
    order = sorted(tries, key=lambda what: (isinstance(what, str), what))
    return {what: Share(hits[what], tries[what]) for what in order}
