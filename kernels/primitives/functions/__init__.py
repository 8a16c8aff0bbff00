"""The scalar functions of ``Map``, one theme to a file: each file enters its rows into ``FUNCTIONS``.

Where a function is not differentiable, at NaN and at infinity, meaning and gradient are those of MXNet's operators.
"""

from . import arithmetic, choices, exponentials, rounding, trigonometry

__all__ = ["arithmetic", "choices", "exponentials", "rounding", "trigonometry"]
