"""The record that a gate writes: what is in it, and the frame that is made of it.

A record is a file of lines, each a JSON object, written as they come, so that a gate that is killed leaves what it
measured.  Keys that are not described here are not read.

The header is the first line::

    {"schema": 1, "base": {"commit": …, "subject": …, "dirty": false}, "head": {…, "message": …, "accept": …},
     "threshold": 0.03, "budget": seconds, "seed": …, "machine": …, "threads": 1, "engine": …, "versions": {…}}

``message`` is the whole message of the head's commit, ``accept`` what its file ``.gluonmark-accept`` holds.  Every
other line is about a case.  What a block measured::

    {"stage": 1, "block": 3, "kind": "pair", "case": "MyDense-numba-16-cpu-train", "first": "head",
     "base": [seconds of one call, …], "head": […], "calls": calls of each sample, "order": […],
     "conditions": {"base": {"steal": …, "involuntary": …, …}, "head": {…}}}

with the kind "control" where both processes ran the base; or why there is no figure, for a block or for the whole
gate::

    {"stage": 1, "block": 3, "kind": "pair", "case": …, "arm": "head", "reason": "…"}
    {"case": …, "arm": "base", "reason": "…"}

where ``"absent": true`` says that this commit does not have the case at all; or what is known of a case beside time::

    {"case": …, "companions": {"base": {"code": digest, "inputs": digest, "bytes": of a call, "launches": of a call,
                                        "operations": of a call, "operators": [name, …]}, "head": {…}}}

The last line says how long all took, and why it ended early if it did: ``{"spent": seconds, "end": "interrupted"}``.

The frame has a row for each case and block:

| column | holds |
| --- | --- |
| ``stage block`` | numbers, from 1 |
| ``kind`` | "pair" or "control" |
| ``case`` | its name |
| ``first`` | the arm whose process was started first |
| ``base head`` | tuples of seconds of one call, in the order of measuring |
| ``steal involuntary`` | the worse of the two processes, NaN where the machine does not tell |

``frame.attrs`` holds ``header``, ``missing`` (the lines with a reason), ``companions`` (by case) and ``ended`` (the
last line), plain data.
"""

import json
import math
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import pandas as pd

from reports.error import ReportError
from reports.files import shown
from reports.frame import is_figure

SCHEMA = 1
KINDS = PAIR, CONTROL = "pair", "control"
ARMS = BASE, HEAD = "base", "head"
DISTURBANCES = ("steal", "involuntary")
COLUMNS = ("stage", "block", "kind", "case", "first", *ARMS, *DISTURBANCES)

Line = Mapping[str, Any]


def load(path: Path) -> list[Line]:
    """The lines of the record ``path``; a line that a killed gate left unfinished is left out.

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
        lines.append(line)
    if not lines or lines[0].get("schema") != SCHEMA:
        raise ReportError(f"{shown(path)}: is no record of a gate: its first line must say schema {SCHEMA}")
    return lines


def frame(lines: Iterable[Line]) -> pd.DataFrame:
    """The frame of a record's ``lines``, of which the header may be missing."""
    header, ended = dict[str, Any](), dict[str, Any]()
    rows, missing, companions = [], [], {}
    for line in lines:
        if "schema" in line:
            header.update(line)
        elif "spent" in line:
            ended.update(line)
        elif "companions" in line:
            companions[str(line["case"])] = line["companions"]
        elif "reason" in line:
            missing.append({**line, "case": str(line["case"]), "reason": str(line["reason"])})
        elif "case" in line:
            rows.append(_row(line))
    result = pd.DataFrame(rows, columns=list(COLUMNS))
    result.attrs.update(header=header, ended=ended, missing=missing, companions=companions)
    return result


def _row(line: Line) -> list[object]:
    if line.get("kind") not in KINDS:
        raise ReportError(f"a block is of the kind {' or '.join(KINDS)}, not {line.get('kind')!r}")
    samples = [tuple(line[arm]) for arm in ARMS]
    if not all(samples) or not all(is_figure(value) and value > 0 for arm in samples for value in arm):
        raise ReportError(f"block {line.get('block')} holds no seconds above 0 for {line.get('case')}")
    conditions = line.get("conditions", {})
    return [
        *(int(line[name]) for name in ("stage", "block")),
        *(str(line.get(name)) for name in ("kind", "case", "first")),
        *samples,
        *(_worse(conditions, name) for name in DISTURBANCES),
    ]


def _worse(conditions: Mapping[str, Any], name: str) -> float:
    found = [value for arm in ARMS if is_figure(value := conditions.get(arm, {}).get(name))]
    return float(max(found)) if found else math.nan
