"""Judges a record: a verdict for each case, and one for the pull request."""

import math
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd

from reports.frame import count
from reports.verdict.blocks import ARMS, BASE, CONTROL, HEAD, PAIR
from reports.verdict.control import Control, controls
from reports.verdict.detectable import detectable
from reports.verdict.look import Decided, Look, first_stage, look, second_stage, suspicious
from reports.verdict.observations import matrix, observations
from reports.verdict.overrides import Override, overrides
from reports.verdict.rules import RULES, Rules
from reports.verdict.timing import Timing

REGRESSION, ACCEPTED, INVALID = "regression", "accepted", "invalid"
INCONCLUSIVE, NOT_JUDGED = "inconclusive", "not judged"
NEW, GONE = "new", "gone"
NO_CHANGE, IMPROVED = "no change", "improved"
PASSED = (NO_CHANGE, IMPROVED)
# A process may end by accident; a case that fails so often in the head is not judged on the blocks that it left.
AGAIN = 2
# The exit codes of the command.
NOTHING_REGRESSED, REGRESSED, COULD_NOT_JUDGE = 0, 1, 3


@dataclass(frozen=True)
class Judged:
    """One case.  ``ratio`` is head ÷ base, above 1 slower, with its interval; NaN where there is no figure.  ``base``
    and ``head`` are medians of seconds of a call.

    ``chance`` is that of such a slow-down by accident, before the correction for the number of cases; ``stage`` and
    ``blocks`` say on what it rests.  ``detectable`` is the ratio that an inconclusive case could have shown, and
    ``reason`` says in a clause why something is missing or accepted, and ``arm`` which commit is to blame for that.
    """

    case: str
    state: str
    stage: int = 0
    blocks: int = 0
    ratio: float = math.nan
    lower: float = math.nan
    upper: float = math.nan
    base: float = math.nan
    head: float = math.nan
    chance: float = 1.0
    detectable: float = math.nan
    reason: str = ""
    arm: str = ""


@dataclass(frozen=True)
class Shift:
    """What all cases have in common: the median over cases, with its interval over blocks; it is never subtracted."""

    ratio: float
    lower: float
    upper: float


@dataclass(frozen=True)
class Verdict:
    """What a gate found.  ``failures`` are sentences about cases that failed in some blocks; ``observed`` and
    ``dropped`` count observations, one a case and block, controls included; ``early`` counts the blocks of the first
    stage."""

    cases: Sequence[Judged]
    controls: Sequence[Control]
    overrides: Sequence[Override]
    shift: Shift | None
    failures: Sequence[str]
    observed: int
    dropped: int
    early: int
    rules: Rules
    header: Mapping[str, Any]
    companions: Mapping[str, Any]
    ended: Mapping[str, Any]

    def of(self, *states: str) -> Sequence[Judged]:
        """The cases in one of ``states``, the slowest first."""
        chosen = [case for case in self.cases if case.state in states]
        return sorted(chosen, key=lambda case: -case.ratio if case.ratio == case.ratio else math.inf)

    @property
    def fired(self) -> Sequence[Control]:
        """The controls that say that the machine is to blame."""
        return [control for control in self.controls if control.fired]

    @property
    def enough(self) -> float:
        """A budget, in seconds, in which a case that is slower in each block fails at once; 0 if that is unknown."""
        family = sum(case.blocks > 0 for case in self.cases)
        if not family or not self.early or self.ended.get("end"):
            return 0.0
        needed = -math.log2(self.rules.early / family)
        return float(self.header.get("budget") or 0.0) * max(1.0, needed / self.early)

    def code(self, strict: bool = False) -> int:
        """The exit code; ``strict`` makes inconclusive cases count as not judged.

        A case that fails in the head is never a pass; one that the base cannot run has nothing to be slower than.
        Nor does a gate pass that ended before it had decided what it could.
        """
        if self.of(REGRESSION):
            return REGRESSED
        lost = [case for case in self.of(NOT_JUDGED) if case.arm != BASE]
        open_ = (strict or self.ended.get("end")) and self.of(INCONCLUSIVE)
        unknown = self.of(INVALID) or lost or open_
        return COULD_NOT_JUDGE if unknown or not self.of(*PASSED, ACCEPTED) else NOTHING_REGRESSED


def decide(frame: pd.DataFrame, rules: Rules = RULES) -> Verdict:
    """The verdict on the blocks in ``frame`` (``blocks.frame``), of both stages or as far as they go."""
    observed = observations(frame, rules)
    accepted = overrides(frame.attrs["header"])
    checked = controls(observed, rules)
    measured = _timed(_measured(observed, rules), observed)
    blamed = any(control.fired for control in checked)
    missing = frame.attrs["missing"]
    cases = [_settled(case, accepted, blamed, _failed_in_head(missing, case)) for case in measured.values()]
    return Verdict(
        cases=(*cases, *_missing(missing, set(measured))),
        failures=_failures(missing, {case.case for case in cases if case.state != NOT_JUDGED}),
        controls=checked,
        overrides=accepted,
        shift=_shift(observed, rules),
        observed=len(observed),
        dropped=int(observed["dropped"].sum()),
        early=matrix(observed, PAIR, 1).shape[1],
        rules=rules,
        header=frame.attrs["header"],
        companions=frame.attrs["companions"],
        ended=frame.attrs["ended"],
    )


def suspects(frame: pd.DataFrame, rules: Rules = RULES) -> list[str]:
    """The cases that the first stage leaves open, the most suspicious first; as many as there is time to decide.

    Of many planted slow-downs each stands for one that is alone (live.py): none is left out for the others.
    """
    ratios = matrix(observations(frame, rules), PAIR, 1)
    seen = look(ratios.to_numpy(dtype=float), rules)
    order = suspicious(seen, first_stage(seen, rules))
    planted = frame.attrs["header"].get("plants")
    number = len(order) if planted else Timing.of(frame).affordable(len(order), ratios.to_numpy(dtype=float), rules)
    return [str(ratios.index[place]) for place in order[:number]]


def _measured(observed: pd.DataFrame, rules: Rules) -> dict[str, Judged]:
    """The cases that have a figure; where there are blocks of the second stage, these alone decide."""
    early, late = (matrix(observed, PAIR, stage) for stage in (1, 2))
    seen = look(early.to_numpy(dtype=float), rules)
    decided = first_stage(seen, rules)
    found = _judged(early, seen, decided, rules.early / max(1, len(early)), 1, rules)
    late = late.loc[[case for case in late.index if case not in found or found[case].state == INCONCLUSIVE]]
    seen = look(late.to_numpy(dtype=float), rules)
    return found | _judged(late, seen, second_stage(seen, rules), rules.late / max(1, len(late)), 2, rules)


def _timed(found: Mapping[str, Judged], observed: pd.DataFrame) -> dict[str, Judged]:
    """``found`` with the seconds of each case in the stage that decided it."""
    medians = observed[observed["kind"] == PAIR].groupby(["case", "stage"])[list(ARMS)].median()
    seconds = medians.to_dict("index")
    return {name: replace(case, **seconds[name, case.stage]) for name, case in found.items()}


def _judged(
    ratios: pd.DataFrame, seen: Look, decided: Decided, error: float, stage: int, rules: Rules
) -> dict[str, Judged]:
    """The cases of one stage, before overrides and controls; ``error`` is the chance that the test of one may take."""
    found = {}
    faster = (seen.faster <= error) & (seen.estimate < -rules.least)
    for place, case in enumerate(map(str, ratios.index)):
        state = INCONCLUSIVE
        if decided.failed[place]:
            state = REGRESSION
        elif decided.passed[place]:
            state = IMPROVED if faster[place] else NO_CHANGE
        found[case] = Judged(
            case=case,
            state=state,
            stage=stage,
            blocks=int(seen.blocks[place]),
            ratio=float(np.exp(seen.estimate[place])),
            lower=float(np.exp(seen.lower[place])),
            upper=float(np.exp(seen.upper[place])),
            chance=float(seen.slower[place]),
            detectable=_detectable(ratios, place, error, rules) if state == INCONCLUSIVE else math.nan,
        )
    return found


def _detectable(ratios: pd.DataFrame, place: int, error: float, rules: Rules) -> float:
    return detectable(ratios.iloc[place].to_numpy(dtype=float), error, rules)


def _failed_in_head(lines: Iterable[Mapping[str, Any]], case: Judged) -> Sequence[str]:
    """Why the head failed ``case``, for each block in which it did."""
    return [line["reason"] for line in lines if line["case"] == case.case and _arm(line) == HEAD]


def _settled(case: Judged, accepted: Sequence[Override], blamed: bool, failed: Sequence[str]) -> Judged:
    """``case`` after somebody accepted its slow-down, or the machine was found to blame, or the head ``failed`` it.

    What that left open is not merely inconclusive; what the head fails again and again does not pass on other blocks.
    """
    if (failed and case.state == INCONCLUSIVE) or (len(failed) >= AGAIN and case.state in PASSED):
        return replace(case, state=NOT_JUDGED, reason=failed[-1], arm=HEAD)
    if case.state != REGRESSION:
        return case
    override = next((one for one in accepted if one.covers(case.case)), None)
    if override:
        return replace(case, state=ACCEPTED, reason=f"{override.reason} ({override.source})")
    return replace(case, state=INVALID) if blamed else case


def _missing(lines: Iterable[Mapping[str, Any]], measured: set[str]) -> Sequence[Judged]:
    """The cases without any figure, with the first reason that was given for each."""
    found: dict[str, Judged] = {}
    for line in lines:
        case, arm = line["case"], _arm(line)
        state = (NEW if arm == BASE else GONE) if line.get("absent") else NOT_JUDGED
        if case not in measured:
            found.setdefault(case, Judged(case, state, reason=line["reason"], arm=arm))
    return list(found.values())


def _failures(lines: Iterable[Mapping[str, Any]], measured: set[str]) -> Sequence[str]:
    """A sentence for each case that failed in some blocks only."""
    times = Counter((line["case"], _arm(line), line["reason"]) for line in lines if line["case"] in measured)
    return [
        f"{case} failed in {count(number, 'block')} in the {arm}, and was judged on the others: {reason}."
        for (case, arm, reason), number in times.items()
    ]


def _arm(line: Mapping[str, Any]) -> str:
    """The commit that failed: both processes of a control run the base."""
    return BASE if line.get("kind") == CONTROL else str(line.get("arm") or "")


def _shift(observed: pd.DataFrame, rules: Rules) -> Shift | None:
    """From the median over all cases in each block of the first stage."""
    ratios = matrix(observed, PAIR, 1)
    if ratios.empty:
        return None
    seen = look(ratios.median().to_numpy(dtype=float)[None, :], rules)
    ratio, lower, upper = (float(np.exp(one[0])) for one in (seen.estimate, seen.lower, seen.upper))
    return Shift(ratio, lower, upper)
