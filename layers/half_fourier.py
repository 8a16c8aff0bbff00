"""HalfFourier: exercise 3, the leading half of each row's Fourier coefficients."""

from collections.abc import Mapping
from functools import partial

import numpy
from mxnet import init, nd
from mxnet.gluon import nn
from numpy.typing import NDArray

from ._subject import Array, Input, Pullback, Subject


class HalfFourier(nn.Block):
    """The leading ⌈d/2⌉ Fourier coefficients of each row: Y_k = Σ_j x_j exp(-2πi jk/d).

    Shapes (n batch, d in_units, c = ⌈d/2⌉ coefficients): x (n, d) -> y (n, 2c), real and imaginary parts
    interleaved on the last axis as MXNet's ``contrib.fft`` does; that operator exists on GPUs only, so this is a
    product with the basis of ``fourier_basis``.
    Parameters: none to learn; basis (d, 2c) is a constant.
    Source: Dive into Deep Learning / MXNet, Custom Layers, exercise 3.
    """

    def __init__(self, in_units: int, **kwargs: object) -> None:
        super().__init__(**kwargs)
        with self.name_scope():
            self.basis = self.params.get_constant("basis", fourier_basis(in_units).astype("float32"))

    def forward(self, x: nd.NDArray) -> nd.NDArray:
        """The coefficients of ``x``; see the class for shapes."""
        return nd.dot(x, self.basis.data(x.context))

    def cast(self, dtype: object) -> None:
        """Use another data type, with the basis rounded to it from float64, not from the type it had."""
        super().cast(dtype)
        basis = nd.array(fourier_basis(self.basis.shape[0]), dtype=dtype)
        self.basis.init = init.Constant(basis)  # for an initialisation still to come
        if self.basis._data is not None:
            self.basis.set_data(basis)


def fourier_basis(in_units: int) -> Array:
    """The cosines (even columns) and negated sines (odd columns) of 2π jk/d: float64, shape (d, 2⌈d/2⌉)."""
    rows, coefficients = numpy.ogrid[:in_units, : (in_units + 1) // 2]
    turns = rows * coefficients
    quarter_later = 4 * turns + in_units  # -sin φ = cos(φ + π/2), in quarters of 1/d turn
    parts = _cosine(turns, in_units), _cosine(quarter_later, 4 * in_units)
    return numpy.stack(parts, axis=-1).reshape(in_units, -1)


def _cosine(numerator: NDArray[numpy.int64], denominator: int) -> Array:
    """The cosine of numerator/denominator turns: float64, correct to its last bit, quarter turns exactly 0 and ±1."""
    part = numerator % denominator
    part = numpy.minimum(part, denominator - part)  # the cosine is even
    pi = numpy.arccos(numpy.longdouble(-1))
    cosine: Array = numpy.sin(pi * (denominator - 4 * part) / (2 * denominator)).astype("float64")
    return cosine


def reference(x: Array, parameters: Mapping[str, Array]) -> tuple[Array, Pullback]:  # noqa: ARG001
    """HalfFourier by NumPy's fast Fourier transform, so without a basis, and without a gradient for it."""
    rows, in_units = x.shape
    kept = numpy.fft.rfft(x)[:, : (in_units + 1) // 2]

    def pullback(head: Array) -> tuple[Array, dict[str, Array]]:
        real, imaginary = head[:, ::2], head[:, 1::2]
        return in_units * numpy.fft.ifft(real + 1j * imaginary, n=in_units).real, {}

    return numpy.stack([kept.real, kept.imag], axis=-1).reshape(rows, -1), pullback


SUBJECT = Subject(
    name="HalfFourier",
    build=partial(HalfFourier, 256),
    inputs=(Input((256,)),),
    parameters={"basis": (256, 256)},
    reference=reference,
    formula="y_2k + i·y_2k+1 = Σ_j x_j exp(-2πi jk/d), k < ⌈d/2⌉",
    source="Dive into Deep Learning / MXNet, Custom Layers, exercise 3",
)
