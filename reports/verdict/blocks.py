"""The record that a gate writes: what is in it, and the frame that is made of it.

A record is a file of lines, each a JSON object, written as they come, so that a gate that is killed leaves what it
measured.  Keys that are not described here are not read.

The header is the first line::

    {"schema": 1, "base": {"commit": …, "subject": …, "dirty": false}, "head": {…, "message": …, "accept": …},
     "threshold": 0.03, "budget": seconds, "machine": name, "plants": {case: {"kind": "spin", "share": 0.05}}, …}

``message`` is the whole message of the head's commit, ``accept`` what its file ``.gluonmark-accept`` holds, ``plants``
what slows the head on purpose.  Then, what a block measured::

    {"stage": 1, "block": 3, "kind": "pair", "case": "MyDense-numba-16-cpu-train", "first": "head",
     "base": [seconds of one call, …], "head": […], "seconds": what all that took,
     "conditions": {"base": {"steal": …, "involuntary": …, "waited": …, …}, "head": {…}}}

with the kind "control" where both processes ran the base.  A case that could not be measured in a block, or not at all
(stage 0, in which every case is proved right), has a reason instead, and where ``"absent": true`` stands this commit
does not have it::

    {"stage": 0, "block": 0, "kind": "build", "case": …, "arm": "head", "reason": "…"}

Of what was proved right, stage 0 says what is known beside time, and how long two processes took to start::

    {"stage": 0, …, "case": …, "start": seconds, "companions": {"base": {…}, "head": {…}}}

The last line says how long all took, and why it ended early if it did: ``{"spent": seconds, "end": "interrupted"}``.

The frame has a row for each case and block that has figures:

| column | holds |
| --- | --- |
| ``stage block`` | numbers, from 1 |
| ``kind`` | "pair" (base beside head) or "control" (base beside base) |
| ``case`` | its name |
| ``first`` | the arm whose process was started first |
| ``base head`` | tuples of seconds of one call, in the order of measuring |
| ``seconds`` | how long all that took |
| ``steal involuntary waited`` | the worse of the two processes, NaN where the machine does not tell |

``frame.attrs`` holds plain data: ``header``, ``ended`` (the last line, empty if the gate was killed), ``missing`` (a
line for each time that a case could not be measured), ``companions`` (what is known beside time, by case and arm) and
``start`` (seconds until both processes of a block were ready).
"""

import json
import math
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import pandas as pd

from reports.error import ReportError
from reports.files import WRITTEN_HALF, shown, without_halves
from reports.frame import is_figure

SCHEMA = 1
BUILD = 0  # the stage in which cases are proved right; its times decide nothing
KINDS = PAIR, CONTROL = "pair", "control"
ARMS = BASE, HEAD = "base", "head"
DISTURBANCES = ("steal", "involuntary", "waited")
COLUMNS = ("stage", "block", "kind", "case", "first", *ARMS, "seconds", *DISTURBANCES)

Line = Mapping[str, Any]


def load(path: Path) -> list[Line]:
    """The lines of the record ``path``; one that a killed gate left unfinished at the end is left out.

    Raises ``ReportError`` if there is no such file, or another line is damaged.
    """
    try:
        texts = path.read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError as error:
        raise ReportError(f"{shown(path)}: cannot be read: {error.strerror}") from error
    lines: list[Line] = []
    for number, text in enumerate(texts, 1):
        try:
            line = json.loads(text)
        except (ValueError, RecursionError) as error:
            if number == len(texts):
                break
            raise ReportError(f"{shown(path)}: line {number} is no JSON ({error})") from error
        if not isinstance(line, dict):
            raise ReportError(f"{shown(path)}: line {number} is no JSON object")
        lines.append(without_halves(line) if WRITTEN_HALF.search(text) else line)
    if not lines or lines[0].get("schema") != SCHEMA:
        raise ReportError(f"{shown(path)}: is no record of a gate: its first line must say schema {SCHEMA}")
    return lines


def frame(lines: Iterable[Line]) -> pd.DataFrame:
    """The frame of a record's ``lines``.  Raises ``ReportError`` for what is no line of a record."""
    header, ended, companions = dict[str, Any](), dict[str, Any](), dict[str, Any]()
    rows, missing, start = [], [], 0.0
    for line in lines:
        if "schema" in line:
            header.update(line)
        elif "spent" in line:
            ended.update(line)
        elif "reason" in line:
            missing.append({**line, "case": str(line.get("case")), "reason": str(line["reason"])})
        elif line.get("stage") == BUILD:
            companions[str(line.get("case"))] = line.get("companions") or {}
            start = max(start, float(line.get("start") or 0.0))
        else:
            rows.append(_row(line))
    result = pd.DataFrame(rows, columns=list(COLUMNS))
    result.attrs.update(header=header, ended=ended, missing=missing, companions=companions, start=start)
    return result


def _row(line: Line) -> list[object]:
    """One row.  Raises ``ReportError``."""
    case, kind = line.get("case"), line.get("kind")
    if kind not in KINDS or not all(isinstance(line.get(name), int) for name in ("stage", "block")):
        raise ReportError(f"a line of a record has stage, block and kind ({' or '.join(KINDS)}): {str(line)[:80]}")
    samples = [tuple(line.get(arm) or ()) for arm in ARMS]
    if not all(samples) or not all(is_figure(value) and value > 0 for arm in samples for value in arm):
        raise ReportError(f"block {line['block']} of stage {line['stage']} has no seconds above 0 for {case}")
    conditions = line.get("conditions") or {}
    return [
        *(line["stage"], line["block"], kind, str(case), str(line.get("first"))),
        *samples,
        float(line["seconds"]) if is_figure(line.get("seconds")) else math.nan,
        *(_worse(conditions, name) for name in DISTURBANCES),
    ]


def _worse(conditions: Mapping[str, Any], name: str) -> float:
    found = [value for arm in ARMS if is_figure(value := conditions.get(arm, {}).get(name))]
    return float(max(found)) if found else math.nan
