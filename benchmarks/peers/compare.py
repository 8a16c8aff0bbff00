"""``make peers``: the layers in gluonmark, MXNet, PyTorch, JAX and ONNX Runtime, in turns in one run.

Every system runs in a process of its own, on the same processors; all wait while one prepares or is timed.  A result
that disagrees with the layer's float64 reference is not timed.  The result file is pytest-benchmark's JSON with the
system in the place of the variant, so that ``gluonmark speedups FILE --baseline torch`` reads it.
"""

import argparse
import itertools
import os
import random
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

from benchmarks import process

process.configure(os.environ, threads=1)  # before anything loads MXNet: this process only draws and judges

import numpy as np  # noqa: E402
from rich.progress import Progress  # noqa: E402

import layers  # noqa: E402
from benchmarks import cases, grid, references  # noqa: E402
from benchmarks.agreement import disagreement  # noqa: E402
from benchmarks.clock import Sampling  # noqa: E402
from benchmarks.grid import Cell  # noqa: E402
from benchmarks.peers.crew import AnswerError, Member, crew  # noqa: E402
from benchmarks.peers.systems import BOTH, OURS, SYSTEMS, TAPELESS, Given  # noqa: E402
from benchmarks.references import Arrays  # noqa: E402
from benchmarks.results import ResultFile  # noqa: E402
from benchmarks.training import Training  # noqa: E402
from reports import contest, read, render  # noqa: E402
from reports.contest import Contest  # noqa: E402

LAYERS = ("CenteredLayer", "MyDense", "LearnedAffine", "TensorReduction", "HalfFourier")
BATCHES = (1, 4, 16, 64, 256, 1024, 4096)
THREADS = (1, 2)
SAMPLING = Sampling(warm_up=0.02, window=0.004, windows=9)


def _contests() -> tuple[Contest, ...]:
    """Forward, everybody against ours; in training ours on MXNet's tape against tapes, without one against JAX."""
    mxnet = tuple(name for name in SYSTEMS if name.startswith("mxnet"))
    torch = tuple(name for name in SYSTEMS if name.startswith("torch"))
    return (
        *(Contest("MXNet", mode, OURS, mxnet) for mode in BOTH),
        Contest("peer", "forward", OURS, (*torch, "jax", "onnxruntime")),
        Contest("peer", "train", OURS, torch),
        Contest("JAX", "train", TAPELESS, ("jax",)),
        Contest("roof", "forward", OURS, ("roof", "roof-torch")),
    )


CONTESTS = _contests()


class Question:
    """One layer, batch size and mode: the arrays, and what is right."""

    def __init__(self, layer: str, batch: int, mode: str) -> None:
        self.cell = Cell(layer, "imperative", batch, "cpu", mode)
        subject = layers.load(layer)
        block, (x,) = cases.initialised(subject, self.cell)
        (head,) = cases.heads(self.cell, [block(x)])
        self.judged = references.judged(subject, Training(block, [x], [head]))
        values = {name: p.data().asnumpy() for name, p in block._collect_params_with_prefix().items()}
        learned = {name: array for name, array in values.items() if name in self.judged.gradients}
        self.given = Given(
            x.asnumpy(), head.asnumpy(), learned, {name: values[name] for name in values.keys() - learned.keys()}
        )
        self.terms = max(array.size for array in (x, *values.values()))

    def of(self, system: str) -> Cell:
        """The cell that a system runs."""
        return Cell(self.cell.layer, system, self.cell.batch, self.cell.context, self.cell.mode)

    def wrong(self, results: Arrays) -> str | None:
        """What is wrong with a system's results, or None."""
        expected = self.judged.outputs | self.judged.gradients
        reasons = (disagreement(name, array, expected[name], self.terms) for name, array in results.items())
        return next(filter(None, reasons), None)


@dataclass
class Round:
    """Fresh processes of all systems under one thread count, and where their figures go."""

    number: int
    threads: int
    members: dict[str, Member]
    result: ResultFile
    shuffle: random.Random

    def measure(self, question: Question) -> None:
        """Prepare the question in every system, then sample those that are right in turns, in random order."""
        cell = question.cell
        asked = [name for name in self.members if SYSTEMS[name].runs(cell.layer, cell.mode)]
        ready: dict[str, int] = {}
        for name in self.shuffle.sample(asked, len(asked)):
            try:
                ready[name] = self._prepared(question, name)
            except AnswerError as error:
                self.result.skip(question.of(name), str(error), self.number)
        seconds: dict[str, list[float]] = {name: [] for name in ready}
        for _ in range(SAMPLING.windows):
            for name in self.shuffle.sample(list(ready), len(ready)):
                try:
                    seconds[name].append(self.members[name].ask(sample=True)["seconds"])
                except AnswerError as error:  # one system that dies must not take the others' figures along
                    del ready[name]
                    self.result.skip(question.of(name), str(error), self.number)
        about = {"threads": self.threads, "dtype": grid.DTYPE}
        for name, calls in ready.items():
            self.result.add(question.of(name), self.number, seconds[name], calls, about)

    def _prepared(self, question: Question, name: str) -> int:
        """How many calls fill a window of the system.  Raises ``AnswerError`` if its results are wrong."""
        with tempfile.TemporaryDirectory() as folder:
            given, results = Path(folder) / "given.npz", Path(folder) / "results.npz"
            question.given.save(given)
            cell = question.of(name)
            answer = self.members[name].ask(prepare=cell.parameters, given=str(given), results=str(results))
            with np.load(results) as file:
                reason = question.wrong(dict(file))
        if reason:
            raise AnswerError(f"{cell.id} is not timed because it is wrong: {reason}")
        return int(answer["calls"])


def main() -> None:
    """Measure, and print what ours divided by the best of the others is."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("layers", nargs="*", default=LAYERS)
    parser.add_argument("--batches", type=int, nargs="+", default=BATCHES)
    parser.add_argument("--threads", type=int, nargs="+", default=THREADS)
    parser.add_argument("--systems", nargs="+", default=list(SYSTEMS), choices=list(SYSTEMS))
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--format", dest="form", default="table", choices=("table", "markdown"))
    parser.add_argument("--show", type=Path, help="print an earlier result file, measure nothing")
    given = parser.parse_args()
    if given.show:
        show(given.show, given.form)
        return
    result = ResultFile.create(Path("results"))
    shuffle = random.Random(0)
    questions = list(itertools.product(given.layers, given.batches, grid.MODES))
    with Progress() as progress:
        task = progress.add_task("peers", total=given.rounds * len(given.threads) * len(questions))
        for number, threads in itertools.product(range(1, given.rounds + 1), given.threads):
            with crew(given.systems, threads, SAMPLING) as members:
                one = Round(number, threads, members, result, shuffle)
                for question in shuffle.sample(questions, len(questions)):
                    one.measure(Question(*question))
                    result.write_sometimes()
                    progress.advance(task)
    result.write()
    print(f"Results are in {result.path}.", file=sys.stderr)
    show(result.path, given.form)


def show(path: Path, form: str) -> None:
    """Print a table for each layer, then who is ahead."""
    found = contest.ratios(read(path), CONTESTS)
    for layer, table in contest.tables(found):
        print(f"{layer} (below 1 is faster)", render(table, form), sep="\n")
    print(*contest.summary(found), sep="\n")


if __name__ == "__main__":
    main()
