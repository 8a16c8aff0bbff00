"""Compiles what all kernels share, before a first call needs it."""

import tempfile

from .compile import cache_folder
from .errors import KernelError
from .launch import launch, off_tape, on_tape, straight
from .library import FUNCTIONS, library


def prepare(dtype: str = "float32") -> None:
    """Compile what stands between Python and every kernel, and the products and forms of a dtype, into the cache.

    Takes some seconds, once per machine; what the cache holds is not compiled again.  Without it, the first calls that
    need these parts compile them.  Raises ``KernelError`` if nothing can be compiled, or kept.
    """
    _check_writable()
    for part in (launch, on_tape, straight, off_tape):
        part()
    for function in FUNCTIONS:
        library(function, dtype)


def _check_writable() -> None:
    """Kernels that cannot be kept work for one process; to prepare them is of no use."""
    folder = cache_folder()
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):
            pass
    except OSError as error:
        raise KernelError(
            f"nothing can be kept in {folder} ({error.strerror}): set GLUONMARK_CACHE to a folder that can be written"
        ) from error
