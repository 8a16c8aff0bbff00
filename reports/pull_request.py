"""Writes the Markdown of a pull-request comment: the verdict first, what regressed below it, everything else folded.

A comment longer than a screen is not read, so every section has its share of ``LONGEST`` lines, and says what it leaves
out.
"""

from collections.abc import Sequence

import numpy as np
import pandas as pd

from reports.facts import crossings, facts
from reports.findings import Change, Findings, grouped
from reports.frame import SETTINGS, count, distinct
from reports.markdown import escaped, folded, paragraphs, table
from reports.notes import notes, shown
from reports.texts import shortened
from reports.units import times

LONGEST = 60  # lines, of which the sections may have:
REGRESSIONS, IMPROVEMENTS, LAYERS, NOTES = 8, 3, 8, 5
CROSSINGS = 3  # sentences
VARIANTS = 4  # columns
LONGEST_NAME, LONGEST_SENTENCE = 100, 300


def printed(found: Findings) -> str:
    """The comment, of at most ``LONGEST`` lines."""
    sections = (_verdict(found), _speedups(found), _improvements(found), _notes(found), _place(found))
    return "\n\n".join(section for section in sections if section) + "\n"


def _verdict(found: Findings) -> str:
    groups = grouped(found.regressions)
    more = len(groups) - REGRESSIONS
    rest = f"The page also shows the regressions of {count(more, 'commit')} more." if more > 0 else ""
    return paragraphs(f"**{_sentence(found.verdict)}**", _changes(groups[:REGRESSIONS]), rest)


def _improvements(found: Findings) -> str:
    changes = found.improvements
    return folded(count(len(changes), "improvement"), _changes(grouped(changes)[:IMPROVEMENTS])) if changes else ""


def _changes(groups: Sequence[Sequence[Change]]) -> str:
    """A row for each commit, with the most important of its changes."""
    rows = map(_row, groups)
    header = ("since", "date", "benchmark", "change", "confidence", "also")
    return table(header, (False, False, False, True, True, True), rows) if groups else ""


def _row(group: Sequence[Change]) -> Sequence[str]:
    first, more = group[0], len(group) - 1
    date = f"{first.row['date']:%Y-%m-%d}"
    also = f"{more:,} more" if more else ""
    return escaped(first.suspects), date, _name(first.name), first.size, first.confidence, also


def _speedups(found: Findings) -> str:
    if found.compared is None:
        return ""
    said = escaped(" ".join((*facts(found.compared), *crossings(found.compared, CROSSINGS))))
    means = _means(found.compared)
    title = f"Speed-ups over {found.baseline}"
    if means.empty:
        return folded(title, said)
    more = len(means) - LAYERS
    title += f": the {LAYERS} layers of {len(means)} that gain most" if more > 0 else ""
    rows = (
        (_name(layer), *map(_times, row)) for layer, row in zip(means.index, means.to_numpy()[:LAYERS], strict=False)
    )
    header = ("geometric mean", *map(_name, means.columns))
    return folded(title, said, table(header, (False, *[True] * len(means.columns)), rows))


def _means(compared: pd.DataFrame) -> pd.DataFrame:
    """Geometric mean by layer (row) and variant (column), the largest first; without the baseline."""
    others = compared[(compared["variant"] != compared["baseline"]) & (compared["speedup"] > 0)]
    if others.empty:
        return pd.DataFrame()
    names = others["layer"].where(others["layer"].notna(), others["benchmark"]).map(str)
    logs = np.log(others["speedup"]).groupby([names, others["variant"].map(str)]).mean().unstack()
    logs = logs[logs.mean().sort_values(ascending=False).index[:VARIANTS]]
    return np.exp(logs.sort_values(list(logs.columns[:1]), ascending=False, kind="stable"))


def _notes(found: Findings) -> str:
    said = (*notes(found.frame), *found.not_judged)
    told = said[:NOTES] if len(said) <= NOTES else [*said[: NOTES - 1], f"and {len(said) - NOTES + 1} more"]
    counted = ("Not measured", "case", len(found.skipped)), ("Not read", "problem", len(found.problems))
    title = " ".join(f"{what}: {count(number, noun)}." for what, noun, number in counted if number)
    return folded(title or "To know", "\n".join(f"- {_sentence(one)}" for one in told)) if said else ""


def _place(found: Findings) -> str:
    frame = found.frame
    dates = frame["date"].dropna()
    parts = [f"{found.numbered['series'].nunique():,} series", count(frame["commit"].nunique(), "commit")]
    if len(dates):
        parts.append(" to ".join(dict.fromkeys(f"{date:%Y-%m-%d}" for date in (dates.min(), dates.max()))))
    for name in ("machine", "environment", *SETTINGS):
        values = distinct(frame[name])
        if values:
            parts.append(f"{name} {', '.join(map(shown, values[:3]))}{' …' if len(values) > 3 else ''}")
    return folded("Where and how it was measured", _sentence("; ".join(parts)))


def _times(value: float) -> str:
    return "" if pd.isna(value) else times(value)


def _name(text: object) -> str:
    return escaped(shortened(str(text), LONGEST_NAME))


def _sentence(text: str) -> str:
    return escaped(shortened(text, LONGEST_SENTENCE))
