"""The process of one system: prepares cells and takes samples when it is told to.

Requests come as lines of JSON on its input; each is answered by one line:

``{"prepare": {...}, "given": PATH, "results": PATH}``  by ``{"calls": n}``: how many fill a window
``{"sample": true}``  by ``{"seconds": s}``: of one call
whatever fails by ``{"error": text}``
"""

import importlib
import json
import os
import sys
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.clock import Sampler, Sampling
from benchmarks.grid import Cell
from benchmarks.peers.systems import SYSTEMS, Given


class Server:
    """One system and the cell that it has prepared last."""

    def __init__(self, name: str, sampling: Sampling) -> None:
        self._system = SYSTEMS[name]
        self._sampling = sampling
        self._program = importlib.import_module(f"benchmarks.peers.{self._system.program}")
        self._sampler: Sampler | None = None

    def answer(self, request: dict[str, Any]) -> dict[str, Any]:
        """The answer to one request."""
        if "prepare" in request:
            self._sampler = None  # frees the arrays of the cell before
            return self._prepare(Cell(**request["prepare"]), Path(request["given"]), Path(request["results"]))
        assert self._sampler is not None
        self._sampler.settle()
        return {"seconds": self._sampler.sample()}

    def _prepare(self, cell: Cell, given: Path, results: Path) -> dict[str, Any]:
        prepared = self._program.prepare(cell, Given.load(given), self._system.option)
        np.savez(results, **prepared.results())
        self._sampler = Sampler(prepared.call, self._sampling)
        return {"calls": self._sampler.calls}


def main(name: str, sampling: str) -> None:
    """Serve until the input ends.  What libraries print goes to stderr: stdout belongs to the answers."""
    with os.fdopen(os.dup(1), "w", encoding="utf-8") as channel:
        os.dup2(2, 1)
        server = Server(name, Sampling(**json.loads(sampling)))
        for line in sys.stdin:
            try:
                answer = server.answer(json.loads(line))
            except Exception as error:  # told to the one who asked, who records it
                said = str(error).strip().splitlines() or [""]
                answer = {"error": f"{type(error).__name__}: {said[0]}"}
            channel.write(json.dumps(answer) + "\n")
            channel.flush()


if __name__ == "__main__":
    main(*sys.argv[1:])
