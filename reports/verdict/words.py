"""Ratios of two commits in words: per cent around 1, factors far from it."""

import math

from reports.units import times

FACTOR = 2.0  # from here on, and below 1 ÷ this, a factor reads better than per cent


def change(ratio: float) -> str:
    """``5.1 % slower``, ``0.4 % faster``, ``3.20× as long``; nothing for no figure."""
    if not math.isfinite(ratio):
        return ""
    if not 1 / FACTOR < ratio < FACTOR:
        return f"{times(ratio)} as long"
    per_cent = 100 * (ratio - 1)
    return "0.0 %" if abs(per_cent) < 0.05 else f"{abs(per_cent):.1f} % {'slower' if per_cent > 0 else 'faster'}"


def between(lower: float, upper: float) -> str:
    """An interval of ratios: ``+4.2 to +6.0 %``; nothing where it is not bounded."""
    if not (0 < lower < math.inf and 0 < upper < math.inf):
        return ""
    if upper >= FACTOR or lower <= 1 / FACTOR:
        return f"{times(lower)} to {times(upper)}"
    return f"{100 * (lower - 1):+.1f} to {100 * (upper - 1):+.1f} %"


def share(value: float) -> str:
    """A share as per cent, in as few digits as it has: ``3 %``, ``2.5 %``."""
    return f"{100 * value:.3g} %"
