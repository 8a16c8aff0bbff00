"""The primitives, one to a file: NumPy meaning, gradient and constructors.

Adding one means adding a file here and, in ``emit/``, the loop that it is printed as.
"""

from . import functions

__all__ = ["functions"]
