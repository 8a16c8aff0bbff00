"""The grid for pytest-benchmark: ``pytest benchmarks/with_pytest``.

This folder has no ``__init__.py``: asv imports every package below ``benchmarks/``, and its environments lack pytest.
"""

import os

import pytest
from pytest_benchmark.fixture import BenchmarkFixture

from benchmarks import cases, contexts, grid, process
from benchmarks.clock import Sampler, Sampling, VirtualClock
from benchmarks.grid import Cell

process.configure(os.environ)
CLOCK = VirtualClock()
SAMPLING = Sampling()
CELLS = [pytest.param(*cell.parameters.values(), id=cell.id) for cell in grid.cells()]


@pytest.mark.benchmark(timer=CLOCK)
@pytest.mark.parametrize(grid.PARAMETER_NAMES, CELLS)
def test_case(benchmark: BenchmarkFixture, layer: str, variant: str, batch: int, context: str, mode: str) -> None:
    """Measure one cell; each of pytest-benchmark's rounds is one window."""
    cell = Cell(layer, variant, batch, context, mode)
    reason = contexts.why_unusable(context)
    if reason:
        pytest.skip(reason)
    sampler = Sampler(cases.prepare(cell).call, SAMPLING)
    benchmark.extra_info.update(cell.parameters, **process.conditions(), dtype=grid.DTYPE, calls=sampler.calls)
    benchmark.pedantic(CLOCK.advance_by_one, args=(sampler,), rounds=SAMPLING.windows)
