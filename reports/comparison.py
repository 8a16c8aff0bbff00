"""Arranges speed-ups for reading: a block per mode and context, a row per layer and batch, a column per variant.

The arrangement is plain data and knows no output format; ``terminal`` and ``markdown`` print it.
"""

from dataclasses import dataclass

import pandas as pd

from reports.facts import crossings, facts
from reports.frame import count, distinct
from reports.notes import notes, shown
from reports.speedups import CONFIDENCE
from reports.units import MISSING, between, duration, times

SETTINGS = ("threads", "engine", "dtype")


@dataclass(frozen=True)
class Cell:
    """One variant of one case; ``speedup`` and ``interval`` are empty for the baseline itself."""

    seconds: str
    speedup: str = ""
    interval: str = ""
    fastest: bool = False


@dataclass(frozen=True)
class Line:
    """One layer at one batch size: a cell per variant of the block."""

    layer: str
    batch: str
    cells: tuple[Cell, ...]


@dataclass(frozen=True)
class Block:
    """All cases that share mode, context and settings."""

    title: str
    lines: tuple[Line, ...]


@dataclass(frozen=True)
class Comparison:
    """Everything that is printed, in order."""

    title: str
    variants: tuple[str, ...]
    blocks: tuple[Block, ...]
    caption: str
    facts: tuple[str, ...]
    notes: tuple[str, ...]


def compare(frame: pd.DataFrame) -> Comparison:
    """The arrangement of a frame that ``speedups`` made."""
    remarks = notes(frame)
    frame = frame.copy()
    frame.attrs = {}
    baseline = str(frame["baseline"].iloc[0])
    variants = (baseline, *(name for name in distinct(frame["variant"]) if name != baseline))
    varying = [name for name in (*SETTINGS, "benchmark") if frame[name].nunique(dropna=False) > 1]
    keys = ["mode", "context", *varying]
    blocks = tuple(
        Block(_block_title(group, varying), _lines(group, variants, baseline))
        for _, group in frame.groupby(keys, dropna=False, sort=False)
    )
    return Comparison(
        title=f"Speed-up over {baseline} (above 1 is faster)",
        variants=variants,
        blocks=blocks,
        caption=_caption(frame, varying),
        facts=(*facts(frame), *crossings(frame)),
        notes=remarks,
    )


def _lines(group: pd.DataFrame, variants: tuple[str, ...], baseline: str) -> tuple[Line, ...]:
    return tuple(
        Line(shown(layer), shown(batch), _cells(case, variants, baseline))
        for (layer, batch), case in group.groupby(["layer", "batch"], dropna=False, sort=False)
    )


def _cells(case: pd.DataFrame, variants: tuple[str, ...], baseline: str) -> tuple[Cell, ...]:
    rows = {row.variant: row for row in case.itertuples()}
    fastest = min(rows, key=lambda name: rows[name].seconds) if len(rows) > 1 else None
    cells = []
    for name in variants:
        row = rows.get(name)
        if row is None:
            cells.append(Cell(MISSING))
        elif name == baseline:
            cells.append(Cell(duration(row.seconds), fastest=name == fastest))
        else:
            interval = "" if pd.isna(row.speedup_lower) else between(row.speedup_lower, row.speedup_upper)
            cells.append(Cell(duration(row.seconds), times(row.speedup), interval, name == fastest))
    return tuple(cells)


def _block_title(group: pd.DataFrame, varying: list[str]) -> str:
    first = group.iloc[0]
    parts = [shown(first["mode"]), shown(first["context"])]
    return " · ".join([*parts, *(_setting(name, first[name]) for name in varying)])


def _caption(frame: pd.DataFrame, varying: list[str]) -> str:
    first = frame.iloc[0]
    parts = [_setting(name, first[name]) for name in SETTINGS if name not in varying and not pd.isna(first[name])]
    fewest, most = int(frame["rounds"].min()), int(frame["rounds"].max())
    parts.append(count(most, "round") if fewest == most else f"{fewest} to {most} rounds")
    if frame["speedup_lower"].notna().any():
        parts.append("times are medians of rounds, speed-ups means of the ratios within rounds")
        parts.append(f"in brackets the {100 * CONFIDENCE:.0f} % interval over rounds")
    return ", ".join(parts)


def _setting(name: str, value: object) -> str:
    return f"{name} {shown(value)}"
