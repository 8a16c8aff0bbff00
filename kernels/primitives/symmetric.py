"""Pairs and Fold: a bilinear form of a vector with itself, at half the work.

Of Σ_ij W[i, j, k]·x[i]·x[j] only W[i, j, k] + W[j, i, k] matters.  ``Pairs`` makes the products x[i]·x[j] with
i ≤ j, ``Fold`` the sums of weights that go with them, and the form becomes a plain matrix product of the two.
Pair (i, j) has the number i·m − i·(i − 1)/2 + j − i: rows of the upper triangle, one after the other.
"""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from ..extent import literal
from .base import Primitive, Value


def pair_count(width: int) -> int:
    """The number of pairs i ≤ j below ``width``."""
    return width * (width + 1) // 2


@dataclass(frozen=True)
class Pairs(Primitive):
    """x (m, ..) → products (m·(m+1)/2, ..).  The pair comes first, so that loops over them run along the batch."""

    width: int
    recomputed: ClassVar[bool] = True

    def evaluate(self, batch: int, *arrays: np.ndarray) -> np.ndarray:
        """Products over the upper triangle."""
        rows, columns = np.triu_indices(self.width)
        return np.asarray(arrays[0][rows] * arrays[0][columns])

    def gradient(self, value: Value, head: Value) -> list[Value]:
        """x[j] to i and x[i] to j, for every pair."""
        x = value.inputs[0]
        return [Value(PairsGradient(self.width), (head, x), x.shape, x.dtype, f"d_{x.name or 'x'}")]


@dataclass(frozen=True)
class PairsGradient(Primitive):
    """(gradient of products, x) → gradient of x: each pair gives head·x[j] to i and head·x[i] to j."""

    width: int

    def evaluate(self, batch: int, *arrays: np.ndarray) -> np.ndarray:
        """The head as a symmetric matrix, its diagonal doubled, times x."""
        head, x = arrays
        rows, columns = np.triu_indices(self.width)
        square = np.zeros((self.width, *x.shape), x.dtype)
        square[rows, columns] += head
        square[columns, rows] += head
        return np.asarray(np.einsum("ij...,j...->i...", square, x))


@dataclass(frozen=True)
class Fold(Primitive):
    """W (m, m, ..) → sums (m·(m+1)/2, ..): W[i, j] + W[j, i] above the diagonal, W[i, i] on it."""

    width: int
    recomputed: ClassVar[bool] = True

    def evaluate(self, batch: int, *arrays: np.ndarray) -> np.ndarray:
        """Sums over the upper triangle."""
        rows, columns = np.triu_indices(self.width)
        once = arrays[0][columns, rows].copy()
        once[rows == columns] = 0
        return np.asarray(arrays[0][rows, columns] + once)

    def gradient(self, value: Value, head: Value) -> list[Value]:
        """Every pair's head to both places that it was folded from."""
        weight = value.inputs[0]
        return [Value(Unfold(self.width), (head,), weight.shape, weight.dtype, f"d_{weight.name}")]


@dataclass(frozen=True)
class Unfold(Primitive):
    """sums (m·(m+1)/2, ..) → W (m, m, ..), symmetric: the adjoint of ``Fold``."""

    width: int

    def evaluate(self, batch: int, *arrays: np.ndarray) -> np.ndarray:
        """The upper triangle, mirrored."""
        rows, columns = np.triu_indices(self.width)
        square = np.empty((self.width, self.width, *arrays[0].shape[1:]), arrays[0].dtype)
        square[rows, columns] = arrays[0]
        square[columns, rows] = arrays[0]
        return square

    def gradient(self, value: Value, head: Value) -> list[Value]:
        """The adjoint: sums of both places, the diagonal once."""
        return [fold(head)]


def pairs(x: Value) -> Value:
    """Products of every pair of elements along the first axis, whose length is fixed."""
    width = x.shape[0].at(0)
    return Value(Pairs(width), (x,), (literal(pair_count(width)), *x.shape[1:]), x.dtype, "products")


def fold(weight: Value) -> Value:
    """Sums of both triangles over the first two axes, which are equally long."""
    width = weight.shape[0].at(0)
    return Value(Fold(width), (weight,), (literal(pair_count(width)), *weight.shape[2:]), weight.dtype, "folded")
