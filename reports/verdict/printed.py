"""Prints a verdict: for people as a table or as Markdown for a pull request, for programs as JSON, CSV or JUnit XML."""

import json
from collections.abc import Mapping
from dataclasses import asdict
from datetime import datetime, timezone
from textwrap import fill
from typing import Any
from xml.etree.ElementTree import Element, SubElement

import pandas as pd

from reports import junit, markdown, terminal
from reports.cells import csv
from reports.error import ReportError
from reports.markdown import escaped, folded, paragraphs
from reports.render import FORMATS, json_value
from reports.texts import printable
from reports.verdict.companions import difference, identical
from reports.verdict.decide import (
    GONE,
    INCONCLUSIVE,
    INVALID,
    NEW,
    NOT_JUDGED,
    REGRESSION,
    Judged,
    Verdict,
)
from reports.verdict.document import Section, document, told

# What a reader of a pull request must see without a click.
UNFOLDED = (REGRESSION, INVALID)
# By state, what becomes of a case in JUnit XML, where there is no word for the others: they passed.
OUTCOMES = {REGRESSION: "failure", INVALID: "error", NOT_JUDGED: "error"} | dict.fromkeys(
    (INCONCLUSIVE, NEW, GONE), "skipped"
)


def printed(
    verdict: Verdict, format: str = "table", *, width: int = 100, color: bool = False, strict: bool = False
) -> str:
    """``verdict`` as text that ends in a newline, in one of ``FORMATS``.  Raises ``ReportError`` for another one."""
    if format == "json":
        return json.dumps(record(verdict, strict), indent=2, ensure_ascii=False, allow_nan=False) + "\n"
    if format == "csv":
        return csv(pd.DataFrame(_rows(verdict)))
    if format not in FORMATS:
        raise ReportError(f"there is no format {format!r}; the formats are {', '.join(FORMATS)}")
    return comment(verdict) if format == "markdown" else _table(verdict, width, color)


def comment(verdict: Verdict) -> str:
    """The Markdown of a pull-request comment: what did not fail is folded."""
    arranged = document(verdict)
    sections = [_section(section) for section in arranged.sections]
    how = "\n".join(f"- {escaped(sentence)}" for sentence in arranged.how)
    return paragraphs(f"**{escaped(arranged.headline)}**", *sections, folded("How it was decided", how)) + "\n"


def no_comment(reason: str) -> str:
    """The same where nothing could be judged."""
    return paragraphs("**Could not judge.**", escaped(reason)) + "\n"


def record(verdict: Verdict, strict: bool = False) -> dict[str, Any]:
    """``verdict`` as plain data, null for what is missing or infinite."""
    arranged = document(verdict)
    about = {
        "verdict": arranged.headline,
        "code": verdict.code(strict),
        **{arm: verdict.header.get(arm) for arm in ("base", "head")},
        "cases": _rows(verdict),
        "controls": [asdict(control) for control in verdict.controls],
        "shift": asdict(verdict.shift) if verdict.shift else None,
        "observed": verdict.observed,
        "dropped": verdict.dropped,
        "rules": asdict(verdict.rules),
        "how": list(arranged.how),
    }
    return {name: _plain(value) for name, value in about.items()}


def junit_xml(verdict: Verdict) -> bytes:
    """JUnit XML in UTF-8: a failure for each regression, an error for what could not be judged."""
    suites = Element("testsuites")
    machine = str(verdict.header.get("machine") or junit.NO_HOST)
    junit.suite(suites, ("gluonmark gate", machine), datetime.now(timezone.utc), list(map(_testcase, verdict.cases)))
    return junit.written(suites)


def no_junit(reason: str) -> bytes:
    """The same where nothing could be judged: one error."""
    suites, case = Element("testsuites"), junit.case("gate", "gluonmark.gate", 0.0)
    SubElement(case, "error", type=NOT_JUDGED, message=junit.text(reason)).text = junit.text(reason)
    junit.suite(suites, ("gluonmark gate", junit.NO_HOST), datetime.now(timezone.utc), [case])
    return junit.written(suites)


def _table(verdict: Verdict, width: int, color: bool) -> str:
    arranged = document(verdict)
    sections = (
        f"{section.title}\n{terminal.printed(section.table, width=width, color=color)}" for section in arranged.sections
    )
    headline, *how = (_lines(sentence, width) for sentence in (arranged.headline, *arranged.how))
    return "\n".join((f"{headline}\n", *sections, *how)) + "\n"


def _lines(sentence: str, width: int) -> str:
    return fill(printable(sentence), width, break_long_words=False, break_on_hyphens=False)


def _section(section: Section) -> str:
    table = markdown.printed(section.table).rstrip()
    if section.state in UNFOLDED:
        return paragraphs(f"**{escaped(section.title)}**", table)
    return folded(section.title, table)


def _rows(verdict: Verdict) -> list[dict[str, Any]]:
    """The cases with what is known of each beside time."""
    known = verdict.companions
    return [
        {
            **asdict(case),
            "identical": identical(known[case.case]) if case.case in known else None,
            "beside_time": difference(known.get(case.case, {})),
        }
        for case in verdict.cases
    ]


def _testcase(case: Judged) -> Element:
    element = junit.case(case.case, "gluonmark.gate", case.head if case.head == case.head else 0.0)
    if outcome := OUTCOMES.get(case.state):
        message = junit.text(told(case) if case.blocks else case.reason)
        if outcome == "skipped":
            SubElement(element, outcome).text = f"{case.state}: {message}"
        else:
            SubElement(element, outcome, type=case.state, message=message).text = message
    return element


def _plain(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {str(name): _plain(item) for name, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    return json_value(value)
