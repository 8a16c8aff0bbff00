"""When two results count as equal: the tolerances, by dtype and by how many terms an element sums."""

import math
from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Tolerance:
    """How far a result may lie from its float64 reference.

    The rounding errors of a sum of n terms add up like a random walk, so the permitted distance is
    ``factor · epsilon(dtype) · √n · scale``, where scale is the largest expected magnitude, and at least 1 because the
    inputs are of that size: an expected 0 may be the difference of two numbers near 1.
    """

    # The seven layers use up to 0.06 of what a factor of 1 permits, in float32 and over all variants and batches.
    factor: float = 2.0

    def distance(self, dtype: np.dtype, terms: int, expected: np.ndarray) -> float:
        """The largest permitted absolute difference: none for whole numbers."""
        if not np.issubdtype(dtype, np.floating):
            return 0.0
        scale = max(1.0, float(np.abs(expected).max(initial=0.0)))
        return self.factor * float(np.finfo(dtype).eps) * math.sqrt(max(1, terms)) * scale


TOLERANCE = Tolerance()


def disagreement(
    name: str, actual: np.ndarray, expected: np.ndarray, terms: int, tolerance: Tolerance = TOLERANCE
) -> str | None:
    """``None`` if ``actual`` agrees with ``expected``, or else what is wrong, in one clause.

    ``terms`` is the length of the longest sum behind an element.  Shapes must be equal; NaN agrees with nothing, and
    infinity with none.
    """
    if actual.shape != expected.shape:
        return f"{name} has shape {actual.shape}, expected {expected.shape}"
    for values, whose in ((expected, "the reference"), (actual, "the variant")):
        if not np.isfinite(values).all():
            return f"{name} is NaN or infinite in {whose}, which agrees with nothing"
    permitted = tolerance.distance(actual.dtype, terms, expected)
    difference = np.abs(actual.astype(np.float64) - expected)
    worst = float(difference.max(initial=0.0))
    if worst <= permitted:
        return None
    return f"{name} is off by {worst:.3g}, permitted {permitted:.3g}"


def assert_agree(name: str, actual: np.ndarray, expected: np.ndarray, terms: int) -> None:
    """Raise ``AssertionError`` with the clause of ``disagreement``, if there is one."""
    reason = disagreement(name, actual, expected, terms)
    assert reason is None, reason
