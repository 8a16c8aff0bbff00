"""Reads asv's result files, versions 1 and 2.

asv's Python interface is not stable, its files are: version 2 stores each benchmark as a row under ``result_columns``
with trailing nulls dropped, version 1 as an object or a bare value.  Results of a parametrised benchmark stand in the
order of ``itertools.product`` over its parameters, each of which is a ``repr()``.  ``null`` is a benchmark that failed,
a literal ``NaN`` one that was skipped.  Names and units of parameters stand in ``benchmarks.json``, beside the file or
one folder up.
"""

import ast
import itertools
import math
import os
import warnings
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timezone
from functools import lru_cache
from pathlib import Path
from typing import Any

from reports.error import EntryError, ReportError
from reports.files import load, shown, whole
from reports.frame import Reading, Row, is_figure, parameter_columns, scalar, text
from reports.units import base_unit

# asv finds a benchmark's type from the start of its function's name; the units are asv's own.
TYPES = {
    "time": ("time", "seconds"),
    "timeraw": ("time", "seconds"),
    "mem": ("memory", "bytes"),
    "peakmem": ("peakmemory", "bytes"),
    "track": ("track", "unit"),
}
# Settings of our own processes, where asv.conf.json puts them into the matrix of environments.
SETTING_VARIABLES = {"threads": "GLUONMARK_THREADS", "engine": "GLUONMARK_ENGINE"}
LONGEST_LITERAL = 1000
MOST_FAILED = 10_000  # combinations of one benchmark that are listed one by one


@dataclass(frozen=True)
class Entry:
    """One benchmark of one file, one item per combination of parameters in every list."""

    values: Sequence[Any]
    parameters: Sequence[Sequence[str]]
    lower: Sequence[Any]
    upper: Sequence[Any]
    samples: Sequence[Any]

    def combinations(self) -> Iterator[tuple[str, ...]]:
        """Parameter texts, in the order of ``values``."""
        return itertools.product(*self.parameters)


@dataclass(frozen=True)
class Description:
    """What ``benchmarks.json`` tells of one benchmark, or what its name lets one guess."""

    metric: str
    unit: str
    parameter_names: tuple[str, ...]


def recognises(document: dict[str, Any]) -> bool:
    """Whether a JSON object is a result file of asv: results of one commit."""
    return isinstance(document.get("results"), dict) and "commit_hash" in document


def reading(document: dict[str, Any], path: Path) -> Reading:
    """One row per measured benchmark and parameters; failed and skipped ones are listed, damaged ones are problems."""
    result = Reading()
    run = _run(document, path)
    described, problem = _described(path)
    result.problems.extend(problem)
    for name, stored in document["results"].items():
        try:
            result.extend(_benchmark(name, _entry(stored, document), _description(name, described.get(name)), run))
        except EntryError as damage:
            result.problems.append(f"{shown(path)}: {name}: {damage}")
    return result


def _run(document: dict[str, Any], path: Path) -> Row:
    machine = document.get("params")
    variables = document.get("env_vars")
    variables = variables if isinstance(variables, dict) else {}
    return {
        "source": shown(path),
        "machine": text(machine.get("machine")) if isinstance(machine, dict) else shown(Path(path.parent.name)),
        "environment": text(document.get("env_name")) or text(document.get("python")),
        "commit": text(document.get("commit_hash")),
        "date": _date(document.get("date")),
        **{
            name: scalar(_literal(variables[key]))
            for name, key in SETTING_VARIABLES.items()
            if text(variables.get(key))
        },
    }


def _benchmark(name: str, entry: Entry, description: Description, run: Row) -> Reading:
    factor, unit = base_unit(description.unit)
    names = description.parameter_names
    if not len(set(names)) == len(names) == len(entry.parameters):
        names = tuple(f"param{number}" for number in range(1, len(entry.parameters) + 1))
    fixed = {**run, "benchmark": name, "metric": description.metric, "unit": unit}
    result = Reading()
    for position, texts in enumerate(entry.combinations()):
        columns = parameter_columns(dict(zip(names, map(_literal, texts), strict=True)))
        value = _number(entry.values[position], factor)
        if math.isnan(value):
            reason = "failed in asv" if entry.values[position] is None else "skipped in asv"
            result.skipped.append({"id": f"{name}({', '.join(texts)})", "params": columns, "reason": reason})
            continue
        row = {
            **fixed,
            **columns,
            "value": value,
            "lower": _bound(_at(entry.lower, position), factor),
            "upper": _bound(_at(entry.upper, position), factor),
            "samples": tuple(
                filter(is_figure, (factor * one for one in _at(entry.samples, position) or () if is_figure(one)))
            ),
        }
        result.rows.append(row)
    return result


def _entry(stored: object, document: dict[str, Any]) -> Entry:
    columns = document.get("result_columns")
    if isinstance(stored, list) and isinstance(columns, list):
        row: dict[str, Any] = dict(zip(map(str, columns), stored, strict=False))
        lower, upper = _items(row.get("stats_ci_99_a")), _items(row.get("stats_ci_99_b"))
    else:
        row = stored if isinstance(stored, dict) else {"result": stored}
        lower, upper = _version_1_interval(row.get("stats"))
    parameters = row.get("params") or []
    if not isinstance(parameters, list) or not all(isinstance(axis, list) for axis in parameters):
        raise EntryError("'params' is not a list of lists")
    cases = math.prod(map(len, parameters))
    values = row.get("result")
    if values is None:
        if cases > MOST_FAILED:  # a few lists make any number of combinations
            raise EntryError(f"it failed for all {cases:,} combinations of parameters")
        values = [None] * cases
    elif not isinstance(values, list):
        values = [values]
    if len(values) != cases:
        raise EntryError(f"it has {len(values)} results for {cases} combinations of parameters")
    texts = [[str(value) for value in axis] for axis in parameters]
    return Entry(values, texts, lower, upper, _items(row.get("samples"), of=list))


def _version_1_interval(stats: object) -> tuple[list[Any], list[Any]]:
    bounds = [item.get("ci_99") if isinstance(item, dict) else None for item in _items(stats)]
    pairs: list[list[Any]] = [pair if isinstance(pair, list) and len(pair) == 2 else [None, None] for pair in bounds]
    return [pair[0] for pair in pairs], [pair[1] for pair in pairs]


def _items(value: object, of: type = object) -> list[Any]:
    """The items of a list, those of another type than expected being None; nothing for anything else."""
    return [item if isinstance(item, of) else None for item in value] if isinstance(value, list) else []


def _at(items: Sequence[Any], position: int) -> Any:
    return items[position] if position < len(items) else None


def _number(value: object, factor: float) -> float:
    """``value`` in base units; NaN for null and for a literal NaN."""
    if value is None or value != value:
        return math.nan
    if not is_figure(value) or not is_figure(factor * value):  # type: ignore[operator]
        raise EntryError(f"a number was expected, not {str(value)[:40]!r}")
    return factor * value  # type: ignore[operator]


def _samples(stored: Sequence[object], factor: float) -> tuple[float, ...]:
    """The figures among what was stored as samples."""
    samples = (factor * one for one in filter(is_figure, stored))  # type: ignore[operator]
    return tuple(samples if factor <= 1 else filter(is_figure, samples))


def _bound(value: object, factor: float) -> float:
    """An end of an interval; asv writes infinity where one sample says nothing about it."""
    return math.nan if isinstance(value, float) and math.isinf(value) else _number(value, factor)


def _description(name: str, described: object) -> Description:
    guess, unit = TYPES.get(name.rpartition(".")[2].partition("_")[0], ("value", "unit"))
    if not isinstance(described, dict):
        return Description(guess, unit, ())
    names = described.get("param_names")
    return Description(
        text(described.get("type")) or guess,
        text(described.get("unit")) or unit,
        tuple(map(str, names)) if isinstance(names, list) else (),
    )


def _described(path: Path) -> tuple[dict[str, Any], list[str]]:
    """The nearest ``benchmarks.json`` and what is wrong with it; asv works without one, and so does this reader."""
    for folder in (path.parent.parent, path.parent):
        file = folder / "benchmarks.json"
        if os.path.isfile(file):  # false, where Path.is_file would raise, in a folder that may not be looked into
            return _load_descriptions(file, os.path.getmtime(file))
    return {}, []


@lru_cache(maxsize=8)
def _load_descriptions(file: Path, _modified: float) -> tuple[dict[str, Any], list[str]]:
    """Loaded once per state of the file, for it serves every result beside it."""
    try:
        found = load(file)
    except ReportError as error:
        return {}, [f"units and names of parameters are unknown: {error}"]
    return found.content, found.problems


@lru_cache(maxsize=4096)
def _literal(representation: str) -> object:
    """The number or text of which asv stored the ``repr()``; any other object stays what asv wrote."""
    if len(representation) > LONGEST_LITERAL:
        return representation
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of what Python thinks about how somebody's text is written
            value = ast.literal_eval(representation)
    except (ValueError, SyntaxError, MemoryError, RecursionError):
        return representation
    if isinstance(value, str):
        return whole(value)
    return value if isinstance(value, int | float) and not isinstance(value, bool) else representation


def _date(milliseconds: object) -> datetime | None:
    """A JavaScript time stamp as UTC."""
    try:
        return datetime.fromtimestamp(float(milliseconds) / 1000, tz=timezone.utc)  # type: ignore[arg-type]
    except (TypeError, ValueError, OverflowError, OSError):
        return None
