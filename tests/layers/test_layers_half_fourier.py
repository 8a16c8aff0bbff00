"""The Fourier basis: exact in every data type, whenever the layer is cast."""

import numpy
import pytest
from mxnet import cpu, gluon, nd

from layers.half_fourier import HalfFourier, fourier_basis

DTYPES = ("float16", "float32", "float64")


@pytest.mark.parametrize("in_units", [1, 2, 3, 4, 7, 8, 255, 256])
def test_the_basis_is_the_transform_of_the_unit_vectors(in_units: int) -> None:
    transform = numpy.fft.fft(numpy.eye(in_units))[:, : (in_units + 1) // 2]
    basis = fourier_basis(in_units)
    assert basis.shape == (in_units, 2 * ((in_units + 1) // 2))
    assert basis.dtype == numpy.float64
    numpy.testing.assert_allclose(basis[:, ::2], transform.real, rtol=0, atol=1e-15)
    numpy.testing.assert_allclose(basis[:, 1::2], transform.imag, rtol=0, atol=1e-15)


def test_quarter_turns_are_exact() -> None:
    numpy.testing.assert_array_equal(fourier_basis(4), [[1, 0, 1, 0], [1, 0, 0, -1], [1, 0, -1, 0], [1, 0, 0, 1]])


def test_every_entry_repeats_exactly_wherever_its_angle_does() -> None:
    basis = fourier_basis(256)
    turns = numpy.outer(numpy.arange(256), numpy.arange(128)) % 256
    for column_parity in (0, 1):
        by_angle: dict[int, float] = {}
        for turn, entry in zip(turns.ravel(), basis[:, column_parity::2].ravel(), strict=True):
            assert by_angle.setdefault(turn, entry) == entry


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("through", [(), *((other,) for other in DTYPES)], ids=lambda through: "-".join(through))
@pytest.mark.parametrize("cast_first", [True, False])
def test_a_cast_basis_is_rounded_once(dtype: str, through: tuple[str, ...], cast_first: bool) -> None:
    net, contexts = HalfFourier(256), [cpu(0), cpu(1)]
    if not cast_first:
        net.initialize(ctx=contexts)
    for step in (*through, dtype):
        net.cast(step)
    if cast_first:
        net.initialize(ctx=contexts)
    for context in contexts:
        basis = net.basis.data(context)
        assert basis.dtype == numpy.dtype(dtype)
        numpy.testing.assert_array_equal(basis.asnumpy(), fourier_basis(256).astype(dtype))


def test_the_basis_is_a_constant_and_shareable_after_a_cast() -> None:
    net = HalfFourier(8)
    net.cast("float64")
    shared = HalfFourier(8, params=net.params)
    net.initialize()
    assert isinstance(net.basis, gluon.Constant)
    assert shared.basis is net.basis
    y = shared(nd.array([[1, 0, 0, 0, 0, 0, 0, 0]], dtype="float64"))
    numpy.testing.assert_array_equal(y.asnumpy(), [[1, 0, 1, 0, 1, 0, 1, 0]])
