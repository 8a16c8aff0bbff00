"""Puts the page together."""

from functools import lru_cache
from typing import Any

import jinja2
import pandas as pd
from markupsafe import Markup

from reports.page import cases, changes, charts, comparisons, surroundings, timeline
from reports.page.comparisons import Comparison
from reports.page.embed import ROOM, breakable, charting_library, content_security_policy, json_for_script, own_script
from reports.page.series import series
from reports.regressions import regressions
from reports.texts import undirected

SCRIPTS = ("table.js", "charts.js")


def page(
    frame: pd.DataFrame,
    title: str = "Benchmarks",
    *,
    baseline: str = "imperative",
    moved: pd.DataFrame | None = None,
) -> str:
    """A whole HTML document on the tidy frame ``frame``: verdict, speed-ups, history, every case, and what is missing.

    ``moved`` is what ``regressions(frame)`` gave, if somebody has it already.  Sections that would hold nothing are
    left out: foreign results have no variants, results of one commit no history.  The text is UTF-8 once written; what
    UTF-8 cannot say becomes a question mark.
    """
    whole = series(frame)
    moved = regressions(frame) if moved is None else moved
    compared = comparisons.comparison(frame, baseline)
    over_time = timeline.timeline(whole, moved) if len(whole.runs) > 1 else None
    table = cases.cases(whole, compared.table if compared else None, moved)
    groups = changes.groups(moved, whole)
    facts = compared.facts if compared else ()
    not_judged = moved.attrs.get("problems", ()) if over_time else ()
    verdict = changes.verdict(moved, whole, facts)
    data = {
        "specifications": _specifications(compared, over_time),
        "charts": [figure.data for figure in compared.figures] if compared else [],
        "table": table,
        "labels": [whole.label(number) for number in range(len(whole.cases))],
        "history": over_time,
    }
    text = _template().render(
        title=title,
        policy=content_security_policy([*map(own_script, SCRIPTS), charting_library()]),
        style=Markup(own_script("page.css")),
        scripts=[Markup(own_script(name)) for name in SCRIPTS],
        library=Markup(charting_library()),
        data=Markup(json_for_script(data)),
        summary=surroundings.summary(frame, whole),
        verdict=verdict,
        facts=[fact for fact in facts if fact != verdict.headline],
        regressions=[group for group in groups if group.present and group.regressed],
        settled=[group for group in groups if not (group.present and group.regressed)],
        comparison=compared,
        history=over_time,
        table=table,
        missing=surroundings.missing(frame),
        problems=surroundings.problems(frame, [*(compared.problems if compared else ()), *not_judged]),
        places=surroundings.places(frame),
    )
    return undirected(text).encode("utf-8", errors="replace").decode("utf-8")


def _specifications(compared: Comparison | None, over_time: dict[str, Any] | None) -> dict[str, charts.Spec]:
    """By kind, as the page's script asks for them."""
    found = dict(compared.specifications) if compared else {}
    if over_time:
        dated = over_time["dates"] is not None
        found |= {
            "history": charts.history(dated, changed=False),
            "history, changed": charts.history(dated, changed=True),
        }
    return found


@lru_cache
def _template() -> jinja2.Template:
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(ROOM),
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
        undefined=jinja2.StrictUndefined,
    )
    environment.filters["breakable"] = breakable
    return environment.get_template("page.html")
