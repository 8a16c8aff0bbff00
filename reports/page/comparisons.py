"""Lays out the speed-ups: a heat map for each variant and a throughput chart for each layer."""

import itertools
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from reports.crossovers import crossovers
from reports.error import ReportError
from reports.facts import facts
from reports.frame import distinct
from reports.notes import shown
from reports.page import charts, plotted
from reports.page.plotted import Datum
from reports.page.series import keys
from reports.speedups import speedups
from reports.units import significant

SETTINGS = ("threads", "engine", "dtype", "benchmark")
# Faster or slower by less than this much is not worth the deepest colour, even if nothing gains more.
LEAST_DEPTH = 1.0
ROW_HEIGHT = 34


@dataclass(frozen=True)
class Figure:
    """A chart under its heading: which specification, and its data.

    ``place`` is its variant's place among the variants, None if it is not of one; ``height`` in pixels, None if all of
    that kind have the same.
    """

    title: str
    kind: str
    datasets: dict[str, list[Datum]]
    place: int | None = None
    height: int | None = None

    @property
    def data(self) -> dict[str, Any]:
        """What the page's script needs to draw it."""
        height = {"height": self.height} if self.height else {}
        return {"kind": self.kind, "datasets": self.datasets, **height}


@dataclass(frozen=True)
class Crossing:
    """One crossover, for a table."""

    layer: str
    variant: str
    against: str
    batch: str
    bracket: str
    certain: bool


@dataclass(frozen=True)
class Block:
    """All that shares mode, context and settings."""

    title: str
    heat_maps: tuple[Figure, ...]
    throughputs: tuple[Figure, ...]
    crossings: tuple[Crossing, ...]


@dataclass(frozen=True)
class Comparison:
    """The section on speed-ups; ``variants`` begin with ``baseline``, each with the sign that stands for it."""

    baseline: str
    variants: tuple[tuple[str, str], ...]
    blocks: tuple[Block, ...]
    facts: tuple[str, ...]
    problems: tuple[str, ...]
    table: pd.DataFrame
    specifications: dict[str, charts.Spec]

    @property
    def figures(self) -> list[Figure]:
        """All charts, in the order in which the page shows them."""
        return [figure for block in self.blocks for figure in (*block.heat_maps, *block.throughputs)]


def comparison(frame: pd.DataFrame, baseline: str) -> Comparison | None:
    """The section, or None where a frame holds no two variants to compare."""
    present = distinct(frame.loc[(frame["metric"] == "time"), "variant"].astype("object"))
    if len(present) < 2:
        return None
    try:
        table = speedups(frame, baseline if baseline in map(str, present) else str(present[0]))
    except ReportError:
        return None
    known = set(frame.attrs.get("problems", ()))
    problems = tuple(problem for problem in table.attrs["problems"] if problem not in known)
    table.attrs = {}
    table["layer"] = table["layer"].astype("object").fillna(table["benchmark"])
    baseline = str(table["baseline"].iloc[0])
    variants = [baseline, *(name for name in distinct(table["variant"]) if name != baseline)]
    crossings = crossovers(table)
    varying = [name for name in SETTINGS if table[name].nunique(dropna=False) > 1]
    depth = max(LEAST_DEPTH, float(np.abs(np.log2(table["speedup"])).max()))
    blocks = [
        _block(rows, crossings, variants, varying, depth)
        for _, rows in table.groupby(["mode", "context", *varying], dropna=False, sort=False)
    ]
    return Comparison(
        baseline=baseline,
        variants=tuple((name, charts.GLYPHS[place % len(charts.GLYPHS)]) for place, name in enumerate(variants)),
        blocks=tuple(blocks),
        facts=facts(table),
        problems=problems,
        table=table,
        specifications=_specifications(table, variants, depth),
    )


def _specifications(table: pd.DataFrame, variants: list[str], depth: float) -> dict[str, charts.Spec]:
    """By kind, as ``Figure`` names them."""
    found = {"heat map": charts.heat_map(depth)}
    batches = _sizes(table["batch"])
    sizes = sorted(set(batches[batches > 0]))
    if len(sizes) > 1:
        for spread, crossed in itertools.product((False, True), repeat=2):
            found[_throughput_kind(spread, crossed)] = charts.throughput(variants, sizes, spread, crossed)
    return found


def _sizes(batches: pd.Series) -> pd.Series:
    """Batch sizes as numbers; NaN for what is none."""
    return pd.to_numeric(batches, errors="coerce").astype("float64").replace([np.inf, -np.inf], np.nan)


def _block(rows: pd.DataFrame, crossings: pd.DataFrame, variants: list[str], varying: list[str], depth: float) -> Block:
    first = rows.iloc[0]
    same = ["mode", "context", *varying]
    here = next(keys(rows, same))
    mine = crossings[np.array([key == here for key in keys(crossings, same)], dtype=bool)]
    settings = (f"{name} {shown(first[name])}" for name in varying)
    title = [shown(first["mode"], ""), shown(first["context"], ""), *settings]
    compared = rows[rows["speedup"].notna()]
    heat_maps = tuple(
        _heat_map(name, place, compared[compared["variant"] == name], depth)
        for place, name in enumerate(variants)
        if place and (compared["variant"] == name).any()
    )
    sized = rows[(_sizes(rows["batch"]) > 0) & rows["samples_per_second"].notna()]
    throughputs = tuple(
        _throughput(shown(layer), part, mine[mine["layer"] == layer])
        for layer, part in sized.groupby("layer", sort=False)
        if part["batch"].nunique() > 1
    )
    found = tuple(map(_crossing, mine.to_dict("records")))
    return Block(" · ".join(part for part in title if part), heat_maps, throughputs, found)


def _heat_map(variant: str, place: int, rows: pd.DataFrame, depth: float) -> Figure:
    height = ROW_HEIGHT * rows["layer"].nunique()
    return Figure(variant, "heat map", {"cells": plotted.cells(rows, depth)}, place, height)


def _throughput_kind(spread: bool, crossed: bool) -> str:
    return f"throughput{', spread' if spread else ''}{', crossed' if crossed else ''}"


def _throughput(layer: str, rows: pd.DataFrame, crossings: pd.DataFrame) -> Figure:
    kind = _throughput_kind(bool(rows["seconds_lower"].notna().any()), not crossings.empty)
    return Figure(layer, kind, {"measured": plotted.measured(rows), "crossings": plotted.crossings(crossings)})


def _crossing(row: dict) -> Crossing:
    return Crossing(
        layer=shown(row["layer"]),
        variant=str(row["variant"]),
        against=str(row["against"]),
        batch=significant(row["batch"]),
        bracket=f"{row['batch_below']:,g} – {row['batch_above']:,g}",
        certain=bool(row["certain"]),
    )
