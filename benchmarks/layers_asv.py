"""The grid for asv: ``asv run`` times every cell in a process of its own.

Times come from ``clock.py``: each timed call measures several windows and moves the virtual clock on by their median,
so that even ``asv run --quick``, which takes a single sample, reports a steady figure.  There is no ``setup``, because
asv would run it again before every sample.
"""

import functools
import os
import sys
from typing import ClassVar

from asv_runner.benchmarks.mark import SkipNotImplemented

from benchmarks import cases, contexts, grid, process
from benchmarks.clock import Sampler, Sampling, VirtualClock
from benchmarks.grid import Cell

process.configure(os.environ)
process.preload()
CLOCK = VirtualClock()
SAMPLING = Sampling()


def skipped() -> list[tuple[str | int, ...]]:
    """The cells on contexts that this machine cannot measure; the reason goes to stderr (``asv run --show-stderr``)."""
    reasons = {context: contexts.why_unusable(context) for context in grid.CONTEXTS}
    for context, reason in reasons.items():
        if reason:
            print(f"all {context} cases are skipped: {reason}", file=sys.stderr)
    return [tuple(cell.parameters.values()) for cell in grid.cells() if reasons[cell.context]]


class Layers:
    """One benchmark whose parameters are the grid."""

    params = (grid.LAYERS, grid.VARIANTS, grid.BATCHES, grid.CONTEXTS, grid.MODES)
    param_names: ClassVar = list(grid.PARAMETER_NAMES)  # asv forgets the names if they are not a list
    skip_params: ClassVar = skipped()
    # asv's default is a hash of this file, which would not notice a new sampler: raise it with clock.py and cases.py.
    version = "1"
    timer = CLOCK
    number = 1
    repeat = 5
    rounds = 2
    warmup_time = 0
    timeout = 120  # seconds; the first process to use a kernel compiles it

    def time_case(self, layer: str, variant: str, batch: int, context: str, mode: str) -> None:
        """Seconds of one call of the cell."""
        CLOCK.advance_by_median(_sampler(Cell(layer, variant, batch, context, mode)), SAMPLING.windows)


@functools.cache
def _sampler(cell: Cell) -> Sampler:
    """The sampler of ``cell``, prepared at the first sample.  A layer that this commit lacks is a skip."""
    import layers

    if cell.layer not in layers.names():
        raise SkipNotImplemented(f"this commit has no layer {cell.layer}")
    return Sampler(cases.prepare(cell).call, SAMPLING)
