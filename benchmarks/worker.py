"""One fresh process of ``gluonmark bench``: measures every cell of a job once, variants in turns.

It reads one job (JSON) from its input and writes one JSON object per line as soon as there is something to say, so that
nothing that was measured is lost if it dies:

``{"conditions": {...}}``                          first, what the process runs under
``{"id": ..., "seconds": [...], "calls": ..., "about": {...}}``    seconds of one call, one figure per window
``{"id": ..., "reason": ...}``                     a cell that could not be measured
"""

import contextlib
import ctypes
import itertools
import json
import os
import random
import signal
import sys
import traceback
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, TextIO

from benchmarks import cases, grid, process
from benchmarks.clock import Sampler, Sampling
from benchmarks.grid import CaseError, Cell
from benchmarks.plan import Outside

if TYPE_CHECKING:
    from layers import Subject


# The environment variable that names the folder a person measures from.
USER_FOLDER = "GLUONMARK_USER_FOLDER"

PARENT_DEATH_SIGNAL = 1  # PR_SET_PDEATHSIG of linux/prctl.h


@dataclass(frozen=True)
class Job:
    """What one process measures; ``seed`` decides the order."""

    cells: tuple[Cell, ...]
    sampling: Sampling
    seed: int
    outside: dict[str, Outside]

    def to_json(self) -> str:
        """The job as one line of text."""
        return json.dumps(asdict(self))

    @classmethod
    def from_json(cls, text: str) -> "Job":
        """The job that ``to_json`` wrote."""
        data = json.loads(text)
        return cls(
            tuple(Cell(**cell) for cell in data["cells"]),
            Sampling(**data["sampling"]),
            data["seed"],
            {name: Outside(**layer) for name, layer in data["outside"].items()},
        )


def measure(job: Job, channel: TextIO) -> None:
    """Measure the job's cells in random order and write the results to ``channel``."""

    def say(message: dict[str, object]) -> None:
        channel.write(json.dumps(message) + "\n")
        channel.flush()

    say({"conditions": process.conditions() | {"dtype": grid.DTYPE}})
    shuffle = random.Random(job.seed)
    groups = [list(cells) for _, cells in itertools.groupby(sorted(job.cells, key=_group), _group)]
    for cells in shuffle.sample(groups, len(groups)):
        samplers: dict[Cell, Sampler] = {}
        about: dict[Cell, dict[str, object]] = {}
        for cell in shuffle.sample(cells, len(cells)):
            try:
                subject = subject_of(cell, job.outside)
                case = cases.prepare(cell, subject)
                samplers[cell] = Sampler(case.call, job.sampling)
                about[cell] = {"judge": case.judge, "remarks": case.remarks}
                about[cell] |= {} if subject is None else {"dtype": subject.dtype}
            except Exception as error:  # one cell that fails must not take the others along; the reason is recorded
                if not isinstance(error, CaseError):
                    traceback.print_exc()
                say({"id": cell.id, "reason": reason_of(error)})
        seconds = _interleaved(samplers, job.sampling.windows, shuffle)
        for cell, sampler in samplers.items():
            say({"id": cell.id, "seconds": seconds[cell], "calls": sampler.calls, "about": about[cell]})


def _interleaved(samplers: dict[Cell, Sampler], windows: int, shuffle: random.Random) -> dict[Cell, list[float]]:
    """``windows`` samples of each cell, in turns and in random order: what disturbs the machine disturbs all."""
    seconds: dict[Cell, list[float]] = {cell: [] for cell in samplers}
    for _ in range(windows):
        for cell in shuffle.sample(list(samplers), len(samplers)):
            samplers[cell].settle()
            seconds[cell].append(samplers[cell].sample())
    return seconds


def _group(cell: Cell) -> tuple[str, int, str, str]:
    return cell.group


def subject_of(cell: Cell, outside: dict[str, Outside]) -> "Subject | None":
    """The layer of ``cell``, or ``None`` for one of the catalogue."""
    if cell.layer not in outside:
        return None
    import layers

    layer = outside[cell.layer]
    return layers.resolve(layer.spec, layer.arguments, layer.shapes)


def reason_of(error: Exception) -> str:
    """What went wrong, on one line."""
    text = str(traceback.TracebackException(type(error), error, None))  # str(error) may itself fail
    said: Sequence[str] = text.strip().splitlines() or [""]
    return said[0] if isinstance(error, CaseError) else f"{type(error).__name__}: {said[0]}"


def die_with_parent() -> None:
    """A worker must not go on measuring, and disturbing others, for a parent that was killed (Linux: prctl)."""
    with contextlib.suppress(OSError, AttributeError):
        ctypes.CDLL(None).prctl(PARENT_DEATH_SIGNAL, signal.SIGKILL)


def main() -> None:
    """Measure the job on stdin.  What libraries print goes to stderr: stdout belongs to the results."""
    die_with_parent()
    sys.path.append(os.environ.get(USER_FOLDER, "."))  # last: a person's random.py must not hide Python's own
    with os.fdopen(os.dup(1), "w", encoding="utf-8") as channel:
        os.dup2(2, 1)
        measure(Job.from_json(sys.stdin.read()), channel)


if __name__ == "__main__":
    main()
