"""Reads the JSON files of pytest-benchmark, which ``gluonmark bench`` writes as well.

Ours hold one entry per case and round, put threads, engine, dtype and round into ``extra_info``, and list what was not
measured under ``skipped``.  Anybody else's file is one round of its own, with or without samples (``--benchmark-json``
keeps them, ``--benchmark-save`` does not).
"""

import math
from collections.abc import Sequence
from datetime import datetime, timezone
from pathlib import Path
from statistics import median
from typing import Any

from reports.error import EntryError
from reports.files import shown
from reports.frame import PARAMETERS, SETTINGS, Reading, Row, is_figure, parameter_columns, scalar, text

# The file states no interval.  For a normal sample the median's standard error is sqrt(pi/2) sigma / sqrt(n), and
# sigma = IQR / 1.349; 2.576 standard errors make 99 %, the level that asv uses.
INTERVAL_IN_IQR = 2.576 * math.sqrt(math.pi / 2) / 1.349


def recognises(document: dict[str, Any]) -> bool:
    """Whether a JSON object is pytest-benchmark's: a list of benchmarks beside the machine that ran them."""
    return isinstance(document.get("benchmarks"), list) and isinstance(document.get("machine_info"), dict)


def reading(document: dict[str, Any], path: Path) -> Reading:
    """One row per entry of ``benchmarks``; entries without a usable figure become problems."""
    result = Reading(skipped=_skipped(document))
    run = _run(document, path)
    for position, entry in enumerate(document["benchmarks"]):
        try:
            result.rows.append(run | _row(entry))
        except EntryError as damage:
            name = text(entry.get("fullname")) if isinstance(entry, dict) else None
            result.problems.append(f"{shown(path)}: {name or f'benchmarks[{position}]'}: {damage}")
    return result


def _run(document: dict[str, Any], path: Path) -> Row:
    machine, commit = document["machine_info"], document.get("commit_info")
    commit = commit if isinstance(commit, dict) else {}
    environment = (machine.get("python_implementation"), machine.get("python_version"))
    return {
        "source": shown(path),
        "machine": text(machine.get("node")),
        "environment": " ".join(filter(None, map(text, environment))) or None,
        "commit": text(commit.get("id")),
        "date": _date(commit.get("time")) or _date(document.get("datetime")),
        "metric": "time",
        "unit": "seconds",
    }


def _row(entry: object) -> Row:
    if not isinstance(entry, dict):
        raise EntryError(f"an object was expected, not {type(entry).__name__}")
    stats = entry.get("stats")
    if not isinstance(stats, dict):
        raise EntryError("it has no 'stats'")
    samples = _samples(stats.get("data"))
    value = median(samples) if samples else _figure(stats, "median")
    if not is_figure(value):
        raise EntryError("'stats.data' holds numbers too large to take their median")
    margin = _margin(stats, len(samples))
    lower, upper = (bound if is_figure(bound) else math.nan for bound in (value - margin, value + margin))
    name, parameters = _name(entry)
    return {
        "benchmark": name,
        **_known_extra(entry.get("extra_info")),
        **parameter_columns(parameters),
        "value": value,
        "lower": lower,
        "upper": upper,
        "samples": samples,
    }


def _name(entry: dict[str, Any]) -> tuple[str, dict[str, object]]:
    """Full name and parameters; pytest's ``[id]`` is cut off where the parameters say the same."""
    name = text(entry.get("fullname")) or text(entry.get("name"))
    if name is None:
        raise EntryError("it has no 'fullname'")
    parameters = entry.get("params")
    if not isinstance(parameters, dict) or not parameters:
        return name, {}
    return name.partition("[")[0], parameters


def _known_extra(extra: object) -> Row:
    """``extra_info`` is anybody's scratch pad: only the entries that our own files put there are taken."""
    if not isinstance(extra, dict):
        return {}
    row = {name: scalar(extra[name]) for name in (*PARAMETERS, *SETTINGS) if extra.get(name) is not None}
    number, remarks = extra.get("round"), extra.get("remarks")
    if isinstance(remarks, list):
        row["remarks"] = "\n".join(one for one in remarks if text(one)) or None
    return row | ({"round": number} if isinstance(number, int) and is_figure(number) else {})


def _samples(data: object) -> tuple[float, ...]:
    if data is None:
        return ()
    if not isinstance(data, list) or not all(_is_duration(sample) for sample in data):
        raise EntryError("'stats.data' is not a list of durations in seconds")
    return tuple(map(float, data))


def _figure(stats: dict[str, Any], key: str) -> float:
    if not _is_duration(stats.get(key)):
        raise EntryError(f"'stats.{key}' is not a duration in seconds, but {str(stats.get(key))[:40]!r}")
    return float(stats[key])


def _margin(stats: dict[str, Any], samples: int) -> float:
    spread, number = stats.get("iqr"), samples or stats.get("rounds")
    if not _is_duration(spread) or not is_figure(number) or number < 2:  # type: ignore[operator]
        return math.nan
    return INTERVAL_IN_IQR * float(spread) / math.sqrt(number)  # type: ignore[arg-type]


def _is_duration(value: object) -> bool:
    return is_figure(value) and value >= 0  # type: ignore[operator]


def _date(moment: object) -> datetime | None:
    """An ISO 8601 text as UTC; 'Z' is spelled out because Python 3.10 does not know it."""
    try:
        date = datetime.fromisoformat(str(moment).replace("Z", "+00:00"))
        return date.astimezone(timezone.utc) if date.tzinfo else date.replace(tzinfo=timezone.utc)
    except (ValueError, OverflowError):
        return None


def _skipped(document: dict[str, Any]) -> list[Row]:
    entries: Sequence[object] = document["skipped"] if isinstance(document.get("skipped"), list) else ()
    return [
        {
            "id": str(entry.get("id", "")),
            "params": parameter_columns(entry["params"]) if isinstance(entry.get("params"), dict) else {},
            "reason": text(entry.get("reason")) or "no reason given",
        }
        for entry in entries
        if isinstance(entry, dict)
    ]
