"""Names in generated source: identifiers that mean nothing else there."""

import builtins
import keyword
import re
import unicodedata
from collections.abc import Container

# What generated modules import from ``math``; ``gamma`` is called as ``math.gamma``, since parameters are named so.
MATHEMATICS = (
    "acos", "acosh", "asin", "asinh", "atan", "atanh", "cos", "cosh", "erf", "exp", "expm1", "hypot", "inf", "lgamma",
    "log", "log10", "log1p", "nan", "sin", "sinh", "sqrt", "tan", "tanh",
)  # fmt: skip

# What generated modules import or define besides, and the local names of printed loops.
MODULE_NAMES = {
    "np", "math", "carray", "cfunc", "njit", "types", "float32", "float64", "complex64", "complex128", "int8", "uint8",
    "int32", "int64", "uint16", "bool_", "half", "single", "plus", "r2c", "c2r", "OPTIONS", "APART", "ENTRY", "zero",
    "one", "data", "requests", "in_chunks", "first", "last", "part", "block", "stop",
    "forward", "forward_recorded", "backward", "row", "start", "pair", "slope", "spectrum", "F", "self",
}  # fmt: skip
RESERVED = MODULE_NAMES | set(MATHEMATICS) | set(keyword.kwlist) | set(dir(builtins))

# Loops run over single letters up to s; n is the batch size.  The rest are made from other names.
RESERVED_PATTERN = re.compile(r"[a-sA-Z]|(want|d|enter|row|p)_.*|.*_(here|flat|parts?)|.*_of_(forward|backward).*|_.*")


def fresh(stem: str, taken: Container[str]) -> str:
    """``stem`` as a name of its own: another one where it is reserved, no identifier, or in ``taken``."""
    stem = _letters(stem)
    if stem in RESERVED or RESERVED_PATTERN.fullmatch(stem) or not stem.isidentifier():
        stem = f"{stem.strip('_')}_value" if stem.strip("_").isidentifier() else "value"
    return unique(stem, taken)


def block_name(block: object) -> str:
    """The class of a Block, as a part of class names and file names."""
    return _letters(type(block).__name__)


def _letters(text: str) -> str:
    """``text`` as Python reads it in source, where ª is a and ﬁ is fi, with nothing that an identifier cannot have."""
    normal = unicodedata.normalize("NFKC", text)
    return "".join(letter if f"a{letter}".isidentifier() else "_" for letter in normal)


def unique(name: str, taken: Container[str]) -> str:
    """``name``, with a number if it is in ``taken``."""
    candidate, count = name, 2
    while candidate in taken:
        candidate, count = f"{name}_{count}", count + 1
    return candidate
