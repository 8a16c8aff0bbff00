"""The references themselves, without MXNet's arithmetic: each pullback against central differences."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy
import pytest

import layers
from layers.centered_layer import reference as centered_layer
from layers.dense_centered import reference as dense_centered
from layers.half_fourier import reference as half_fourier
from layers.learned_affine import reference as learned_affine
from layers.my_dense import reference as my_dense
from layers.my_dense_pair import reference as my_dense_pair
from layers.tensor_reduction import reference as tensor_reduction

STEP = 1e-6


@dataclass(frozen=True)
class Case:
    reference: layers.Reference
    x: tuple[int, ...]
    parameters: Mapping[str, tuple[int, ...]]


CASES = {
    "centered-rank-1": Case(centered_layer, (5,), {}),
    "centered-rank-2": Case(centered_layer, (3, 4), {}),
    "centered-rank-3": Case(centered_layer, (2, 3, 4), {}),
    "dense": Case(my_dense, (3, 5), {"weight": (5, 4), "bias": (4,)}),
    "affine": Case(learned_affine, (4, 3), {"beta": (3,)}),
    "affine-one-row": Case(learned_affine, (1, 3), {"beta": (3,)}),
    "affine-scale": Case(learned_affine, (4, 3), {"beta": (3,), "gamma": (3,)}),
    "tensor": Case(tensor_reduction, (3, 4), {"weight": (4, 4, 2)}),
    "fourier-1": Case(half_fourier, (3, 1), {}),
    "fourier-even": Case(half_fourier, (3, 8), {}),
    "fourier-odd": Case(half_fourier, (3, 7), {}),
    "dense-centered": Case(dense_centered, (3, 5), {"0.weight": (4, 5), "0.bias": (4,)}),
    "dense-pair": Case(my_dense_pair, (6, 5), {"0.weight": (5, 4), "0.bias": (4,), "1.weight": (4, 2), "1.bias": (2,)}),
}


def assert_pullback_is_the_slope(case: Case) -> None:
    """Along random directions through all inputs at once: <head, y(+) - y(-)> / 2h = <gradients, direction>."""
    random = numpy.random.default_rng(7)
    shapes = {"x": case.x, **case.parameters}
    point = {name: random.normal(size=shape) for name, shape in shapes.items()}
    y, pullback = _at(case, point)
    head = random.normal(size=y.shape)
    dx, gradients = pullback(head)
    gradients = {"x": dx, **gradients}
    assert {name: gradient.shape for name, gradient in gradients.items()} == shapes
    for _ in range(5):
        direction = {name: random.normal(size=shape) for name, shape in shapes.items()}
        (above, pull_above), (below, pull_below) = (
            _at(case, {name: point[name] + sign * STEP * direction[name] for name in shapes}) for sign in (1, -1)
        )
        # A rectifier that switches between the two points makes the gradient jump: no slope to compare with there.
        assert numpy.abs(pull_above(head)[0] - pull_below(head)[0]).max() < 1e3 * STEP
        slope = (head * (above - below)).sum() / (2 * STEP)
        expected = sum((gradients[name] * direction[name]).sum() for name in shapes)
        assert slope == pytest.approx(expected, rel=1e-7, abs=1e-7)


def _at(case: Case, point: dict[str, numpy.ndarray]) -> tuple[numpy.ndarray, layers.Pullback]:
    return case.reference(point["x"], {name: value for name, value in point.items() if name != "x"})


@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
def test_pullback_is_the_slope_of_the_reference(case: Case) -> None:
    assert_pullback_is_the_slope(case)


def _spoiled(spoil: Callable[[numpy.ndarray], numpy.ndarray]) -> layers.Reference:
    def reference(x: numpy.ndarray, parameters: Mapping[str, numpy.ndarray]) -> tuple[numpy.ndarray, layers.Pullback]:
        y, pullback = centered_layer(x, parameters)
        return y, lambda head: (spoil(pullback(head)[0]), {})

    return reference


@pytest.mark.parametrize("spoil", [lambda dx: dx * 1.0001, lambda dx: dx + 1e-4, lambda dx: dx[:1]])
def test_a_wrong_pullback_is_caught(spoil: Callable[[numpy.ndarray], numpy.ndarray]) -> None:
    with pytest.raises(AssertionError):
        assert_pullback_is_the_slope(Case(_spoiled(spoil), (3, 4), {}))
