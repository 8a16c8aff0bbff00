"""The parent's hand on the process of one side: starts it, gives it orders, ends it."""

import json
import os
import selectors
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from random import Random
from typing import IO, Any

from benchmarks import process
from benchmarks.clock import Sampling
from benchmarks.plan import Outside
from benchmarks.side_by_side.errors import ArmDeathError

PADDING = "GLUONMARK_PADDING"  # an environment variable that moves the stack
MOST_PADDING, MOST_HEAP = 4096, 1 << 17  # bytes; what is larger than that is not on malloc's heap

ENDING = 2.0  # seconds from the last word of a process to its end


@dataclass(frozen=True)
class Surroundings:
    """Where the process of a side runs and under which switches: ``suite`` holds ``benchmarks/``, ``root`` a commit.

    ``outside`` has files as paths inside ``root``.
    """

    suite: Path
    root: Path
    outside: Mapping[str, Outside]
    sampling: Sampling
    threads: int
    engine: str


class Arm:
    """A running process of the side ``side``."""

    def __init__(self, side: str, started: "subprocess.Popen[bytes]", complaints: IO[bytes]) -> None:
        self.side = side
        self.process = started
        self._complaints = complaints
        self._said = b""

    def order(self, message: Mapping[str, Any]) -> None:
        """Send one line; a process that is gone is noticed by ``answer``."""
        assert self.process.stdin is not None
        with suppress(OSError):  # it died: its answer will not come
            self.process.stdin.write(json.dumps(message).encode() + b"\n")
            self.process.stdin.flush()

    def answer(self, patience: float) -> dict[str, Any]:
        """Its next line.  Raises ``ArmDeathError`` if it dies, or says nothing for ``patience`` seconds."""
        end = time.monotonic() + patience
        assert self.process.stdout is not None
        with selectors.DefaultSelector() as selector:
            selector.register(self.process.stdout, selectors.EVENT_READ)
            while b"\n" not in self._said:
                if not selector.select(max(0.0, end - time.monotonic())):
                    raise ArmDeathError(self.side, f"its process was silent for {patience:g} s and was ended")
                heard = os.read(self.process.stdout.fileno(), 1 << 16)
                if not heard:
                    raise ArmDeathError(self.side, self._death())
                self._said += heard
        line, _, self._said = self._said.partition(b"\n")
        try:
            answer = json.loads(line)
        except ValueError:
            answer = None
        if not isinstance(answer, dict):
            raise ArmDeathError(self.side, "something else than its process wrote to its answers, and it was ended")
        return answer

    def ask(self, message: Mapping[str, Any], patience: float) -> dict[str, Any]:
        """``order``, then ``answer``."""
        self.order(message)
        return self.answer(patience)

    def _death(self) -> str:
        try:
            status = self.process.wait(ENDING)
        except subprocess.TimeoutExpired:
            return "its process closed its output and was ended"
        if status < 0:
            return f"its process died of {signal.Signals(-status).name}"
        self._complaints.seek(0)
        said = self._complaints.read().decode(errors="replace").strip().splitlines() or ["no message"]
        return f"its process ended with status {status}: {said[-1]}"


@contextmanager
def arm(side: str, where: Surroundings, chance: Random) -> Iterator[Arm]:
    """A fresh process; it does not outlive the ``with`` block.  ``chance`` decides on its heap and environment."""
    environment = dict(os.environ)
    process.configure(environment, where.threads, where.engine)
    environment[PADDING] = "x" * chance.randrange(MOST_PADDING)
    job = {
        "root": str(where.root),
        "outside": {name: asdict(located(layer, where.root)) for name, layer in where.outside.items()},
        "heap": chance.randrange(MOST_HEAP),
        "sampling": asdict(where.sampling),
    }
    with tempfile.TemporaryFile() as complaints:
        started = subprocess.Popen(
            [sys.executable, "-m", "benchmarks.side_by_side.measuring"],
            cwd=where.suite,
            env=environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=complaints,
            # Ctrl-C reaches the parent alone, which then decides; what the process starts ends with it.
            start_new_session=True,
        )
        one = Arm(side, started, complaints)
        try:
            one.order(job)
            yield one
        finally:
            end(started)


def located(layer: Outside, root: Path) -> Outside:
    """``layer`` with its file in the folder ``root``."""
    return replace(layer, spec=str(root / layer.spec))


def end(started: "subprocess.Popen[bytes]") -> None:
    """Kill the leader of a session and all that it started: what they hold is worth nothing, and MXNet takes long to
    leave."""
    with suppress(ProcessLookupError):  # nothing of it is left
        os.killpg(started.pid, signal.SIGKILL)
    started.wait()
    for pipe in (started.stdin, started.stdout):
        if pipe is not None:
            with suppress(OSError):  # what was still to be written to a dead process
                pipe.close()
