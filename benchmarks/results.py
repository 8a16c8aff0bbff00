"""The result file of ``gluonmark bench``: pytest-benchmark's JSON, one entry for each cell and round.

Fresh processes are the unit of comparison, so rounds stay apart; ``skipped`` lists what was not measured, and why.
"""

import json
import os
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

from benchmarks.grid import CaseError, Cell

FULL_NAME = "benchmarks/with_pytest/test_cases.py::"

SECONDS_BETWEEN_WRITES = 3.0


@dataclass
class ResultFile:
    """Collects one run.  ``write()`` replaces the file at once, so that it is valid JSON at every moment."""

    path: Path
    about: dict[str, Any]
    benchmarks: list[dict[str, Any]] = field(default_factory=list)
    skipped: list[dict[str, Any]] = field(default_factory=list)
    _written: float = 0.0

    @classmethod
    def create(cls, folder: Path) -> "ResultFile":
        """A new, empty result file in ``folder``, which is made if need be; named after the moment."""
        from pytest_benchmark import __version__, plugin, utils

        moment = datetime.now(timezone.utc)
        about = {
            "machine_info": plugin.pytest_benchmark_generate_machine_info(),
            "commit_info": utils.get_commit_info(),
            "datetime": moment.isoformat(),
            "version": __version__,
        }
        result = cls(folder / f"bench-{moment:%Y%m%d-%H%M%S-%f}.json", about)
        try:
            folder.mkdir(parents=True, exist_ok=True)
            result.write()
        except OSError as error:
            raise CaseError(f"results cannot be written to the folder {folder}: {error.strerror}") from error
        return result

    def add(self, cell: Cell, number: int, seconds: Sequence[float], calls: int, conditions: Mapping[str, Any]) -> None:
        """One cell in round ``number``: ``seconds`` of one call for each window of ``calls`` calls."""
        from pytest_benchmark.stats import Stats

        stats = Stats()
        for figure in seconds:
            stats.update(figure)
        name = f"test_case[{cell.id}]"
        self.benchmarks.append(
            {
                "group": None,
                "name": name,
                "fullname": FULL_NAME + name,
                "params": cell.parameters,
                "param": cell.id,
                "extra_info": {**cell.parameters, **conditions, "round": number},
                "options": {},
                "stats": {**stats.as_dict(), "data": stats.data, "iterations": calls},
            }
        )

    def skip(self, cell: Cell, reason: str, number: int | None = None) -> None:
        """One cell that was not measured in round ``number``, or in none."""
        self.skipped.append({"id": cell.id, "params": cell.parameters, "reason": reason, "round": number})

    def write_sometimes(self) -> None:
        """Write if that was not done for a while: a run that is killed loses a few seconds of results at most."""
        if time.monotonic() - self._written > SECONDS_BETWEEN_WRITES:
            self.write()

    def write(self) -> None:
        """Write everything that was collected so far."""
        document = {**self.about, "benchmarks": self.benchmarks, "skipped": self.skipped}
        unfinished = self.path.with_suffix(".part")
        unfinished.write_text(json.dumps(document, indent=1), encoding="utf-8")
        os.replace(unfinished, self.path)
        self._written = time.monotonic()
