"""Slow-downs that somebody accepts, with a reason: lines in the message of the head's commit, or in a file.

::

    Accept-slowdown: MyDense-numba-*-train checks its arguments now, which costs 4 %

The first word names cases, ``*`` and ``?`` standing for anything; the rest is the reason, without which it is not
accepted.  The file may also hold comments, which begin with ``#``.  What the base says as well was accepted once, when
it was merged: it covers nothing that is slower than the base.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Any

FILE = ".gluonmark-accept"
SOURCES = {"message": "the commit message", "accept": FILE}
LINE = re.compile(r"\s*Accept-slowdown:\s*(?P<cases>\S*)(?P<reason>.*)", re.IGNORECASE | re.DOTALL)


@dataclass(frozen=True)
class Override:
    """One line: which ``cases`` may be slower, why, and where that stands.  A line that is none has no cases."""

    cases: str
    reason: str
    source: str

    def covers(self, case: str) -> bool:
        """Whether ``case`` is meant."""
        return bool(self.reason) and fnmatchcase(case, self.cases)

    @property
    def problem(self) -> str:
        """What is wrong with the line, or nothing."""
        if not self.cases:
            return f"a line of {self.source} is no 'Accept-slowdown: CASES REASON' and does not count: {self.reason}"
        return "" if self.reason else f"{self} has no reason and does not count"

    def __str__(self) -> str:
        return f"Accept-slowdown: {self.cases} in {self.source}"


def overrides(header: Mapping[str, Any]) -> Sequence[Override]:
    """Every such line that the head brings and the base has not."""
    known = {*_lines(header.get("base") or {})}
    return tuple(line for line in _lines(header.get("head") or {}) if line not in known)


def _lines(head: Mapping[str, Any]) -> Iterator[Override]:
    for key, source in SOURCES.items():
        for line in str(head.get(key) or "").splitlines():
            found = LINE.match(line)
            if found and found["cases"]:
                yield Override(found["cases"], found["reason"].strip(), source)
            elif source == FILE and line.strip() and not line.lstrip().startswith("#"):
                yield Override("", line.strip(), source)
