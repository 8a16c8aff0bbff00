"""Writes measured values of any unit for people."""

import math

import pandas as pd

from reports.units import MISSING, duration, significant

BYTES = ((1e12, "TB"), (1e9, "GB"), (1e6, "MB"), (1e3, "kB"), (1.0, "B"))
SECONDS = ((1.0, "s"), (1e-3, "ms"), (1e-6, "µs"), (1e-9, "ns"))
SCALES = {"seconds": SECONDS, "bytes": BYTES}


def scale(unit: object, typical: float) -> tuple[float, str]:
    """By what values around ``typical`` are to be divided so that they read well, and the unit that they then have."""
    name = "" if unit is None or pd.isna(unit) or unit == "unit" else str(unit)
    steps = SCALES.get(name)
    if steps is None:
        return 1.0, name
    return next((step for step in steps if abs(typical) >= step[0]), steps[-1])


def quantity(value: float, unit: object) -> str:
    """``value`` with three significant digits and its unit."""
    if pd.isna(value) or not math.isfinite(value):
        return MISSING
    if unit == "seconds":
        return duration(value)
    divisor, name = scale(unit, value)
    size = abs(value / divisor)
    digits = significant(value / divisor) if size == 0 or 1e-3 <= size < 1e9 else f"{value / divisor:.3g}"
    return f"{digits} {name}".strip()
