"""Compiles what all kernels share, before a first call needs it."""

from .launch import launch, off_tape, on_tape, straight
from .library import FUNCTIONS, library


def prepare(dtype: str = "float32") -> None:
    """Compile what stands between Python and every kernel, and the products and forms of a dtype, into the cache.

    Takes some seconds, once per machine; what the cache holds is not compiled again.  Without it, the first calls that
    need these parts compile them.  Raises ``KernelError`` if nothing can be compiled.
    """
    for part in (launch, on_tape, straight, off_tape):
        part()
    for function in FUNCTIONS:
        library(function, dtype)
