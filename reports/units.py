"""Units: to SI base units on the way in, to a prefix that reads well on the way out."""

import math

# Spellings found in asv's ``unit`` attributes and asv's own documentation, in SI base units.
SPELLINGS = {
    (1.0, "seconds"): ("s", "sec", "second", "seconds"),
    (1e-3, "seconds"): ("ms", "millisecond", "milliseconds"),
    (1e-6, "seconds"): ("us", "µs", "microsecond", "microseconds"),
    (1e-9, "seconds"): ("ns", "nanosecond", "nanoseconds"),
    (1.0, "bytes"): ("B", "byte", "bytes"),
    (1e3, "bytes"): ("kB", "KB", "kilobytes"),
    (1e6, "bytes"): ("MB", "megabytes"),
    (2.0**10, "bytes"): ("KiB", "kibibytes"),
    (2.0**20, "bytes"): ("MiB", "mebibytes"),
}
BASE_UNITS = {spelling: base for base, spellings in SPELLINGS.items() for spelling in spellings}
PREFIXES = {0: "", -3: "m", -6: "µ", -9: "n", -12: "p"}
MISSING = DASH = "\N{EN DASH}"


def base_unit(unit: str) -> tuple[float, str]:
    """Factor and name of the SI base unit of ``unit``; an unknown unit stays what it is."""
    return BASE_UNITS.get(unit, (1.0, unit))


def duration(seconds: float) -> str:
    """``seconds`` with three significant digits and an SI prefix: ``4.10 µs``, ``134 ms``."""
    if not math.isfinite(seconds):
        return MISSING
    if seconds == 0:
        return "0 s"
    rounded = float(f"{seconds:.3g}")
    exponent = min(0, max(-12, 3 * math.floor(math.log10(abs(rounded)) / 3)))
    return f"{significant(rounded / 10.0**exponent)} {PREFIXES[exponent]}s"


def significant(value: float) -> str:
    """``value`` with three significant digits, and never an exponent: ``0.976``, ``12.3``, ``1,230``."""
    if not math.isfinite(value):
        return MISSING
    if value == 0:
        return "0"
    rounded = float(f"{value:.3g}")
    decimals = 2 - math.floor(math.log10(abs(rounded)))
    return f"{rounded:,.{max(0, decimals)}f}"


def ratio(value: float) -> str:
    """``value`` as a ratio around 1, which needs no third digit below it: ``0.98``, ``1.02``, ``12.3``, ``135``."""
    return f"{value:.2f}" if 0.1 <= value < 1 else significant(value)


def times(value: float) -> str:
    """A ratio as a factor, a multiplication sign behind it."""
    return f"{ratio(value)}\N{MULTIPLICATION SIGN}"


def between(lower: float, upper: float) -> str:
    """An interval of ratios in brackets, a dash between its bounds."""
    return f"[{ratio(lower)}{DASH}{ratio(upper)}]"
