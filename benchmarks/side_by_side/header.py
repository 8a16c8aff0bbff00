"""The first line of a record: what was compared, where, and under which conditions."""

import os
import platform
import re
import sys
from datetime import datetime, timezone
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from benchmarks.side_by_side.conditions import PROCESSORS
from benchmarks.side_by_side.plan import Plan
from benchmarks.side_by_side.record import SCHEMA
from benchmarks.side_by_side.sides import Cases, Side

LIBRARIES = ("mxnet", "numpy", "numba", "scipy", "rocket-fft")


def header(plan: Plan, base: Side, head: Side, cases: Cases) -> dict[str, Any]:
    """Everything that is known before the first process starts."""
    return {
        "schema": SCHEMA,
        "date": datetime.now(timezone.utc).isoformat(),
        "base": base.about,
        "head": head.about,
        "threshold": plan.threshold,
        "budget": plan.budget,
        "seed": plan.seed,
        "threads": plan.threads,
        "engine": plan.engine,
        "samples": plan.pace.samples,
        "window": plan.pace.sampling.window,
        "cases": [cell.id for cell in cases.common],
        "plants": {case: vars(plant) for case, plant in plan.plants.items()},
        "machine": platform.node(),
        "system": system(),
        "versions": versions(),
    }


def system() -> dict[str, Any]:
    """The computer, as its system describes it."""
    try:
        models = re.findall(r"^model name\s*:\s*(.+)$", PROCESSORS.read_text(), re.MULTILINE)
    except OSError:
        models = []
    return {
        "name": platform.platform(),
        "processor": models[0] if models else platform.processor(),
        "processors": len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count(),
        "memory": os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE"),
        "container": Path("/.dockerenv").exists(),
    }


def versions() -> dict[str, str]:
    """Of Python and of the libraries that decide about times."""
    found = {"python": ".".join(map(str, sys.version_info[:3]))}
    for name in LIBRARIES:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            found[name] = "not installed"
    return found
