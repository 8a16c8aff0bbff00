"""Specifies the charts, by Altair, for Vega-Lite.

There is one specification of each kind; data, colours and sizes are not in it.  It names data sets, ranges and styles,
and the page's script fills them in: the data from the page, the colours from the style sheet.
"""

from collections.abc import Sequence
from typing import Any

import altair as alt

Spec = dict[str, Any]

SHAPES = ("circle", "square", "triangle-up", "diamond", "triangle-down", "cross")
GLYPHS = ("●", "■", "▲", "◆", "▼", "✚")
# Vega rules a line at each multiple of a power of ten; the powers are enough.
IS_POWER_OF_TEN = "abs(log(datum.value) / LN10 - round(log(datum.value) / LN10)) < 1e-6"
TITLES = {"speedup": "speed-up", "interval": "95 % interval"}


def heat_map(largest: float) -> Spec:
    """Speed-up of one variant, layer by batch; ``largest`` is the log2 of the speed-up with the deepest colour."""
    base = alt.Chart(alt.NamedData("cells"), width="container").encode(
        x=alt.X("batch:N", sort=None, title="batch size", axis=alt.Axis(labelAngle=0)),
        y=alt.Y("layer:N", sort=None, title=None),
        tooltip=_tooltip("layer", "batch", "speedup", "interval", "time", "baseline"),
    )
    scale = alt.Scale(domain=[-largest, 0, largest], range="diverging", interpolate="rgb", clamp=True)
    cells = base.mark_rect(style="cell").encode(color=alt.Color("gain:Q", scale=scale, legend=None))
    texts = [
        base.mark_text(style=style)
        .transform_filter(alt.FieldEqualPredicate(field="ink", equal=style))
        .encode(text="speedup:N")
        for style in ("plain", "deep", "plain, unsure", "deep, unsure")
    ]
    return _finished(alt.layer(cells, *texts))


def throughput(variants: Sequence[str], batches: Sequence[float], spread: bool, crossed: bool) -> Spec:
    """Samples per second of one layer over the batch size: a line for each variant.

    ``spread`` says that there are intervals, ``crossed`` that there are crossovers: Vega warns of scales without data.
    """
    x = alt.X(
        "batch:Q",
        title="batch size",
        scale=alt.Scale(type="log", domain=[min(batches), max(batches)], nice=False),
        axis=alt.Axis(values=list(batches), grid=False, labelFlush=False, labelOverlap=True, format=",~f"),
    )
    powers = alt.ConditionalAxisNumber(condition={"test": IS_POWER_OF_TEN, "value": 1}, value=0)
    axis = alt.Axis(format="~s", tickCount=4, labelOverlap=True, gridOpacity=powers)
    y = alt.Y("rate:Q", title=None, scale=alt.Scale(type="log", nice=False, padding=8), axis=axis)
    color = alt.Color("variant:N", scale=alt.Scale(domain=list(variants), range="category"), legend=None)
    shapes = [SHAPES[place % len(SHAPES)] for place in range(len(variants))]
    shape = alt.Shape("variant:N", scale=alt.Scale(domain=list(variants), range=shapes), legend=None)
    base = alt.Chart(alt.NamedData("measured")).encode(x=x, y=y, color=color)
    told = _tooltip("variant", "batch", "throughput", "interval", "time")
    layers = [base.mark_line(style="curve"), base.mark_point(style="measured").encode(shape=shape, tooltip=told)]
    if spread:
        layers.insert(1, base.mark_rule(style="spread").encode(y="lower:Q", y2="upper:Q"))
    if crossed:
        marks = alt.Chart(alt.NamedData("crossings")).mark_point(style="crossing", shape="circle")
        layers.append(
            marks.encode(
                x=x, y=y, opacity=alt.Opacity("weight:Q", scale=None), tooltip=_tooltip("overtakes", "at", "evidence")
            )
        )
    return _finished(alt.layer(*layers).properties(width="container", height=190))


def history(dated: bool, changed: bool) -> Spec:
    """One series over its runs; if it ``changed``, the level between two changes, and the changes with their suspects.

    ``at`` is a time in milliseconds where the runs are ``dated``, else their number.
    """
    axis = alt.Axis(grid=False, tickCount=8, labelOverlap=True)
    x = alt.X("at:T", title=None, axis=axis) if dated else alt.X("at:Q", title="run", axis=axis)
    y = alt.Y("value:Q", title=None, scale=alt.Scale(zero=False, nice=True), axis=alt.Axis(tickCount=5, format=",~r"))
    scale = alt.Scale(domain=["regression", "improvement"], range="ordinal")
    color = alt.Color("kind:N", scale=scale, legend=None)
    points, levels, changes, suspects = map(alt.NamedData, ("points", "levels", "changes", "suspects"))
    told = _tooltip("value", "commit", "date")
    told[0] = alt.Tooltip("told:N", title="value")
    layers = [
        # What Vega would tell screen readers of each of a thousand dots, the page says of the whole.
        alt.Chart(points).mark_line(style="trace", aria=False).encode(x=x, y=y),
        alt.Chart(points).mark_point(style="sample", aria=False).encode(x=x, y=y, tooltip=told),
    ]
    if changed:
        text = alt.Chart(changes).mark_text(style="label").encode(x=x, y=alt.value(-8), text="label:N", color=color)
        layers = [
            alt.Chart(suspects).mark_rect(style="suspects").encode(x=x, x2="until", color=color),
            alt.Chart(changes).mark_rule(style="change").encode(x=x, color=color, tooltip=_tooltip("change", "commit")),
            *layers,
            alt.Chart(levels, name="levels").mark_rule(style="level").encode(x=x, x2="until", y=y),
            text,
        ]
    return _finished(alt.layer(*layers).properties(width="container", height=280))


def _tooltip(*names: str) -> list[alt.Tooltip]:
    return [alt.Tooltip(f"{name}:N", title=TITLES.get(name, name)) for name in names]


def _finished(chart: alt.LayerChart | alt.FacetChart) -> Spec:
    """The specification without Altair's own looks."""
    spec: Spec = chart.to_dict()
    spec.pop("config", None)
    return spec
