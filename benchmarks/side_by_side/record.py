"""The record of a gate: JSON lines, appended as they come, so that nothing is lost if the gate dies.

The first line is the header.  Then, one line for each case and block::

    {"stage": 1, "block": 3, "kind": "pair", "case": "MyDense-numba-16-cpu-train", "calls": 412,
     "first": "base", "order": [0, 1, 1, 0, ...], "base": [seconds of one call, ...], "head": [...],
     "seconds": what all that took, "conditions": {"base": {...}, "head": {...}}}

``kind`` is ``pair`` (base against head) or ``control`` (base against base, under the same names); ``first`` says which
process was started first, ``order`` whose sample each one was (0 base, 1 head).  A case without figures has
``status`` (``new``, ``gone``, ``failed``), ``reason`` and ``arm`` instead; stage 0 is the building.  Of each case that
was built stage 0 tells what its code is made of (``companions.py``).  The last line says how it ended.

A process that was killed may leave half a line at the end: readers skip it.
"""

import json
from collections.abc import Mapping
from contextlib import suppress
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

from benchmarks.grid import CaseError
from benchmarks.side_by_side.errors import CannotJudgeError

SCHEMA = 1


class Record:
    """Appends lines to the file ``path``."""

    def __init__(self, path: Path) -> None:
        self.path = path
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            self._file = path.open("x", encoding="utf-8")
        except OSError as error:
            raise CaseError(f"the record cannot be written to {path}: {error.strerror}") from error

    @classmethod
    def in_folder(cls, folder: Path) -> "Record":
        """A new record in ``folder``, named after the moment."""
        return cls(folder / f"gate-{datetime.now(timezone.utc):%Y%m%d-%H%M%S-%f}.jsonl")

    def write(self, line: Mapping[str, Any]) -> None:
        """Append one line and hand it to the system.  Raises ``CannotJudgeError`` where that fails."""
        try:
            self._file.write(json.dumps(line) + "\n")
            self._file.flush()
        except OSError as error:
            raise CannotJudgeError(f"the record {self.path} cannot be written any further: {error.strerror}") from error

    def close(self) -> None:
        """What the system did not take before, it does not take now either."""
        with suppress(OSError):
            self._file.close()
