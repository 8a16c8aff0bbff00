"""Runs one worker process and gives back what it says, also if it dies, hangs or is interrupted."""

import json
import os
import signal
import subprocess
import sys
import tempfile
import threading
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

from benchmarks import process
from benchmarks.worker import USER_FOLDER, Job

# The folder that holds this package: a checkout, or site-packages.
SUITE = Path(__file__).resolve().parents[1]

# A worker is silent while it prepares and measures one group of cells.  The slowest on record, first compilation
# included, took less than a tenth of this.
LONGEST_SILENCE = 300.0  # seconds


class WorkerDeathError(Exception):
    """A worker ended before it had measured all of its cells; the message says how."""


class Watchdog:
    """Kills a process that was silent for too long."""

    def __init__(self, worker: "subprocess.Popen[bytes]", seconds: float) -> None:
        self._worker = worker
        self._seconds = seconds
        self._timer: threading.Timer | None = None
        self.bit = False

    def heard(self) -> None:
        """Wait anew."""
        self.stop()
        self._timer = threading.Timer(self._seconds, self._bite)
        self._timer.daemon = True
        self._timer.start()

    def stop(self) -> None:
        """Wait no more."""
        if self._timer is not None:
            self._timer.cancel()

    def _bite(self) -> None:
        self.bit = True
        self._worker.kill()


def messages(
    job: Job, threads: int, engine: str, longest_silence: float = LONGEST_SILENCE
) -> Generator[dict[str, Any], None, None]:
    """What a fresh worker says about ``job``, as it says it, and ``WorkerDeathError`` if it did not end well."""
    with tempfile.TemporaryFile() as complaints, _worker(job, threads, engine, complaints) as worker:
        watchdog = Watchdog(worker, longest_silence)
        try:
            watchdog.heard()
            for line in worker.stdout or ():
                watchdog.heard()
                if line.endswith(b"\n"):  # a dying worker may leave half a line
                    yield json.loads(line)
            status = worker.wait()
        finally:
            watchdog.stop()
        if watchdog.bit:
            raise WorkerDeathError(f"the measuring process was silent for {longest_silence:g} s and was ended")
        if status:
            raise WorkerDeathError(_death(status, complaints))


@contextmanager
def _worker(job: Job, threads: int, engine: str, complaints: IO[bytes]) -> "Iterator[subprocess.Popen[bytes]]":
    """A worker that has its job; it does not outlive the ``with`` block."""
    environment = dict(os.environ)
    process.configure(environment, threads, engine)
    # A layer from outside the catalogue may be importable from where the person is.
    environment[USER_FOLDER] = os.getcwd()
    with tempfile.TemporaryFile() as order:
        order.write(job.to_json().encode())
        order.seek(0)
        worker = subprocess.Popen(
            [sys.executable, "-m", "benchmarks.worker"],
            cwd=SUITE,
            env=environment,
            stdin=order,
            stdout=subprocess.PIPE,
            stderr=complaints,
            start_new_session=True,  # Ctrl-C reaches this process alone, which then decides
        )
    try:
        yield worker
    finally:
        worker.kill()
        worker.wait()
        if worker.stdout is not None:
            worker.stdout.close()


def _death(status: int, complaints: IO[bytes]) -> str:
    if status < 0:
        return f"the measuring process died of {signal.Signals(-status).name}"
    complaints.seek(0)
    said = complaints.read().decode(errors="replace").strip().splitlines() or ["no message"]
    return f"the measuring process failed: {said[-1]}"
