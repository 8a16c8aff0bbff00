"""Says what became slower: one sentence, then the changes, those of one commit together."""

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
import pandas as pd

from reports.findings import JUDGED
from reports.frame import count
from reports.notes import shown
from reports.page.quantities import quantity
from reports.page.series import Series, keys
from reports.units import between, times

MEMBERS_SHOWN = 5
MEMBERS_KEPT = 100
GROUPS_KEPT = 100
COMMIT_LETTERS = 8
# What a change is called by metric, where it grew and where it shrank.
WORDS = {"time": ("slower", "faster"), "memory": ("larger", "smaller"), "peakmemory": ("larger", "smaller")}
OTHER_WORDS = ("higher", "lower")


@dataclass(frozen=True)
class Change:
    """One series that moved; ``case`` is its number, None where the frame does not hold it."""

    label: str
    case: int | None
    before: str
    after: str
    ratio: str
    interval: str
    word: str
    confidence: str
    shape: str


@dataclass(frozen=True)
class Group:
    """Changes that one commit, or one range of commits, made."""

    commit: str
    since: str
    date: str
    size: str
    moved: str
    regressed: bool
    present: bool
    shown: tuple[Change, ...]
    folded: tuple[Change, ...]
    left_off: int


@dataclass(frozen=True)
class Verdict:
    """What the page begins with: ``tone`` is good, bad or none."""

    tone: str
    headline: str
    detail: str


def verdict(changes: pd.DataFrame, whole: Series, facts: Iterable[str]) -> Verdict:
    """One sentence on regressions that are still there; of a single run, what its speed-ups show."""
    if len(whole.runs) < 2:
        first, *_ = (*facts, f"{count(len(whole.cases), 'case')} measured.")
        return Verdict("none", first, "These are results of one commit: regressions show once there are several.")
    worse = changes[changes["change"] == "regression"]
    present, mended = worse[worse["present"].astype(bool)], worse[~worse["present"].astype(bool)]
    better = changes[(changes["change"] == "improvement") & changes["present"].astype(bool)]
    more = [f"{count(len(whole.cases), 'case')} over {count(len(whole.runs), 'commit')}"]
    if len(better):
        more.append(f"{count(len(better), 'improvement')} still there")
    if len(mended):
        more.append(f"{count(len(mended), 'earlier regression')} mended or no longer measured")
    detail = "; ".join(more) + "."
    if _most_points(whole) < JUDGED:
        return Verdict("none", f"No case holds the {JUDGED} commits that it takes to judge.", detail)
    if present.empty:
        return Verdict("good", "Nothing regressed.", detail)
    commits = count(present["group"].nunique(), "commit")
    return Verdict("bad", f"{count(len(present), 'regression')} at {commits}.", detail)


def _most_points(whole: Series) -> int:
    """Of the case that has most of what a regression can be seen in: figures above 0 of runs with a date."""
    dated = whole.runs["date"].notna().to_numpy()[whole.points["position"]]
    return int(np.bincount(whole.points["case"][dated & (whole.points["value"] > 0)], minlength=1).max())


def groups(changes: pd.DataFrame, whole: Series) -> list[Group]:
    """The changes by what made them, in the order of their most important one."""
    numbers = [whole.numbers.get(key) for key in keys(changes, whole.identity)]
    changes = changes.assign(case=pd.Series(numbers, index=changes.index, dtype="object"))
    alike = changes.groupby(["group", "change", "present"], sort=False)
    return [_group(rows, whole) for _, rows in alike][:GROUPS_KEPT]


def _group(rows: pd.DataFrame, whole: Series) -> Group:
    first = rows.iloc[0]
    moved = [_change(row, whole) for row in rows.head(MEMBERS_KEPT).to_dict("records")]
    return Group(
        commit=shown(first["commit"], ""),
        since=shown(first["since"], ""),
        date="" if pd.isna(first["date"]) else f"{first['date']:%-d %B %Y}",
        size=_size(moved),
        moved=count(len(rows), "case"),
        regressed=first["change"] == "regression",
        present=bool(first["present"]),
        shown=tuple(moved[:MEMBERS_SHOWN]),
        folded=tuple(moved[MEMBERS_SHOWN:]),
        left_off=len(rows) - len(moved),
    )


def _size(changes: list[Change]) -> str:
    """Of a group, in a few words; its most important change stands for all."""
    upto = "up to " if len(changes) > 1 else ""
    return f"{upto}{changes[0].ratio} {changes[0].word}"


def _change(row: dict, whole: Series) -> Change:
    up, down = WORDS.get(row["metric"], OTHER_WORDS)
    ratio, lower, upper = row["ratio"], row["lower"], row["upper"]
    word = up if ratio >= 1 else down
    if ratio < 1:  # "2.00x faster" reads better than "0.50x slower"
        ratio, lower, upper = 1 / ratio, 1 / upper, 1 / lower
    case = row["case"]
    return Change(
        label=shown(row["benchmark"]) if case is None else whole.label(case),
        case=case,
        before=quantity(row["before"], row["unit"]),
        after=quantity(row["after"], row["unit"]),
        ratio=times(ratio),
        interval="" if pd.isna(lower) or pd.isna(upper) else between(lower, upper),
        word=word,
        confidence=_confidence(row["confidence"]),
        shape=row["shape"],
    )


def _confidence(value: float) -> str:
    """A probability in whole per cent, never rounded up to certainty."""
    return "" if pd.isna(value) else "> 99 %" if value > 0.99 else f"{100 * value:.0f} %"
