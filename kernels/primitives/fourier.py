"""Fourier: the leading coefficients of the discrete Fourier transform of each row, and the adjoint of that.

    y[.., 2k] + i·y[.., 2k+1] = Σ_j x[.., j] · e^(−2πi·jk/n)          for k < kept ≤ n/2 + 1

The adjoint of the kept part is x[.., j] = Re Σ_k (g[.., 2k] + i·g[.., 2k+1]) · e^(+2πi·jk/n), which through an
unnormalised complex-to-real transform means halving every bin that the transform counts twice.
"""

from dataclasses import dataclass

import numpy as np

from ..extent import literal
from .base import Primitive, Value


@dataclass(frozen=True)
class Fourier(Primitive):
    """Rows of ``length`` real numbers to ``kept`` coefficients, real and imaginary parts interleaved."""

    length: int
    kept: int

    def evaluate(self, batch: int, *arrays: np.ndarray) -> np.ndarray:
        """NumPy's rfft, cut and interleaved."""
        coefficients = np.fft.rfft(arrays[0], axis=-1)[..., : self.kept]
        pairs = np.stack([coefficients.real, coefficients.imag], axis=-1)
        return np.asarray(pairs.reshape(*arrays[0].shape[:-1], 2 * self.kept), arrays[0].dtype)

    def gradient(self, value: Value, head: Value) -> list[Value]:
        """The transform is linear: its adjoint."""
        return [fourier_adjoint(head, self.length)]


@dataclass(frozen=True)
class FourierAdjoint(Primitive):
    """The adjoint of ``Fourier`` with the same attributes."""

    length: int
    kept: int

    def evaluate(self, batch: int, *arrays: np.ndarray) -> np.ndarray:
        """The sum in the file's docstring."""
        coefficients = arrays[0][..., 0::2] + 1j * arrays[0][..., 1::2]
        phases = np.outer(np.arange(self.kept), np.arange(self.length)) % self.length * (2j * np.pi / self.length)
        return np.asarray((coefficients @ np.exp(phases)).real, arrays[0].dtype)

    def gradient(self, value: Value, head: Value) -> list[Value]:
        """The adjoint of the adjoint."""
        return [fourier(head, self.kept)]


def fourier(value: Value, kept: int, name: str = "") -> Value:
    """The leading ``kept`` coefficients along the last axis, whose length is fixed."""
    length = value.shape[-1].at(0)
    shape = (*value.shape[:-1], literal(2 * kept))
    return Value(Fourier(length, kept), (value,), shape, value.dtype, name or "coefficients")


def fourier_adjoint(value: Value, length: int) -> Value:
    """The adjoint, back to rows of ``length``."""
    shape = (*value.shape[:-1], literal(length))
    kept = value.shape[-1].at(0) // 2
    return Value(FourierAdjoint(length, kept), (value,), shape, value.dtype, "rows")


def half_basis(length: int, kept: int) -> np.ndarray:
    """The matrix that ``Fourier`` multiplies a row by, float64, shape (length, 2·kept)."""
    phases = np.outer(np.arange(length), np.arange(kept)) % length * (2 * np.pi / length)
    return np.asarray(np.stack([np.cos(phases), -np.sin(phases)], axis=-1).reshape(length, 2 * kept))
