"""What gates of a known truth show: how often they are wrong, what they find, and what other rules would have found."""

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pandas as pd

from reports import markdown, terminal
from reports.error import ReportError
from reports.files import shown
from reports.frame import count
from reports.plain import Plain
from reports.verdict.blocks import frame, load
from reports.verdict.live import Live, live, plants
from reports.verdict.pool import Pool, pool
from reports.verdict.replay import SIZES, Replayed, replay
from reports.verdict.rivals import rivals
from reports.verdict.rules import RULES, Rules
from reports.verdict.shares import Share
from reports.verdict.words import share

LIVE, REPLAYED, RIVAL = "live", "replayed", "rival"
COLUMNS = ("source", "rule", "minutes", "what", "slower", "share", "lower", "upper", "hits", "tries")
GATE = "gluonmark gate"
NOT_REPLAYED = (
    "The gate itself was not replayed: these gates of identical code have too few blocks.  Measure more of them."
)
ALONE = "What was planted is judged as if nothing else had been slowed."
FALSE = "false alarm, a run"
# Shares of the budget that gates had, of which replays say what they would have found.
BUDGETS = (0.5, 1.0, 2.0)
MINUTE = 60.0


def records(folder: Path) -> list[pd.DataFrame]:
    """The frames of the records in ``folder`` that have come to their end.  Raises ``ReportError`` if there is none."""
    begun = (file for file in sorted(folder.glob("*.jsonl")) if file.stat().st_size)  # a gate that was killed at once
    frames = [frame(load(file)) for file in begun]
    ended = [one for one in frames if one.attrs["ended"] and not one.attrs["ended"].get("end")]
    if not ended:
        raise ReportError(f"{shown(folder)}: there is no finished gate yet: run `gluonmark calibrate` first")
    return ended


def figures(frames: Sequence[pd.DataFrame], replays: int, runs: int, rules: Rules = RULES) -> pd.DataFrame:
    """How often each thing happened, with Wilson's 95 % intervals: a row each, ``COLUMNS``.

    ``slower`` is the share by which what was planted slows its case, measured, in the median, where that is not known.
    ``replays`` gates are replayed for each budget, ``runs`` for the rules of other tools.
    """
    identical = [one for one in frames if not plants(one.attrs["header"])]
    rows = list(_live(live(frames, rules), identical or frames))
    if identical:
        blocks = pool(identical, rules)
        rows += [row for part in BUDGETS for row in _replayed(blocks, part, replays, rules)]
        rows += _rivals(blocks, runs)
    return pd.DataFrame(rows, columns=list(COLUMNS))


def arranged(found: pd.DataFrame) -> Sequence[tuple[str, Plain]]:
    """``found`` as tables for people, each with its title: what gates said, which budgets say what, and the rivals."""
    source = found["source"]
    said, replayed = found[source == LIVE], found[source == REPLAYED]
    beside = found[found["minutes"].isin(found.loc[source == RIVAL, "minutes"]) & (source != LIVE)]
    tables = [(f"What gates of {_minutes(said)} said, in %", _long(said))]
    if len(replayed):
        tables.append((_replays(replayed), _wide(replayed, "what", "minutes")))
    if len(beside):
        common = beside[beside["what"].isin(_common(beside))]
        notes = () if len(replayed) else (NOT_REPLAYED,)
        title = "By rule, after as many seconds of measuring, in % with the 95 % interval"
        tables.append((title, replace(_wide(common, "rule", "what"), notes=notes)))
    return tables


def tables(found: pd.DataFrame, format: str = "table", *, width: int = 100) -> str:
    """``found`` as text for people; ``format`` is "table" or "markdown"."""
    if format == "markdown":
        return "\n".join(f"**{title}**\n\n{markdown.printed(table)}" for title, table in arranged(found))
    texts = (f"{title}\n{terminal.printed(table, width=width, color=False)}" for title, table in arranged(found))
    return "\n".join(texts)


def _live(said: Live, frames: Sequence[pd.DataFrame]) -> Iterator[dict[str, Any]]:
    minutes = float(pd.Series([one.attrs["header"].get("budget") for one in frames], dtype=float).median()) / MINUTE
    counted = {
        FALSE: said.false_alarms,
        "false alarm, a case": said.false_cases,
        "control fired, a run": said.fired,
        "inconclusive, a case": said.inconclusive,
        "interval covers the truth": said.covered,
        **{_found(what): hits for what, hits in said.found.items()},
    }
    slower = {_found(what): said.slower[what] if isinstance(what, str) else what for what in said.found}
    return _rows(LIVE, GATE, minutes, counted, slower)


def _replayed(blocks: Pool, part: float, number: int, rules: Rules) -> Iterator[dict[str, Any]]:
    """With so many times the budget, if blocks are neither too few for that nor too many."""
    timing = blocks.timing.times(part)
    if timing.early < rules.fewest_blocks or timing.early >= blocks.blocks:
        return iter(())
    said: Replayed = replay(blocks, timing, rules, number)
    counted = {
        FALSE: said.false_alarms,
        "control fired, a run": said.fired,
        "inconclusive, a case": said.inconclusive,
        "interval covers the truth": said.covered,
        **{_found(size): hits for size, hits in said.found.items()},
        **{f"passed: {share(size)} slower": hits for size, hits in said.passed.items() if size >= rules.threshold},
    }
    return _rows(REPLAYED, GATE, part * blocks.budget / MINUTE, counted, _sizes(said.found))


def _rivals(blocks: Pool, number: int) -> Iterator[dict[str, Any]]:
    for rule, (false, found) in rivals(blocks, number, SIZES).items():
        counted = {FALSE: false, **{_found(size): hits for size, hits in found.items()}}
        yield from _rows(RIVAL, rule, blocks.budget / MINUTE, counted, _sizes(found))


def _sizes(sizes: Iterable[float]) -> dict[str, float]:
    return {_found(size): size for size in sizes}


def _rows(
    source: str, rule: str, minutes: float, counted: Mapping[str, Share], slower: Mapping[str, float]
) -> Iterator[dict[str, Any]]:
    """``slower`` says of what was planted by how much it makes a case slower, as a share."""
    for what, found in counted.items():
        lower, upper = found.interval
        yield {
            "source": source,
            "rule": rule,
            "minutes": minutes,
            "what": what,
            "slower": slower.get(what, math.nan),
            "share": found.value,
            "lower": lower,
            "upper": upper,
            "hits": found.hits,
            "tries": found.tries,
        }


def _found(what: float | str) -> str:
    return f"found: {what}" if isinstance(what, str) else f"found: {share(what)} slower"


def _common(rows: pd.DataFrame) -> set[str]:
    """What is known of every rule."""
    return set.intersection(*(set(some["what"]) for _, some in rows.groupby("rule")))


def _minutes(rows: pd.DataFrame) -> str:
    return f"{rows['minutes'].iloc[0]:.3g} min"


def _replays(rows: pd.DataFrame) -> str:
    runs = rows.loc[rows["what"] == FALSE, "tries"].iloc[0]
    return f"{count(runs, 'gate')} replayed for each time, in % with the 95 % interval"


def _long(rows: pd.DataFrame) -> Plain:
    """A line for each measure."""
    notes = (ALONE,) if rows["what"].str.startswith("found").any() else ()
    lines = tuple(
        (row["what"], *_share(row), f"{row['tries']:,}", _slower(row["slower"])) for row in rows.to_dict("records")
    )
    return Plain(("what", "share", "95 % interval", "of", "slower by"), (False, *[True] * 4), lines, notes)


def _slower(by: float) -> str:
    return "" if math.isnan(by) else f"{100 * by:.1f}".removesuffix(".0")


def _wide(rows: pd.DataFrame, row: str, across: str) -> Plain:
    """A line for each ``row``, beside it a column for each of ``across``."""
    cells = rows.assign(cell=[_cell(one) for one in rows.to_dict("records")])
    wide = cells.pivot_table(index=row, columns=across, values="cell", aggfunc="first", sort=False).fillna("")
    header = [f"{name:.3g} min" if across == "minutes" else str(name) for name in wide.columns]
    lines = [(str(name), *cells) for name, cells in zip(wide.index, wide.to_numpy().tolist(), strict=True)]
    return Plain((row, *header), (False, *[True] * len(header)), tuple(lines), ())


def _cell(row: Mapping[Any, Any]) -> str:
    """A share with its interval: ``99.1 (98.2–99.6)``."""
    value, interval = _share(row)
    return f"{value} ({interval})" if interval else value


def _share(row: Mapping[Any, Any]) -> tuple[str, str]:
    """A share and its interval, in per cent."""
    value, lower, upper = (f"{100 * row[name]:.1f}".removesuffix(".0") for name in ("share", "lower", "upper"))
    return (value, f"{lower}\N{EN DASH}{upper}") if row["tries"] else ("not tried", "")
