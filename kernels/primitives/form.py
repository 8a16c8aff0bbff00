"""Form: a bilinear form of each row with itself, which takes half the work of a form of two vectors.

Of Σ_ij W[i, j, u]·x[i]·x[j] only W[i, j, u] + W[j, i, u] matters: how that is used stands in kernels/forms.py.
"""

from dataclasses import dataclass

import numpy as np

from .base import Primitive, Value


@dataclass(frozen=True)
class Form(Primitive):
    """x (n, m), weight (m, m, u) → Σ_ij x[:, i]·x[:, j]·weight[i, j] (n, u)."""

    def evaluate(self, batch: int, *arrays: np.ndarray) -> np.ndarray:
        """NumPy's einsum."""
        x, weight = arrays
        return np.asarray(np.einsum("ni,iju,nj->nu", x, weight, x, optimize=True))

    def gradient(self, value: Value, head: Value) -> list[Value]:
        """To both places where x stands at once, and to the weight."""
        x, weight = value.inputs
        return [
            Value(FormGradient(), (head, x, weight), x.shape, x.dtype, f"d_{x.name or 'x'}"),
            Value(FormWeights(), (head, x), weight.shape, weight.dtype, f"d_{weight.name or 'weight'}"),
        ]


@dataclass(frozen=True)
class FormGradient(Primitive):
    """head (n, u), x (n, m), weight (m, m, u) → Σ_j x[:, j]·(head · (weight[i, j] + weight[j, i])) (n, m)."""

    def evaluate(self, batch: int, *arrays: np.ndarray) -> np.ndarray:
        """NumPy's einsum."""
        head, x, weight = arrays
        both = weight + weight.transpose(1, 0, 2)
        return np.asarray(np.einsum("nu,iju,nj->ni", head, both, x, optimize=True))


@dataclass(frozen=True)
class FormWeights(Primitive):
    """head (n, u), x (n, m) → Σ_n x[n, i]·x[n, j]·head[n] (m, m, u), which is symmetric."""

    def evaluate(self, batch: int, *arrays: np.ndarray) -> np.ndarray:
        """NumPy's einsum."""
        head, x = arrays
        return np.asarray(np.einsum("ni,nj,nu->iju", x, x, head, optimize=True))


def form(x: Value, weight: Value, name: str) -> Value:
    """The form of each row of x (n, m) with itself."""
    return Value(Form(), (x, weight), (x.shape[0], weight.shape[2]), x.dtype, name)
