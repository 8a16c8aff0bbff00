"""What a reader must know beside the figures."""

from collections import Counter

import pandas as pd

from reports.frame import count
from reports.units import MISSING

# A folder may hold thousands of foreign files; the frame keeps every problem, a table is not the place for them.
PROBLEMS_SHOWN = 5


def notes(frame: pd.DataFrame) -> tuple[str, ...]:
    """What the files say to their readers, skipped cases by context and reason, weak results by warning, and what could
    not be read."""
    skipped = Counter(_reason(case) for case in frame.attrs.get("skipped", ()))
    weak = Counter(text for text in frame.get("warning", ()) if text)
    return (
        *frame.attrs.get("remarks", ()),
        *(f"{count(number, f'{context} case'.strip())}: {reason}" for (context, reason), number in skipped.items()),
        *(f"{warning} ({count(number, 'row')})" for warning, number in weak.items()),
        *_problems([str(problem) for problem in frame.attrs.get("problems", ())]),
    )


def shown(value: object, missing: str = MISSING) -> str:
    """A cell of a frame as text."""
    return missing if value is None or pd.isna(value) else str(value)


def _problems(problems: list[str]) -> list[str]:
    more = len(problems) - PROBLEMS_SHOWN
    return problems if more <= 0 else [*problems[:PROBLEMS_SHOWN], f"and {count(more, 'problem')} more"]


def _reason(case: dict) -> tuple[str, str]:
    return shown(case.get("params", {}).get("context"), ""), shown(case.get("reason"), "no reason given")
