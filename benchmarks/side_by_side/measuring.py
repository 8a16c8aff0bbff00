"""The process of one side: it prepares one case at a time and times windows of calls, whenever it is told to.

It reads lines of JSON, first its job and then orders, and answers each with a line of JSON:

``{"root": ..., "outside": {...}, "heap": bytes, "sampling": {...}}``   → ``{"conditions": {...}}``
``{"do": "build", "cell": {...}}``                    → ``{"judge": ..., "remarks": [...], "code": ...}``
``{"do": "prepare", "cell": {...}, "plant": null, "processors": [1]}`` → ``{"calls": that fill a window}``
``{"do": "sample", "calls": 12}``                     → ``{"seconds": of one call}``
``{"do": "release"}``                                 → ``{"conditions": {...}}`` since ``prepare`` answered

A case that cannot be prepared is answered with ``{"reason": ...}``; the process is then as good as before.
"""

import json
import math
import os
import sys
import traceback
from contextlib import suppress
from typing import Any, TextIO

from benchmarks import cases, process
from benchmarks.clock import Sampler, Sampling
from benchmarks.grid import CaseError, Cell
from benchmarks.plan import Outside
from benchmarks.side_by_side import companions, planted
from benchmarks.side_by_side.conditions import Moment
from benchmarks.side_by_side.planted import Plant
from benchmarks.worker import die_with_parent, reason_of, subject_of

Answer = dict[str, Any]

# Calls before each window, as a share of its calls: the other process has had the processor and its caches meanwhile,
# and one that has just woken up is less likely to lose the processor within the window.  On a machine with four busy
# processes a block's ratio varied by 2.3 % after as many calls, by 5.9 % after a quarter of them (docs/gate.md).
WARM = 1.0


class Side:
    """What the process holds between two orders: at most one case."""

    def __init__(self, job: dict[str, Any]) -> None:
        self._outside = {name: Outside(**layer) for name, layer in job["outside"].items()}
        self._heap = bytearray(job["heap"])  # shifts what is allocated after it
        self._sampling = Sampling(**job["sampling"])
        self._processors = sorted(os.sched_getaffinity(0))
        self._sampler: Sampler | None = None
        self._spin: planted.Spin = planted.no_spin
        self._began = Moment.now()

    def build(self, cell: dict[str, Any]) -> Answer:
        """Prove the case right, which compiles it into the cache, and say what it is made of."""
        self._sampler = None
        one = Cell(**cell)
        subject = subject_of(one, self._outside)
        case = cases.prepare(one, subject)
        try:
            found = companions.of(one, subject)
        except Exception as error:  # an old commit may lack what they are asked of: times can be compared all the same
            found = {"unknown": reason_of(error)}
        return {"judge": case.judge, "remarks": case.remarks} | found

    def prepare(self, cell: dict[str, Any], plant: dict[str, Any] | None, processors: list[int]) -> Answer:
        """Make the case ready to be timed on these processors."""
        self._sampler = None  # before anything of the next case is allocated
        keep_to(self._processors)
        one = Cell(**cell)
        call, self._spin = planted.closure(one, subject_of(one, self._outside), Plant(**plant) if plant else None)
        self._sampler = Sampler(call, self._sampling)
        keep_to(processors)
        self._began = Moment.now()
        return {"calls": self._sampler.calls}

    def sample(self, calls: int) -> Answer:
        """Time one window."""
        assert self._sampler is not None, "a sample was ordered before a case"
        self._sampler.elapsed(math.ceil(calls * WARM))
        seconds = self._sampler.elapsed(calls)
        return {"seconds": (seconds + self._spin(seconds)) / calls}

    def release(self) -> Answer:
        """Forget the case."""
        happened = Moment.now().since(self._began)
        self._sampler = None
        return {"conditions": happened}


def serve(orders: TextIO, channel: TextIO) -> None:
    """Answer every order until there are no more."""

    def say(answer: Answer) -> None:
        channel.write(json.dumps(answer) + "\n")
        channel.flush()

    job = json.loads(orders.readline())
    search(job["root"])
    load()
    side = Side(job)
    say({"conditions": process.conditions()})
    for line in orders:
        order = json.loads(line)
        try:
            say(getattr(side, order.pop("do"))(**order))
        except Exception as error:  # one case that fails must not take the others along
            if not isinstance(error, CaseError):
                traceback.print_exc()
            say({"reason": reason_of(error)})


def load() -> None:
    """Import what every case needs, so that none of them pays for it; what cannot be imported does not start."""
    import kernels  # noqa: F401
    import layers  # noqa: F401


def keep_to(processors: list[int]) -> None:
    """Let every thread of this process run on these processors only."""
    for thread in os.listdir("/proc/self/task"):
        with suppress(ProcessLookupError):  # it has ended meanwhile
            os.sched_setaffinity(int(thread), processors)


def search(root: str) -> None:
    """Let a layer import its own repository's packages from ``root``, not what may be installed of them.

    Before the installed packages, and behind Python's own: a person's random.py must not hide it.
    """
    installed = [place for place, path in enumerate(sys.path) if path.rstrip(os.sep).endswith("-packages")]
    place = min(installed, default=len(sys.path))
    sys.path[place:place] = [root, os.path.join(root, "src")]


def main() -> None:
    """Serve on stdin and stdout, which belong to orders and answers: what layers print goes to stderr, and they read
    nothing."""
    die_with_parent()
    orders, channel = os.fdopen(os.dup(0), encoding="utf-8"), os.fdopen(os.dup(1), "w", encoding="utf-8")
    with orders, channel, open(os.devnull) as nothing:
        os.dup2(nothing.fileno(), 0)
        os.dup2(2, 1)
        serve(orders, channel)


if __name__ == "__main__":
    main()
