"""``gluonmark bench``: measures a plan in rounds of fresh processes and writes one result file.

A process that dies costs the cells that it had not measured yet, in that round; the next round goes on.
"""

from collections import Counter
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks import process
from benchmarks.crew import WorkerDeathError, messages
from benchmarks.plan import Plan
from benchmarks.results import ResultFile
from benchmarks.worker import Job


@dataclass(frozen=True)
class Outcome:
    """What came of a run.

    ``missing`` maps a reason to the number of measurements that it cost; ``remarks`` are sentences for the reader.
    """

    path: Path
    measured: int
    missing: dict[str, int]
    remarks: tuple[str, ...]


def run(plan: Plan, folder: Path, advance: Callable[[str], None]) -> Outcome:
    """Measure ``plan``, write a result file into ``folder``, and call ``advance(id)`` after each cell of each round.

    Ctrl-C, SIGTERM and SIGHUP end the run early; what was measured is in the file, and ``missing`` says the rest.
    """
    result = ResultFile.create(folder)
    for cell, reason in plan.skipped.items():
        result.skip(cell, reason)
    rounds = [_Round(number, plan, result, advance) for number in range(1, plan.rounds + 1)]
    try:
        with process.interruptible():
            for one in rounds:
                one.run()
                result.write()
    except KeyboardInterrupt:
        for one in rounds:
            one.abandon("the run was interrupted")
    finally:
        result.write()
    missing = Counter(entry["reason"] for entry in result.skipped[len(plan.skipped) :])
    remarks = dict.fromkeys(one for entry in result.benchmarks for one in entry["extra_info"]["remarks"])
    return Outcome(result.path, len(result.benchmarks), dict(missing), tuple(sorted(remarks)))


class _Round:
    """One fresh process that measures every cell once."""

    def __init__(self, number: int, plan: Plan, result: ResultFile, advance: Callable[[str], None]) -> None:
        self._number = number
        self._plan = plan
        self._pending = {cell.id: cell for cell in plan.cells}
        self._result = result
        self._advance = advance

    def run(self) -> None:
        """Collect what the worker says; if it dies, give up what is pending."""
        plan = self._plan
        job = Job(plan.cells, plan.sampling, self._number, plan.outside)
        conditions: dict[str, Any] = {}
        try:
            with closing(messages(job, plan.threads, plan.engine)) as said:
                for message in said:
                    if "conditions" in message:
                        conditions = message["conditions"]
                    else:
                        self._collect(message, conditions)
            self.abandon("the measuring process ended before it had measured this")
        except WorkerDeathError as death:
            self.abandon(str(death))

    def abandon(self, reason: str) -> None:
        """Record ``reason`` for every cell that has no result yet."""
        while self._pending:
            identifier, cell = self._pending.popitem()
            self._result.skip(cell, reason, self._number)
            self._advance(identifier)

    def _collect(self, message: dict[str, Any], conditions: dict[str, Any]) -> None:
        cell = self._pending.pop(message["id"])
        if "reason" in message:
            self._result.skip(cell, message["reason"], self._number)
        else:
            about = conditions | message["about"]
            self._result.add(cell, self._number, message["seconds"], message["calls"], about)
            self._result.write_sometimes()
        self._advance(cell.id)
