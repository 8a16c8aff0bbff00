"""Writes JUnit XML, which every CI system shows: a test case for each series, a failure for each regression.

A suite is one machine and environment.  The document is valid for the schema of Ant's JUnit task, which asks for the
most (every attribute, an order of elements, decimal seconds), and for Jenkins's, which knows the fewest attributes.
"""

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timezone
from typing import Any
from xml.etree import ElementTree
from xml.etree.ElementTree import Element, SubElement

import pandas as pd

from reports.findings import Findings
from reports.frame import SETTINGS, count
from reports.history.series import PLACE, key_columns
from reports.series import label, newest, parameter_names
from reports.texts import printable, shortened

LONGEST = 1000
# Where no file tells: the schema asks for a host and a moment.
NO_HOST = "localhost"
NO_DATE = datetime(1970, 1, 1, tzinfo=timezone.utc)

Row = Mapping[str, Any]


def printed(found: Findings) -> bytes:
    """The document, in UTF-8; cases that were never measured stand in a suite of their own behind the machines'."""
    suites = Element("testsuites")
    latest = newest(found.numbered)
    failures = _failures(found)
    for place, rows in latest.groupby(PLACE, dropna=False, sort=False):
        suite(suites, _place(place), rows["date"].max(), list(_measured(rows, failures)))
    skipped = list(_skipped(found, {text(name) for name in _identifiers(latest)}))
    if skipped:
        suite(suites, ("not measured", NO_HOST), found.frame["date"].max(), skipped)
    return written(suites)


def written(suites: Element) -> bytes:
    """The whole document."""
    ElementTree.indent(suites)
    return bytes(ElementTree.tostring(suites, encoding="utf-8", xml_declaration=True))


def suite(suites: Element, named: tuple[str, str], date: Any, cases: Sequence[Element]) -> None:
    """Append to ``suites`` one with ``cases``, called by name and host."""
    name, host = named
    moment = NO_DATE if pd.isna(date) else date
    about = {
        "name": name,
        "package": "gluonmark",
        "id": str(len(suites)),
        "timestamp": f"{moment:%Y-%m-%dT%H:%M:%S}",
        "hostname": host,
        "tests": str(len(cases)),
        "failures": str(sum(case.find("failure") is not None for case in cases)),
        "errors": str(sum(case.find("error") is not None for case in cases)),
        "skipped": str(sum(case.find("skipped") is not None for case in cases)),
        "time": f"{sum(float(case.attrib['time']) for case in cases):.3f}",  # Jenkins knows no more digits here
    }
    suite = SubElement(suites, "testsuite", {key: text(value) for key, value in about.items()})
    SubElement(suite, "properties")
    suite.extend(cases)
    for stream in ("system-out", "system-err"):
        SubElement(suite, stream)


def _measured(rows: pd.DataFrame, failures: Mapping[tuple, tuple[str, str]]) -> Iterator[Element]:
    names = [*parameter_names(rows.columns), *SETTINGS]
    series = key_columns(rows)
    for row in rows.to_dict("records"):
        seconds = row["value"] if row["unit"] == "seconds" else 0.0
        measured = case(label(row, names), str(row["benchmark"]), seconds)
        if told := failures.get(_key(row, series)):
            short, long = told
            SubElement(measured, "failure", type="regression", message=text(short)).text = long
        yield measured


def _failures(found: Findings) -> dict[tuple, tuple[str, str]]:
    """By series its regressions that are still there: the first in a few words, and all in sentences."""
    series = key_columns(found.frame)
    failures: dict[tuple, tuple[str, str]] = {}
    for change in found.regressions:
        key = _key(change.row, series)
        short, long = failures.get(key, (f"{change.size} since {change.suspects}", ""))
        failures[key] = (short, f"{long}{text(change.sentence)}\n")
    return failures


def _skipped(found: Findings, measured: set[str]) -> Iterator[Element]:
    """What no file measured, once for each case and reason."""
    reasons: dict[tuple[str, str], int] = {}
    for one in found.skipped:
        told = text(one.get("id") or "unnamed"), text(one.get("reason"))
        reasons[told] = reasons.get(told, 0) + 1
    for (identifier, reason), number in reasons.items():
        if identifier not in measured:
            lost = case(identifier, identifier.partition("(")[0], 0.0)
            SubElement(lost, "skipped").text = f"{reason} ({count(number, 'time')})" if number > 1 else reason
            yield lost


def _identifiers(latest: pd.DataFrame) -> Iterator[str]:
    """The names that measured series have in a list of skipped ones: as asv writes them, and as our grid does."""
    names = parameter_names(latest.columns)
    for row in latest.to_dict("records"):
        values = [row[name] for name in names if not pd.isna(row[name])]
        yield f"{row['benchmark']}({', '.join(map(repr, values))})"
        yield "-".join(map(str, values))


def case(name: str, classname: str, seconds: float) -> Element:
    """A test case; what came of it is put inside."""
    about = {"name": text(name), "classname": text(classname), "time": _seconds(seconds)}
    return Element("testcase", about)


def _key(row: Row, series: Sequence[str]) -> tuple:
    return tuple(None if pd.isna(row[name]) else row[name] for name in series)


def _place(place: tuple) -> tuple[str, str]:
    machine, environment = (None if pd.isna(part) else str(part) for part in place)
    return ", ".join(filter(None, (machine, environment))) or NO_HOST, machine or NO_HOST


def _seconds(value: float) -> str:
    """Decimal seconds: neither schema knows an exponent."""
    return f"{value:.9f}"


def text(value: object) -> str:
    """What XML can hold, in one line; the library escapes what means something there."""
    return " ".join(shortened(printable(str(value)), LONGEST).split()) or "unnamed"
