"""Arranges a verdict for reading: what came of it, the cases that matter, and how it was decided."""

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from reports.frame import count
from reports.plain import Plain
from reports.texts import shortened
from reports.units import duration
from reports.verdict.companions import difference
from reports.verdict.decide import (
    ACCEPTED,
    COULD_NOT_JUDGE,
    GONE,
    IMPROVED,
    INCONCLUSIVE,
    INVALID,
    NEW,
    NOT_JUDGED,
    PASSED,
    REGRESSION,
    Judged,
    Verdict,
)
from reports.verdict.words import between, change, share

COMMIT = 8  # digits that name a commit to people
MOST = 20  # rows of a section
LONGEST = 300  # characters of what somebody else said
MINUTE = 60  # seconds


@dataclass(frozen=True)
class Section:
    """Cases in one state."""

    state: str
    title: str
    table: Plain


@dataclass(frozen=True)
class Document:
    """``headline`` is the verdict in one sentence; ``how`` are sentences."""

    headline: str
    sections: Sequence[Section]
    how: Sequence[str]


def document(verdict: Verdict) -> Document:
    """``verdict`` for people."""
    sections = [section for state in SECTIONS if (section := _section(verdict, state))]
    return Document(headline(verdict), sections, list(_how(verdict)))


def headline(verdict: Verdict) -> str:
    """What came of it, in one sentence."""
    number = len(verdict.cases)
    if slower := verdict.of(REGRESSION):
        return f"{len(slower):,} of {count(number, 'case')} became slower; first of all {told(slower[0])}."
    if invalid := verdict.of(INVALID):
        control = verdict.fired[0]
        return (
            f"Not judged: {count(len(invalid), 'case')} looked slower, but so did the base beside itself "
            f"({control.case}: {change(control.ratio)}), so the machine is to blame."
        )
    rest = [f"{len(found):,} {state}" for state in (INCONCLUSIVE, ACCEPTED, NOT_JUDGED) if (found := verdict.of(state))]
    accepted, passed = verdict.of(ACCEPTED), verdict.of(*PASSED)
    if not (passed or accepted):
        return f"Not judged: none of {count(number, 'case')} came to a verdict{_listed(rest)}."
    much = f"slower by {share(verdict.rules.threshold)}"
    if verdict.code() == COULD_NOT_JUDGE:
        return f"Not all was judged: {len(passed):,} of {count(number, 'case')} surely not {much}{_listed(rest)}."
    sure = f"{len(passed):,} of {count(number, 'case')} surely not"
    said = f"{sure}{_listed(rest)}" if passed else f"of {count(number, 'case')} {', '.join(rest)}"
    return f"Nothing became {much}{' that nobody accepts' if accepted else ''}: {said}."


def commit(about: Mapping[str, Any]) -> str:
    """A commit for people: its digits and subject, and whether files differ from it."""
    digits = str(about.get("commit") or "")[:COMMIT]
    subject = shortened(str(about.get("subject") or ""), LONGEST)
    if about.get("dirty"):
        return f"the working tree on {digits or 'no commit'}, with changes that are not committed"
    return f"{digits} ({subject})" if subject else digits or "unknown"


def told(case: Judged) -> str:
    """A case and its change."""
    interval = between(case.lower, case.upper)
    return f"{case.case}: {change(case.ratio)}{f' [{interval}]' if interval else ''}"


def _listed(parts: Sequence[str]) -> str:
    return f"; {', '.join(parts)}" if parts else ""


# By column: its title, whether it is a number, and its text.
Column = tuple[str, bool, Callable[[Verdict, Judged], str]]
CASE: Column = ("case", False, lambda _, case: case.case)
CHANGE: Column = ("change", True, lambda _, case: change(case.ratio))
INTERVAL: Column = ("95 % interval", True, lambda _, case: between(case.lower, case.upper))
SECONDS: Column = ("base → head", True, lambda _, case: f"{duration(case.base)} → {duration(case.head)}")
BLOCKS: Column = ("blocks", True, lambda _, case: str(case.blocks))
CODE: Column = ("beside time", False, lambda verdict, case: difference(verdict.companions.get(case.case, {})))
REASON: Column = ("reason", False, lambda _, case: shortened(case.reason, LONGEST))
SEEN: Column = ("could have seen", True, lambda _, case: _seen(case))
MEASURED = (CASE, CHANGE, INTERVAL, SECONDS, BLOCKS)

# In the order of reading; cases in other states are only counted.
SECTIONS: Mapping[str, tuple[str, Sequence[Column]]] = {
    REGRESSION: ("Slower", (*MEASURED, CODE)),
    INVALID: ("Looked slower, on a machine that is to blame", (*MEASURED, CODE)),
    ACCEPTED: ("Slower, and accepted", (*MEASURED, REASON)),
    NOT_JUDGED: ("Not judged", (CASE, ("commit", False, lambda _, case: case.arm), REASON)),
    INCONCLUSIVE: ("Inconclusive", (*MEASURED, SEEN)),
    GONE: ("Gone", (CASE, REASON)),
    NEW: ("New, with nothing to compare to", (CASE, REASON)),
    IMPROVED: ("Faster", (*MEASURED, CODE)),
}


def _section(verdict: Verdict, state: str) -> Section | None:
    cases = verdict.of(state)
    if not cases:
        return None
    title, columns = SECTIONS[state]
    cases = cases if state != IMPROVED else cases[::-1]
    table = Plain(
        header=tuple(name for name, _, _ in columns),
        numeric=tuple(numeric for _, numeric, _ in columns),
        rows=tuple(tuple(text(verdict, case) for _, _, text in columns) for case in cases[:MOST]),
        notes=tuple(_section_notes(verdict, cases)),
    )
    return Section(state, f"{title}: {count(len(cases), 'case')}", table)


def _section_notes(verdict: Verdict, cases: Sequence[Judged]) -> Iterator[str]:
    if len(cases) > MOST:
        yield f"and {len(cases) - MOST:,} more"
    short = any(case.state == INCONCLUSIVE and math.isinf(case.detectable) for case in cases)
    if short and (enough := verdict.enough):
        yield "On so few blocks no slow-down fails, however large it is."
        fewer = ", or fewer cases" if len(verdict.cases) > 1 else ""
        yield f"Give the gate more time, such as --budget {math.ceil(enough / MINUTE)}m{fewer}."


def _seen(case: Judged) -> str:
    """What an inconclusive case could have shown: never rounded to less."""
    if not math.isfinite(case.detectable):
        return "too few blocks"
    return f"{math.ceil(1000 * (case.detectable - 1)) / 10:.1f} % or more"


def _how(verdict: Verdict) -> Iterator[str]:
    header, rules = verdict.header, verdict.rules
    yield f"Base: {commit(header.get('base') or {})}. Head: {commit(header.get('head') or {})}."
    if seconds := verdict.ended.get("spent"):
        budget = f" of {_clock(header['budget'])}" if header.get("budget") else ""
        end = verdict.ended.get("end")
        yield f"Measured for {_clock(seconds)}{budget} minutes{f'; ended early: {end}' if end else ''}."
    for stage in STAGE:
        judged = [case for case in verdict.cases if case.stage == stage]
        if judged:
            yield f"{STAGE[stage]}: {count(len(judged), 'case')} judged on {_range([case.blocks for case in judged])}."
    yield (
        f"Slower is what no accident explains and is more than {share(rules.least_share)} slower as measured: in a run "
        f"of identical code the chance that anything fails is {share(rules.error)}. What passes is slower by less than "
        f"{share(rules.threshold)}, with {share((1 + rules.confidence) / 2)} confidence in each look."
    )
    yield from _trust(verdict)


STAGE = {1: "First stage, all cases", 2: "Second stage, suspects on fresh blocks alone"}


def _trust(verdict: Verdict) -> Iterator[str]:
    """What speaks for the machine and against it."""
    fired = [f"{one.case} ({change(one.ratio)})" for one in verdict.fired]
    able = sum(control.able for control in verdict.controls)
    said = f"differed: {', '.join(fired)}" if fired else f"none differed ({able} had blocks enough to)"
    if verdict.controls:
        yield f"Controls, base beside base: {count(len(verdict.controls), 'case')}, {said}."
    if verdict.shift:
        interval = between(verdict.shift.lower, verdict.shift.upper)
        yield f"All cases together: {change(verdict.shift.ratio)} [{interval or 'no interval'}], not subtracted."
    yield f"Dropped because a process was disturbed: {verdict.dropped:,} of {verdict.observed:,} figures."
    yield from _few(verdict.failures)
    yield from _few(list(_overrides(verdict)))


def _overrides(verdict: Verdict) -> Iterator[str]:
    """What is wrong with lines that accept slow-downs."""
    for one in verdict.overrides:
        if one.problem:
            yield f"{one.problem}."
        elif not any(one.covers(case.case) for case in verdict.cases):
            yield f"{one} names none of these cases."


def _few(sentences: Sequence[str]) -> Iterator[str]:
    """The first of them, none too long: a comment on GitHub holds 65,536 characters."""
    yield from (shortened(sentence, LONGEST) for sentence in sentences[:MOST])
    if len(sentences) > MOST:
        yield f"And {len(sentences) - MOST:,} more of that kind."


def _clock(seconds: float) -> str:
    return f"{round(seconds) // MINUTE}:{round(seconds) % MINUTE:02}"


def _range(numbers: Sequence[int]) -> str:
    least, most = min(numbers), max(numbers)
    return count(most, "block") if least == most else f"{least} to {most} blocks"
