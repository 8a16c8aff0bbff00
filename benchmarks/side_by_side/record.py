"""The record of a gate: lines of JSON, appended as they come, so that nothing is lost if the gate dies.

reports/verdict/blocks.py, which reads it, describes what those lines hold that a verdict rests on.  Beside it

* a line of a block has the ``seconds`` that it took, preparation included, the ``start`` in seconds of the pair that it
  ran on, and more ``conditions`` (conditions.py);
* stage 0, of the kind "build", is the building: the line of a case has its ``companions`` and a first measurement,
  which nothing rests on but the timetable;
* the header has what header.py says.
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
        """Close the file, and remove it if nothing is in it."""
        with suppress(OSError):  # what the system did not take before, it does not take now either
            self._file.close()
        with suppress(OSError):
            if not self.path.stat().st_size:
                self.path.unlink()
