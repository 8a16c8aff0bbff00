"""Slow-downs that are put into the head on purpose, to see which of them a gate finds.

``spin``        each window is followed by a share of its own time, without giving up the processor
``copy``        each call copies its first input once, for nothing
``imperative``  the layer runs as it was written, in place of its variant: a lost ``hybridize()`` or ``jit()``
``unfused``     each value of the generated loops passes through memory in a loop of its own
"""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from benchmarks import cases
from benchmarks.grid import CaseError, Cell

if TYPE_CHECKING:
    from layers import Subject

Call = Callable[[], None]
Spin = Callable[[float], float]

KINDS = ("spin", "copy", "imperative", "unfused")


@dataclass(frozen=True)
class Plant:
    """What slows one case; ``share`` is that of a spin, such as 0.05."""

    kind: str
    share: float = 0.0

    def __post_init__(self) -> None:
        if self.kind not in KINDS:
            raise CaseError(f"a planted slow-down is one of {', '.join(KINDS)}, not {self.kind!r}")


def no_spin(_seconds: float) -> float:
    """Nothing follows a window."""
    return 0.0


def closure(cell: Cell, subject: "Subject | None", plant: Plant | None) -> tuple[Call, Spin]:
    """The closure of ``cell`` with what is planted, and what spins after a window of so many seconds."""
    kind = plant.kind if plant else ""
    if kind == "imperative":
        return cases.unproved(replace(cell, variant="imperative"), subject), no_spin
    if kind == "unfused":
        with _without_fusion():
            call = cases.unproved(cell, subject)
            call()  # generates
        return call, no_spin
    call = cases.unproved(cell, subject)
    if kind == "copy":
        return _copying(call, cell, subject), no_spin
    return call, _spin(plant.share) if plant else no_spin


def _spin(share: float) -> Spin:
    def wait(seconds: float) -> float:
        """Spins for a share of ``seconds`` and returns how long that really was."""
        start = now = time.perf_counter()
        end = start + share * seconds
        while now < end:
            now = time.perf_counter()
        return now - start

    return wait


def _copying(call: Call, cell: Cell, subject: "Subject | None") -> Call:
    import layers

    _, (x, *_) = cases.initialised(subject or layers.load(cell.layer), cell)

    def copying() -> None:
        x.copy().wait_to_read()
        call()

    return copying


@contextmanager
def _without_fusion() -> Iterator[None]:
    """What the generator decides within: every mapped value gets memory, and no loop computes two of them."""
    from kernels import fuse, memory
    from kernels.primitives.map import Map

    needs, place = memory._needs_memory, fuse._place_loop

    def needs_memory(value: Any, *rest: Any) -> bool:
        return isinstance(value.primitive, Map) or needs(value, *rest)

    def place_loop(plan: Any, places: dict[int, int], value: Any, wanted: frozenset[str]) -> None:
        places[id(value)] = len(plan.stages)
        plan.stages.append(fuse.Loop(wanted, fuse.domain(value), (value,)))

    vars(memory)["_needs_memory"], vars(fuse)["_place_loop"] = needs_memory, place_loop
    try:
        yield
    finally:
        vars(memory)["_needs_memory"], vars(fuse)["_place_loop"] = needs, place
