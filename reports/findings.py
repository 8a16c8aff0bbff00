"""What every file of a report is made from: the frame, its speed-ups, its changes, and the verdict in one sentence."""

import os
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import pandas as pd

from reports.error import ReportError
from reports.files import shown
from reports.frame import SETTINGS, count
from reports.history.series import in_time
from reports.history.steps import LIMITS
from reports.read import read
from reports.regressions import regressions
from reports.series import label, numbered, parameter_names
from reports.speedups import speedups
from reports.texts import printable, shortened
from reports.units import times

DEFAULT_BASELINE = "imperative"
PLACE = ("machine", "environment", *SETTINGS)
COMMIT = 8  # digits that name a commit to people
DAY = 10  # letters of a date: what has no commit is named by it
DATED = re.compile(r"\d{4}-\d\d-\d\dT")
LONGEST = 1000  # signs of a sentence on a terminal
MOST_SURE = 0.999  # what rounds to certainty is not printed as such
JUDGED = 2 * LIMITS.points  # commits that a series needs at least
WORDS = {"seconds": ("slower", "faster"), "bytes": ("more memory", "less memory")}


@dataclass(frozen=True)
class Change:
    """One change in words: of which series, how much, since when, how sure; ``row`` is it in figures."""

    name: str
    size: str
    suspects: str
    confidence: str
    row: Mapping[str, Any]

    @property
    def sentence(self) -> str:
        """All of it, for a reader who sees nothing else."""
        return f"{self.name} is {self.size} since {self.suspects} (confidence {self.confidence})"


@dataclass(frozen=True)
class Findings:
    """``frame`` is the tidy frame, ``changes`` what ``regressions`` finds in it; ``compared`` holds speed-ups, or is
    None where nothing names variants."""

    title: str
    frame: pd.DataFrame
    changes: pd.DataFrame
    compared: pd.DataFrame | None

    @property
    def baseline(self) -> str | None:
        """The variant that speed-ups refer to."""
        return None if self.compared is None else str(self.compared["baseline"].iloc[0])

    @property
    def problems(self) -> Sequence[str]:
        """A sentence for each thing that could not be read."""
        return list(map(str, self.frame.attrs.get("problems", ())))

    @property
    def not_judged(self) -> Sequence[str]:
        """A sentence for each kind of result that has no place in a history, where there are histories."""
        return list(self.changes.attrs.get("problems", ())) if self.judged else []

    @property
    def skipped(self) -> Sequence[Mapping[str, Any]]:
        """What the files say was not measured."""
        return list(self.frame.attrs.get("skipped", ()))

    @cached_property
    def regressions(self) -> Sequence[Change]:
        """Those that are still there, the most important first."""
        return self._present("regression")

    @cached_property
    def improvements(self) -> Sequence[Change]:
        """Those that are still there, the most important first."""
        return self._present("improvement")

    @cached_property
    def numbered(self) -> pd.DataFrame:
        """``frame`` with the number of its series in each row."""
        return numbered(self.frame)

    @cached_property
    def judged(self) -> int:
        """How many series hold enough commits for a regression to be seen in them."""
        dated = in_time(self.numbered)
        commits = dated[dated["value"] > 0].groupby("series")["commit"].nunique()
        return int((commits >= JUDGED).sum())

    @property
    def verdict(self) -> str:
        """What regressed, in one sentence."""
        if not self.judged:
            return f"Regressions could not be judged: no series holds the {JUDGED} commits that it takes."
        if not self.regressions:
            return f"Nothing regressed: no slow-down is left in {self.judged:,} series."
        worst, groups = self.regressions[0], len(grouped(self.regressions))
        return (
            f"{count(len(self.regressions), 'regression')} from {count(groups, 'commit')}, still present; "
            f"first of all {worst.name}: {worst.size} since {worst.suspects}."
        )

    @property
    def sentences(self) -> Sequence[str]:
        """What a person must know who sees nothing but the terminal."""
        problems = self.problems
        lost = [f"{count(len(problems), 'thing')} could not be read: {problems[0]}"] if problems else []
        return [shortened(printable(sentence), LONGEST) for sentence in (self.verdict, *lost)]

    def _present(self, kind: str) -> Sequence[Change]:
        names = parameter_names(self.changes.columns)
        rows = self.changes[(self.changes["change"] == kind) & self.changes["present"].astype(bool)]
        places = [name for name in PLACE if self.frame[name].nunique(dropna=False) > 1]
        return [_change(row, names, places) for row in rows.to_dict("records")]


def findings(paths: Sequence[str | Path], baseline: str | None = None) -> Findings:
    """Everything that the result files and folders ``paths`` say, and which changes there are over their commits.

    Raises ``ReportError`` if nothing usable is there, or a baseline was asked for that is not.
    """
    frame = read(*paths)
    title = ", ".join(shown(Path(path).absolute()).rpartition(os.sep)[2] for path in paths)
    return Findings(title, frame, regressions(frame), _compared(frame, baseline))


def _compared(frame: pd.DataFrame, baseline: str | None) -> pd.DataFrame | None:
    """Speed-ups where there are variants; a baseline that nobody asked for need not be there."""
    if baseline is not None:
        return speedups(frame, baseline)
    variants = frame["variant"].dropna().astype(str).unique()
    if not len(variants):
        return None
    try:
        return speedups(frame, DEFAULT_BASELINE if DEFAULT_BASELINE in variants else variants[0])
    except ReportError:  # somebody else's parameter that is called variant, of something that is no time
        return None


def _change(row: Mapping[Any, Any], names: Sequence[str], places: Sequence[str]) -> Change:
    more, less = WORDS.get(row["unit"], ("higher", "lower"))
    ratio = float(row["ratio"])
    return Change(
        name=" · ".join([label(row, names), *_place(row, places)]),
        size=f"{times(ratio)} {more}" if ratio > 1 else f"{times(1 / ratio)} {less}",
        suspects=suspects(row["since"], row["commit"]),
        confidence=_percent(row["confidence"]),
        row=row,
    )


def _place(row: Mapping[Any, Any], places: Sequence[str]) -> Iterator[str]:
    """Where the series was measured, as far as others were measured elsewhere."""
    for name in places:
        if not pd.isna(row[name]):
            yield f"{name} {row[name]}" if name in SETTINGS else str(row[name])


def _percent(confidence: float) -> str:
    """Never rounded up to certainty."""
    return f"above {100 * MOST_SURE:.1f} %" if confidence >= MOST_SURE else f"{100 * confidence:.1f} %"


def grouped(changes: Sequence[Change]) -> Sequence[Sequence[Change]]:
    """``changes`` that one commit explains together, in the order of the first of each."""
    groups: dict[int, list[Change]] = {}
    for change in changes:
        groups.setdefault(change.row["group"], []).append(change)
    return list(groups.values())


def suspects(since: object, commit: object) -> str:
    """The commits of which one did it, as git names a range: after ``since``, up to ``commit``."""
    return "..".join(one[: DAY if DATED.match(one) else COMMIT] for one in (since, commit) if isinstance(one, str))
