"""Dtypes: which ones kernels take, in which they compute, and under which names Numba knows them."""

from collections.abc import Iterable

FLOATS = ("float16", "float32", "float64")
WHOLE = ("int8", "uint8", "int32", "int64", "bool")
DTYPES = (*FLOATS, *WHOLE)

# In Numba's words, where they are not NumPy's.
ELEMENTS = {"bool": "bool_", "float16": "uint16"}  # Numba has no half precision on CPUs: its bits, see emit/half.py


def computed_in(dtype: str) -> str:
    """The dtype that arithmetic on arrays of ``dtype`` is done in."""
    return "float32" if dtype == "float16" else dtype


def element(dtype: str) -> str:
    """The dtype's name in generated code."""
    return ELEMENTS.get(dtype, dtype)


def main_float(dtypes: Iterable[str]) -> str:
    """What most of a program computes in: the first float among ``dtypes``, float32 if there is none."""
    return next((computed_in(dtype) for dtype in dtypes if dtype in FLOATS), "float32")


def listed(dtypes: Iterable[str]) -> str:
    """Dtypes as part of a sentence."""
    *most, last = dtypes
    return f"{', '.join(most)} or {last}"
