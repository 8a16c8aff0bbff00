"""Extents and scalars as functions of the batch size.

Everything about a layer is a constant except its batch size, written ``n``.  An axis is therefore affine in ``n``
(``256``, ``n``, ``256*n``), and a number that forward computed from a shape is a constant times one of a few
forms (``1/n``, ``√n`` …).  Both are found by fitting what two traces saw and accepted only when they predict a
third exactly.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass


class FitError(ValueError):
    """Values seen at several batch sizes follow no form in this file."""


@dataclass(frozen=True)
class Extent:
    """The length of an axis, or a place along it: ``slope·n + offset`` for batch size ``n``."""

    slope: int
    offset: int

    @property
    def literal(self) -> bool:
        """Whether the length is the same for every batch size."""
        return self.slope == 0

    def at(self, batch: int) -> int:
        """The length for one batch size."""
        return self.slope * batch + self.offset

    @property
    def never_negative(self) -> bool:
        """Whether this number is at least 0 for every batch size, of which 1 is the smallest."""
        return self.slope >= 0 and self.slope + self.offset >= 0

    def __add__(self, other: "Extent | int") -> "Extent":
        slope, offset = (0, other) if isinstance(other, int) else (other.slope, other.offset)
        return Extent(self.slope + slope, self.offset + offset)

    def __sub__(self, other: "Extent | int") -> "Extent":
        return self + other * -1

    def __mul__(self, factor: int) -> "Extent":
        return Extent(self.slope * factor, self.offset * factor)

    def __str__(self) -> str:
        if self.literal:
            return str(self.offset)
        term = "n" if self.slope == 1 else f"n * {self.slope}"
        return term if self.offset == 0 else f"{term} {'+' if self.offset > 0 else '-'} {abs(self.offset)}"


Shape = tuple[Extent, ...]
BATCH = Extent(1, 0)
ONE = Extent(0, 1)
ZERO = Extent(0, 0)


def literal(length: int) -> Extent:
    """An axis of fixed length."""
    return Extent(0, length)


def volume(shape: Shape) -> Extent:
    """The number of elements of an array.  Raises ``FitError`` if it is not affine in the batch size."""
    product = ONE
    for extent in shape:
        if not (product.literal or extent.literal):
            raise FitError(f"the number of elements of {show(shape)} is not affine in the batch size")
        product = Extent(product.slope * extent.offset + product.offset * extent.slope, product.offset * extent.offset)
    return product


def show(shape: Shape) -> str:
    """A shape as text, such as ``(n, 256)``."""
    inner = ", ".join(map(str, shape))
    return f"({inner},)" if len(shape) == 1 else f"({inner})"


@dataclass(frozen=True)
class Scaled:
    """A number that follows the batch size: ``coefficient`` times the form of that name in ``FORMS``."""

    coefficient: float
    form: str

    def at(self, batch: int) -> float:
        """The number for one batch size."""
        return self.coefficient * FORMS[self.form](batch)

    def __str__(self) -> str:
        return f"{self.coefficient:g}·{self.form}"


FORMS: dict[str, Callable[[int], float]] = {
    "n": float,
    "1/n": lambda n: 1 / n,
    "√n": math.sqrt,
    "1/√n": lambda n: 1 / math.sqrt(n),
    "1/(n-1)": lambda n: 1 / (n - 1),
}

# A quotient of two exactly rounded numbers is off by at most two roundings of 2⁻⁵³; anything further away than
# this is another function of n.
RELATIVE_ROUNDING = 4 * 2.0**-53


def fit_extent(batches: Sequence[int], lengths: Sequence[int]) -> Extent:
    """The affine function through the first two lengths; raises ``FitError`` unless it predicts the others."""
    slope, remainder = divmod(lengths[1] - lengths[0], batches[1] - batches[0])
    fitted = Extent(slope, lengths[0] - slope * batches[0])
    if remainder or any(fitted.at(n) != length for n, length in zip(batches, lengths, strict=True)):
        raise FitError(f"lengths {list(lengths)} at batch sizes {list(batches)} are not affine")
    return fitted


def fit_number(batches: Sequence[int], numbers: Sequence[float]) -> float | Scaled:
    """The constant or scaled form through the first number; raises ``FitError`` unless it predicts the others."""
    if len(set(numbers)) == 1:
        return numbers[0]
    for form, function in FORMS.items():
        fitted = Scaled(numbers[0] / function(batches[0]), form)
        if all(
            math.isclose(fitted.at(n), number, rel_tol=RELATIVE_ROUNDING)
            for n, number in zip(batches, numbers, strict=True)
        ):
            return fitted
    raise FitError(f"numbers {list(numbers)} at batch sizes {list(batches)} follow no known form")
