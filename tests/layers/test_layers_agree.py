"""Each layer's imperative definition against its NumPy reference: output and gradients, both data types."""

from collections.abc import Mapping
from dataclasses import replace
from functools import partial

import numpy
import pytest
from mxnet import autograd, gluon, nd

import layers
from layers import Input
from layers.centered_layer import SUBJECT as CENTERED
from layers.centered_layer import reference as centered_layer
from layers.half_fourier import SUBJECT as FOURIER
from layers.half_fourier import HalfFourier
from layers.learned_affine import SUBJECT as AFFINE
from layers.learned_affine import LearnedAffine
from layers.my_dense import SUBJECT as DENSE
from layers.my_dense import MyDense
from layers.tensor_reduction import SUBJECT as TENSOR
from layers.tensor_reduction import TensorReduction

TOLERANCE = {"float32": 1e-5, "float64": 1e-12}  # of the largest value, or of 1 if all are smaller
FOURIER_PARAMETERS = {"basis": (7, 8)}

SUBJECTS = {name: layers.load(name) for name in layers.names()} | {
    "CenteredLayer-rank-1": replace(CENTERED, inputs=(Input(()),)),
    "CenteredLayer-rank-4": replace(CENTERED, inputs=(Input((3, 4, 5)),)),
    "HalfFourier-odd": replace(
        FOURIER, build=partial(HalfFourier, 7), inputs=(Input((7,)),), parameters=FOURIER_PARAMETERS
    ),
    "HalfFourier-1": replace(
        FOURIER, build=partial(HalfFourier, 1), inputs=(Input((1,)),), parameters={"basis": (1, 2)}
    ),
    "LearnedAffine-deferred": replace(AFFINE, build=partial(LearnedAffine, scale=True)),
    "LearnedAffine-offset-only": replace(AFFINE, build=LearnedAffine, parameters={"beta": (256,)}),
    "MyDense-deferred": replace(DENSE, build=partial(MyDense, 256)),
    "TensorReduction-one-unit": replace(
        TENSOR, build=partial(TensorReduction, 1, 3), inputs=(Input((3,)),), parameters={"weight": (3, 3, 1)}
    ),
}


def assert_layer_agrees(subject: layers.Subject, batch: int, dtype: str) -> None:
    random = numpy.random.default_rng(11)
    block = subject.build()
    block.initialize()
    block.cast(dtype)
    structural = block._collect_params_with_prefix()
    learned = [name for name, parameter in structural.items() if not isinstance(parameter, gluon.Constant)]
    values = {name: random.normal(size=subject.parameters[name]).astype(dtype) for name in learned}
    for name, value in values.items():
        structural[name].set_data(nd.array(value, dtype=dtype))
    x = random.normal(size=(batch, *subject.features)).astype(dtype)
    x_array = nd.array(x, dtype=dtype)
    x_array.attach_grad()
    with autograd.record():
        y_array = block(x_array)
    head = random.normal(size=y_array.shape).astype(dtype)
    y_array.backward(nd.array(head, dtype=dtype))

    assert subject.reference is not None
    y, pullback = subject.reference(
        x.astype("float64"), {name: value.astype("float64") for name, value in values.items()}
    )
    dx, gradients = pullback(head.astype("float64"))
    assert {name: parameter.shape for name, parameter in structural.items()} == subject.parameters
    assert set(gradients) == set(learned)
    assert_close(y_array, y, dtype)
    assert_close(x_array.grad, dx, dtype)
    for name in learned:
        assert_close(structural[name].grad(), gradients[name], dtype)


def assert_close(actual: nd.NDArray, expected: numpy.ndarray, dtype: str) -> None:
    assert actual.dtype == numpy.dtype(dtype)
    assert actual.shape == expected.shape
    error = numpy.abs(actual.asnumpy() - expected).max()
    assert error <= TOLERANCE[dtype] * max(1.0, numpy.abs(expected).max())


@pytest.mark.parametrize("dtype", TOLERANCE)
@pytest.mark.parametrize("batch", [1, 2, 3, 17])
@pytest.mark.parametrize("subject", SUBJECTS.values(), ids=SUBJECTS)
def test_layer_agrees_with_its_reference(subject: layers.Subject, batch: int, dtype: str) -> None:
    assert_layer_agrees(subject, batch, dtype)


def _off_by(output: float, gradient: float) -> layers.Reference:
    def reference(x: numpy.ndarray, parameters: Mapping[str, numpy.ndarray]) -> tuple[numpy.ndarray, layers.Pullback]:
        y, pullback = centered_layer(x, parameters)
        return y + output, lambda head: (pullback(head)[0] + gradient, {})

    return reference


@pytest.mark.parametrize("reference", [_off_by(1e-4, 0), _off_by(0, 1e-4)], ids=["output", "gradient"])
@pytest.mark.parametrize("dtype", TOLERANCE)
def test_a_disagreement_is_caught(reference: layers.Reference, dtype: str) -> None:
    with pytest.raises(AssertionError):
        assert_layer_agrees(replace(CENTERED, reference=reference), 3, dtype)
