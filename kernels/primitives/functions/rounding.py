"""Rounding.  The gradient is zero, as in MXNet."""

import numpy as np

from ..map import FUNCTIONS, Function, no_gradient


def _to_nearest_away(a: np.ndarray) -> np.ndarray:
    whole = np.trunc(a)
    return np.where(np.abs(a - whole) >= 0.5, whole + np.sign(a), whole)


def _to_nearest_down(a: np.ndarray) -> np.ndarray:
    return np.where(a - np.floor(a) <= np.ceil(a) - a, np.floor(a), np.ceil(a))


FUNCTIONS.update(
    {
        "floor": Function("np.floor(a)", np.floor, no_gradient),
        "ceiling": Function("np.ceil(a)", np.ceil, no_gradient),
        "truncated": Function("np.trunc(a)", np.trunc, no_gradient),
        # halves away from zero; what has no fraction, infinity among it, is itself
        "rounded": Function(
            "a if np.trunc(a) == a else np.trunc(a) + np.trunc(2 * (a - np.trunc(a)))", _to_nearest_away, no_gradient
        ),
        # halves down
        "nearest": Function(
            "np.floor(a) if a - np.floor(a) <= np.ceil(a) - a else np.ceil(a)", _to_nearest_down, no_gradient
        ),
    }
)
