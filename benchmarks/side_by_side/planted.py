"""Slow-downs that are put into one side on purpose, to see what a gate would find.

``spin``        each window waits for a share of a call's time, in sum for its calls, without giving up the processor
``copy``        each call copies its first input once, for nothing
``imperative``  the layer runs as it was written, in place of its variant: a lost ``hybridize()`` or ``jit()``
``unfused``     the generator gives every loop to one value, so that each passes through memory
"""

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from benchmarks import cases
from benchmarks.grid import Cell

if TYPE_CHECKING:
    from layers import Subject

KINDS = ("spin", "copy", "imperative", "unfused")


@dataclass(frozen=True)
class Plant:
    """What slows one case of the head; ``share`` is that of a spin, such as 0.05."""

    kind: str
    share: float = 0.0

    def order(self, seconds: float) -> dict[str, Any]:
        """What the process of the head is told of it; ``seconds`` is one call without it."""
        return {"kind": self.kind, "seconds": self.share * seconds}


Spin = Callable[[int], float]


def no_spin(_calls: int) -> float:
    """Nothing is planted."""
    return 0.0


def closure(cell: Cell, subject: "Subject | None", plant: dict[str, Any] | None) -> tuple[Callable[[], None], Spin]:
    """The closure of ``cell`` with what is planted, and what spins after a window of so many calls."""
    return cases.unproved(cell, subject), no_spin if plant is None else spin(plant["seconds"])


def spin(seconds: float) -> Spin:
    """Spins ``seconds`` for each call of a window and returns how long that was."""

    def wait(calls: int) -> float:
        start = time.perf_counter()
        end = start + calls * seconds
        while time.perf_counter() < end:
            pass
        return time.perf_counter() - start

    return wait
