"""The processes of all systems under one thread count."""

import contextlib
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterable, Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Any

from benchmarks import process
from benchmarks.clock import Sampling
from benchmarks.crew import SUITE
from benchmarks.peers.systems import SYSTEMS

PEERS_PYTHON = SUITE / ".venv-peers/bin/python"


class AnswerError(Exception):
    """A system could not do what it was asked; the message says why."""


class Member:
    """One system in a process of its own."""

    def __init__(self, name: str, threads: int, sampling: Sampling, complaints: Path) -> None:
        system = SYSTEMS[name]
        environment = dict(os.environ)
        process.configure(environment, threads, system.engine)
        self.name = name
        self._complaints = complaints.open("wb")
        python = sys.executable if system.beside_mxnet else str(PEERS_PYTHON)
        self._process = subprocess.Popen(
            [python, "-m", "benchmarks.peers.server", name, json.dumps(asdict(sampling))],
            cwd=SUITE,
            env=environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._complaints,
            text=True,
            # The same processors for all, also where a library takes more threads than it was told.
            preexec_fn=lambda: os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[:threads]),
        )

    def ask(self, **request: Any) -> dict[str, Any]:
        """The answer to a request.  Raises ``AnswerError`` if there is none, or if it is an error."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        try:
            self._process.stdin.write(json.dumps(request) + "\n")
            self._process.stdin.flush()
            line = self._process.stdout.readline()
        except OSError:
            line = ""
        if not line:
            raise AnswerError(f"its process ended (exit code {self._process.wait()})")
        answer: dict[str, Any] = json.loads(line)
        if "error" in answer:
            raise AnswerError(answer["error"])
        return answer

    def leave(self) -> None:
        """End the process."""
        self._process.kill()
        self._process.wait()
        self._complaints.close()


@contextlib.contextmanager
def crew(names: Iterable[str], threads: int, sampling: Sampling) -> Iterator[dict[str, Member]]:
    """A fresh process for each system; they do not outlive the ``with`` block."""
    members: dict[str, Member] = {}
    with tempfile.TemporaryDirectory() as folder:
        try:
            for name in names:
                members[name] = Member(name, threads, sampling, Path(folder) / name)
            yield members
        finally:
            for member in members.values():
                member.leave()
