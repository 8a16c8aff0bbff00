"""Extents and numbers as functions of the batch size: what is fitted, what is refused, how it is printed."""

import math

import pytest

from kernels.extent import BATCH, FORMS, ONE, Extent, FitError, Scaled, fit_extent, fit_number, literal, show, volume
from kernels.operators.numbers import number_value
from kernels.oracle import evaluate

BATCHES = (3, 5, 7)

AFFINE = [
    ((256, 256, 256), Extent(0, 256)),
    ((3, 5, 7), BATCH),
    ((12, 20, 28), Extent(4, 0)),
    ((2, 4, 6), Extent(1, -1)),
    ((7, 11, 15), Extent(2, 1)),
    ((7, 5, 3), Extent(-1, 10)),
]


@pytest.mark.parametrize(("lengths", "extent"), AFFINE)
def test_lengths_that_follow_the_batch_size_are_fitted(lengths: tuple[int, ...], extent: Extent) -> None:
    assert fit_extent(BATCHES, lengths) == extent
    assert tuple(extent.at(batch) for batch in BATCHES) == lengths


@pytest.mark.parametrize("lengths", [(9, 25, 49), (3, 5, 8), (1, 2, 3), (3, 4, 5), (8, 8, 9)])
def test_lengths_that_are_not_affine_are_refused(lengths: tuple[int, ...]) -> None:
    with pytest.raises(FitError, match=r"lengths \[.*\] at batch sizes \[3, 5, 7\] are not affine"):
        fit_extent(BATCHES, lengths)


NUMBERS = [
    (lambda n: 0.1, 0.1),
    (lambda n: float(n), Scaled(1.0, "n")),
    (lambda n: 256.0 * n, Scaled(256.0, "n")),
    (lambda n: 1 / n, Scaled(1.0, "1/n")),
    (lambda n: 0.1 / n, Scaled(0.1, "1/n")),
    (lambda n: 1 / (256 * n), Scaled(1 / 256, "1/n")),
    (lambda n: math.sqrt(n), Scaled(1.0, "√n")),
    (lambda n: n**0.5 * 3, Scaled(3.0, "√n")),
    (lambda n: n**-0.5, Scaled(1.0, "1/√n")),
    (lambda n: 1 / math.sqrt(n), Scaled(1.0, "1/√n")),
    (lambda n: 1 / (n - 1), Scaled(1.0, "1/(n-1)")),
    (lambda n: -2 / (n - 1), Scaled(-2.0, "1/(n-1)")),
]


@pytest.mark.parametrize(("function", "fitted"), NUMBERS)
def test_numbers_computed_from_the_batch_size_are_fitted(function, fitted: float | Scaled) -> None:
    found = fit_number(BATCHES, [function(n) for n in BATCHES])
    if isinstance(fitted, Scaled):
        assert isinstance(found, Scaled)
        assert found.form == fitted.form
        assert found.coefficient == pytest.approx(fitted.coefficient, rel=1e-15)
        assert found.at(1021) == pytest.approx(function(1021), rel=1e-15)
    else:
        assert found == fitted


@pytest.mark.parametrize(
    "function",
    [
        lambda n: float(n) ** 2,
        lambda n: n + 1.0,
        lambda n: math.log(n),
        lambda n: 1 / (n + 1),
        lambda n: (1 + 1e-14) / n if n == 7 else 1 / n,  # nearly right is another function
    ],
)
def test_numbers_of_no_known_form_are_refused(function) -> None:
    with pytest.raises(FitError, match=r"numbers \[.*\] at batch sizes \[3, 5, 7\] follow no known form"):
        fit_number(BATCHES, [function(n) for n in BATCHES])


@pytest.mark.parametrize("form", FORMS)
def test_a_kernel_computes_a_number_of_every_form(form: str) -> None:
    number = Scaled(1.5, form)
    for batch in (2, 3, 17):
        (found,) = evaluate([number_value(number, "float64")], {}, batch)
        assert found == pytest.approx(number.at(batch), rel=1e-15)


@pytest.mark.parametrize("extent", [ONE, BATCH, literal(4), Extent(2, -1)])
def test_a_kernel_computes_an_extent(extent: Extent) -> None:
    assert evaluate([number_value(extent, "float64")], {}, 3) == [extent.at(3)]


VOLUMES = [
    ((), ONE),
    ((literal(3), literal(4)), literal(12)),
    ((BATCH, literal(4)), Extent(4, 0)),
    ((literal(2), Extent(1, -1), literal(3)), Extent(6, -6)),
    ((literal(0), BATCH), Extent(0, 0)),
]


@pytest.mark.parametrize(("shape", "elements"), VOLUMES)
def test_volume(shape: tuple[Extent, ...], elements: Extent) -> None:
    assert volume(shape) == elements
    for batch in (1, 2, 17):
        assert volume(shape).at(batch) == math.prod(extent.at(batch) for extent in shape)


def test_a_volume_that_is_not_affine_is_refused() -> None:
    with pytest.raises(FitError, match=r"the number of elements of \(n, n\) is not affine in the batch size"):
        volume((BATCH, BATCH))


PRINTED = [
    (literal(256), "256"),
    (BATCH, "n"),
    (Extent(4, 0), "n * 4"),
    (Extent(1, 2), "n + 2"),
    (Extent(2, -1), "n * 2 - 1"),
    (Extent(-1, 0), "n * -1"),
    (Scaled(0.5, "1/n"), "0.5·1/n"),
    (Scaled(256.0, "n"), "256·n"),
]


@pytest.mark.parametrize(("value", "text"), PRINTED)
def test_printing(value: Extent | Scaled, text: str) -> None:
    assert str(value) == text
    if isinstance(value, Extent):  # what is printed is Python for the same number
        assert [eval(text, {"n": n}) for n in (1, 2, 17)] == [value.at(n) for n in (1, 2, 17)]


@pytest.mark.parametrize(
    ("shape", "text"),
    [((), "()"), ((BATCH,), "(n,)"), ((BATCH, literal(256)), "(n, 256)"), ((ONE, Extent(2, 0)), "(1, n * 2)")],
)
def test_shapes_are_printed_as_tuples(shape: tuple[Extent, ...], text: str) -> None:
    assert show(shape) == text
