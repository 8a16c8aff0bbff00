"""Two processes at the same time, driven in lock step: one computes while the other waits for its next order.

While they load and prepare both compute; samples of the two sides alternate A B B A, so that a drift costs neither.
"""

import math
import os
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import asdict, dataclass
from random import Random
from typing import Any

from benchmarks.clock import SETTLE, stay_awake
from benchmarks.grid import Cell
from benchmarks.side_by_side.arm import Arm, Surroundings, arm
from benchmarks.side_by_side.planted import Plant

SIDES = ("base", "head")

Answer = dict[str, Any]


@dataclass(frozen=True)
class Patience:
    """After how many seconds of silence a process counts as hung."""

    start: float = 120.0
    build: float = 300.0  # the first to need a kernel compiles it
    prepare: float = 60.0
    sample: float = 60.0


@dataclass(frozen=True)
class Pair:
    """Two running processes: that of the base, then that of the head; ``first`` is the place of the one started first.

    ``start`` is how many seconds that took, ``pause`` how many the threads of one side need to fall asleep before the
    other is timed.  Samples are taken on ``processors``.
    """

    arms: Sequence[Arm]
    first: int
    start: float
    pause: float
    processors: Sequence[int]
    patience: Patience

    def build(self, cell: Cell) -> Answer:
        """Prove a case right on both sides: a line with what it is made of on each, or with the reason why not."""
        answers = self._both([{"do": "build", "cell": cell.parameters}] * 2, self.patience.build)
        return failure(answers) or {"companions": dict(zip(SIDES, answers, strict=True))}

    def measure(self, cell: Cell, samples: int, chance: Random, plant: Plant | None = None) -> Answer:
        """``samples`` windows of each side, of equally many calls; ``plant`` slows the head."""
        began = time.perf_counter()
        order = {"do": "prepare", "cell": cell.parameters, "processors": self.processors}
        orders = [{**order, "plant": one} for one in (None, plant and asdict(plant))]
        prepared = self._both(orders, self.patience.prepare)
        if failed := failure(prepared):
            return failed
        calls = agreed([answer["calls"] for answer in prepared])
        turns = alternating(samples, chance.randrange(2))
        seconds: tuple[list[float], list[float]] = ([], [])
        for place in turns:
            seconds[place].append(self._sample(self.arms[place], calls))
        conditions = self._both([{"do": "release"}] * 2, self.patience.sample)
        return {
            "start": self.start,
            "calls": calls,
            "first": SIDES[self.first],
            "order": turns,
            **dict(zip(SIDES, seconds, strict=True)),
            "seconds": time.perf_counter() - began,
            "conditions": {side: one["conditions"] for side, one in zip(SIDES, conditions, strict=True)},
        }

    def _sample(self, one: Arm, calls: int) -> float:
        if self.pause:
            stay_awake(self.pause)
        return float(one.ask({"do": "sample", "calls": calls}, self.patience.sample)["seconds"])

    def _both(self, orders: Sequence[Mapping[str, Any]], patience: float) -> Sequence[Answer]:
        """Give each side its order, the one that was started first first, and wait for both answers."""
        for place in (self.first, 1 - self.first):
            self.arms[place].order(orders[place])
        return [one.answer(patience) for one in self.arms]


@contextmanager
def pair(where: Sequence[Surroundings], chance: Random, patience: Patience) -> Iterator[Pair]:
    """Two fresh processes; they do not outlive the ``with`` block.  ``chance`` decides which one starts first."""
    first = chance.randrange(2)
    began = time.perf_counter()
    with ExitStack() as stack:
        started = {place: stack.enter_context(arm(SIDES[place], where[place], chance)) for place in (first, 1 - first)}
        arms = [started[place] for place in range(2)]
        for one in arms:
            one.answer(patience.start)
        start = time.perf_counter() - began
        processors = sorted(os.sched_getaffinity(0))
        if where[0].threads == 1:
            yield Pair(arms, first, start, 0.0, [chance.choice(processors)], patience)
        else:
            yield Pair(arms, first, start, SETTLE, processors, patience)


def failure(answers: Sequence[Answer]) -> Answer | None:
    """The line of a case that one side could not prepare, the base's reason first."""
    for side, answer in zip(SIDES, answers, strict=True):
        if "reason" in answer:
            return {"arm": side, "reason": answer["reason"]}
    return None


def agreed(calls: Sequence[int]) -> int:
    """One number of calls for both sides' windows: their geometric mean knows no side."""
    return max(1, round(math.exp(sum(map(math.log, calls)) / len(calls))))


def alternating(samples: int, first: int) -> list[int]:
    """Whose sample each is: A B B A A B B A …, ``samples`` of each side."""
    return [(first + (place + 1) // 2) % 2 for place in range(2 * samples)]
