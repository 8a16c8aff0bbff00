"""Writes workflow commands of GitHub Actions: what regressed stands beside a pull request, without any file.

A command is a line ``::error title=…::…``.  GitHub shows ten errors and ten warnings of a step, and so more are not
written: the last one says how many there are.
"""

from collections.abc import Iterator, Mapping, Sequence

from reports.findings import Change, Findings, grouped
from reports.frame import count
from reports.texts import shortened, undirected

SHOWN = 10
LONGEST = 500
DATA = {"%": "%25", "\r": "%0D", "\n": "%0A"}
PROPERTY = {**DATA, ":": "%3A", ",": "%2C"}


def printed(found: Findings) -> str:
    """An error for each commit whose regressions are still present, a warning for each thing that could not be read."""
    errors = [_told(group) for group in grouped(found.regressions)]
    warnings = [("not read", problem) for problem in found.problems]
    return "".join(
        f"{line}\n" for kind, told in (("error", errors), ("warning", warnings)) for line in _lines(kind, told)
    )


def _told(group: Sequence[Change]) -> tuple[str, str]:
    """Title and message for the regressions that one commit explains."""
    worst, more = group[0], len(group) - 1
    title = f"{worst.name}: {worst.size}{f', and {more:,} more' if more else ''}"
    return title, "; ".join(change.sentence for change in group)


def _lines(kind: str, told: Sequence[tuple[str, str]]) -> Iterator[str]:
    shown = told if len(told) <= SHOWN else told[: SHOWN - 1]
    for title, message in shown:
        yield command(kind, title, message)
    if len(told) > len(shown):
        yield command(kind, "and more", f"{count(len(told) - len(shown), kind)} more: see the report")


def command(kind: str, title: str, message: str) -> str:
    """One workflow command; no text can end it, begin another or add a property."""
    return f"::{kind} title={escaped(title, PROPERTY)}::{escaped(message, DATA)}"


def escaped(text: str, rules: Mapping[str, str]) -> str:
    """``text`` with GitHub's own escapes for the signs in ``rules``."""
    return undirected(shortened(text, LONGEST)).translate({ord(sign): code for sign, code in rules.items()})
