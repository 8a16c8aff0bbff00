"""Every variant of every layer against the layer's NumPy reference: output and gradients, both data types."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cache, partial

import numpy as np
import pytest
from mxnet import autograd, gluon, nd

import layers
from benchmarks.agreement import assert_agree
from kernels import VARIANTS, KernelError, build, jit, value_and_gradient
from layers.learned_affine import LearnedAffine
from layers.my_dense import MyDense

AFFINE, DENSE = layers.load("LearnedAffine"), layers.load("MyDense")
SUBJECTS = {name: layers.load(name) for name in layers.names()} | {
    "LearnedAffine-offset-only": replace(AFFINE, build=partial(LearnedAffine, 256), parameters={"beta": (256,)}),
    "LearnedAffine-deferred": replace(AFFINE, build=partial(LearnedAffine, scale=True)),
    "MyDense-deferred": replace(DENSE, build=partial(MyDense, 256)),
}
BATCHES = (1, 2, 3, 17, 256)
DTYPES = ("float32", "float64")

every_subject = pytest.mark.parametrize("name", SUBJECTS)
every_batch = pytest.mark.parametrize("batch", BATCHES)
every_dtype = pytest.mark.parametrize("dtype", DTYPES)


@dataclass(frozen=True)
class Expected:
    """One input and head, and what the reference makes of them."""

    x: nd.NDArray
    head: nd.NDArray
    y: np.ndarray
    gradients: Mapping[str, np.ndarray]  # of the input ("x") and of each parameter
    terms: int


def on_grid(random: np.random.Generator, shape: tuple[int, ...], step: float) -> np.ndarray:
    """Normal numbers rounded to multiples of ``step``.

    Products and sums of such numbers are exact in float32 too, so every variant and the reference are on the same
    side of a rectifier's kink.
    """
    return np.round(random.standard_normal(shape) / step) * step


@cache
def built(name: str, variant: str, dtype: str) -> tuple[gluon.Block, dict[str, np.ndarray]]:
    """The variant, made once for all batch sizes, and the values that its parameters were given."""
    subject = SUBJECTS[name]
    block = subject.build()
    block.initialize()
    block.cast(dtype)
    fast = build(block, variant)
    fast(nd.ones((2, *subject.features), dtype=dtype))
    random = np.random.default_rng(7)
    values = {}
    for key, parameter in block._collect_params_with_prefix().items():
        if not isinstance(parameter, gluon.Constant):
            values[key] = on_grid(random, subject.parameters[key], 1 / 64)
            parameter.set_data(nd.array(values[key], dtype=dtype))
    return fast, values


@cache
def expected(name: str, dtype: str, batch: int) -> Expected:
    """What the reference says for a seeded input; it is off centre, so that a mean cannot go unnoticed."""
    subject = SUBJECTS[name]
    random = np.random.default_rng(batch)
    x = 0.5 + on_grid(random, (batch, *subject.features), 1 / 8)
    _, values = built(name, "imperative", dtype)
    assert subject.reference is not None
    y, pullback = subject.reference(x, values)
    head = on_grid(random, y.shape, 1 / 8)
    dx, gradients = pullback(head)
    terms = max(x.size, *(value.size for value in values.values()), 1)
    return Expected(nd.array(x, dtype=dtype), nd.array(head, dtype=dtype), y, {"x": dx, **gradients}, terms)


def assert_all_agree(
    actual: Mapping[str, nd.NDArray], wanted: Mapping[str, np.ndarray], dtype: str, terms: int
) -> None:
    assert actual.keys() == wanted.keys()
    for key, array in actual.items():
        assert array.dtype == np.dtype(dtype)
        assert_agree(key, array.asnumpy(), wanted[key], terms)


@every_batch
@every_dtype
@every_subject
def test_a_variant_agrees_with_the_reference(name: str, variant: str, dtype: str, batch: int) -> None:
    fast, values = built(name, variant, dtype)
    wanted = expected(name, dtype, batch)
    x = wanted.x.copy()
    x.attach_grad()
    parameters = {key: fast._collect_params_with_prefix()[key] for key in values}
    for gradient in (x.grad, *(parameter.grad() for parameter in parameters.values())):
        gradient[:] = np.nan  # one that is not written shows
    with autograd.record():
        y = fast(x)
    y.backward(wanted.head)
    actual = {"x": x.grad, **{key: parameter.grad() for key, parameter in parameters.items()}}
    assert_all_agree({"y": y, "y again": fast(x)}, {"y": wanted.y, "y again": wanted.y}, dtype, wanted.terms)
    assert_all_agree(actual, wanted.gradients, dtype, wanted.terms)


@every_batch
@every_dtype
@every_subject
def test_the_kernels_without_a_tape_agree_with_the_reference(name: str, dtype: str, batch: int) -> None:
    wanted = expected(name, dtype, batch)
    y, gradients = value_and_gradient(built(name, "numba", dtype)[0], wanted.x, wanted.head)
    assert_all_agree({"y": y}, {"y": wanted.y}, dtype, wanted.terms)
    assert_all_agree(gradients, wanted.gradients, dtype, wanted.terms)


@every_subject
def test_a_wrong_gradient_is_caught(name: str) -> None:
    """Negative control: the tolerances see one element that is off by a thousandth."""
    wanted = expected(name, "float32", 17)
    spoilt = wanted.gradients["x"].copy()
    spoilt[-1, -1] += 1e-3 * max(1.0, np.abs(spoilt).max())
    _, gradients = value_and_gradient(built(name, "numba", "float32")[0], wanted.x, wanted.head)
    with pytest.raises(AssertionError, match="x is off by"):
        assert_agree("x", gradients["x"].asnumpy(), spoilt, wanted.terms)


@pytest.mark.parametrize("called_before", [False, True], ids=["first-call", "later-call"])
@every_subject
def test_an_empty_batch_is_refused(name: str, generated: str, called_before: bool) -> None:
    subject = SUBJECTS[name]
    block = subject.build()
    block.initialize()
    fast = build(block, generated)
    if called_before:
        fast(nd.ones((2, *subject.features)))
    with pytest.raises(KernelError, match=r"^\w+ was given an empty array of shape \(0, \d+\): a batch has at least"):
        fast(nd.array(np.empty((0, *subject.features)))).wait_to_read()


def test_the_table_of_variants_is_complete() -> None:
    assert VARIANTS == ("imperative", "hybridized", "hybridized-static", "numba")


class Mixed(gluon.Block):
    """Two inputs, two outputs, in a tuple."""

    def forward(self, x: nd.NDArray, other: nd.NDArray) -> tuple[nd.NDArray, nd.NDArray]:
        return nd.broadcast_add(x, other), nd.where(x > other, x, other)


class Sum(gluon.Block):
    """Two inputs that broadcast."""

    def forward(self, x: nd.NDArray, other: nd.NDArray) -> nd.NDArray:
        return nd.broadcast_add(x, other)


class Rounded(gluon.Block):
    """A cast inside forward, and a number that has no literal."""

    def forward(self, x: nd.NDArray) -> nd.NDArray:
        return x.astype("int32").astype("float32") * float("inf")


@pytest.mark.parametrize("rows", [(3, 3), (3, 1), (1, 3), (5, 5)], ids=str)
def test_inputs_of_different_batches_after_equal_ones(rows: tuple[int, int]) -> None:
    """A plan for any batch size is for one size at a time."""
    fast, layer = jit(Sum()), Sum()
    fast(nd.ones((4, 2)), nd.ones((4, 2)))
    x, other = (nd.array(np.random.default_rng(seed).normal(size=(count, 2))) for seed, count in enumerate(rows))
    np.testing.assert_allclose(fast(x, other).asnumpy(), layer(x, other).asnumpy())


def test_a_tuple_of_outputs_stays_one() -> None:
    x, other = nd.array([[1.0, 5.0]]), nd.array([[3.0, 2.0]])
    outputs = jit(Mixed())(x, other)
    assert isinstance(outputs, tuple)
    for output, wanted in zip(outputs, Mixed()(x, other), strict=True):
        np.testing.assert_array_equal(output.asnumpy(), wanted.asnumpy())


def test_a_cast_inside_forward_is_kept_by_the_hybridized_variant() -> None:
    x = nd.array([[1.7, -2.3]])
    np.testing.assert_array_equal(build(Rounded(), "hybridized")(x).asnumpy(), Rounded()(x).asnumpy())


class Ghost(gluon.Block):
    """A branch on the batch size that small odd batches do not show."""

    def forward(self, x: nd.NDArray) -> nd.NDArray:
        if x.shape[0] % 8:
            return x * 3
        return x - x.reshape((-1, 8, 4)).mean(axis=1).mean(axis=0)


def test_a_branch_on_the_batch_size_is_followed_at_every_size(generated: str) -> None:
    block, layer = build(Ghost(), generated), Ghost()
    for batch in (64, 13, 64, 3, 8, 13, 16, 5, 64):
        x = nd.array(np.random.default_rng(batch).normal(size=(batch, 4)))
        np.testing.assert_allclose(block(x).asnumpy(), layer(x).asnumpy(), rtol=1e-5, atol=1e-6)


class Scaled(gluon.Block):
    """A Python attribute that forward reads."""

    factor = 1.0

    def forward(self, x: nd.NDArray) -> nd.NDArray:
        return x * self.factor


def test_regenerate_sees_changed_attributes(generated: str) -> None:
    layer, x = Scaled(), nd.ones((3, 4))
    block = build(layer, generated)
    block(x)
    layer.factor = 2.0
    block.regenerate()
    np.testing.assert_array_equal(block(x).asnumpy(), 2 * x.asnumpy())


# Where approximations or regrouped arithmetic lose NaN and infinity, or overflow.
SPECIAL = {
    "an approximate reciprocal": lambda x, y: 1 / nd.sqrt(nd.abs(x)),
    "x - x = 0": lambda x, y: nd.elemwise_sub(x, x),
    "(x + y) - x = y": lambda x, y: (x + y) - x,
    "x / x = 1": lambda x, y: nd.elemwise_div(x, x),
    "x / y * y = x * y / y": lambda x, y: x / y * y,
    "xy + x = x(y + 1)": lambda x, y: x * y + x,
    "exp x exp y = exp(x + y)": lambda x, y: nd.exp(1000 * x) * nd.exp(-1000 * x),
    "a sum without x and -x": lambda x, y: nd.sum(nd.stack(x, -x, axis=2), axis=2),
}


class Special(gluon.Block):
    """All of them, each an output."""

    def forward(self, x: nd.NDArray, y: nd.NDArray) -> list[nd.NDArray]:
        return [case(x, y) for case in SPECIAL.values()]


@every_dtype
def test_nan_and_infinity_keep_their_meaning(dtype: str) -> None:
    large = float(np.finfo(dtype).max) / 10
    numbers = [0.0, 1.0, -2.0, np.inf, -np.inf, np.nan, large, 1 / large]
    x, y = (nd.array(np.array(one).reshape(-1, 1), dtype=dtype) for one in np.meshgrid(numbers, numbers))
    x, y = (nd.reshape(nd.repeat(one, 20, axis=1), (-1, 4)) for one in (x, y))  # longer than a vector
    for case, expected, found in zip(SPECIAL, Special()(x, y), jit(Special())(x, y), strict=True):
        np.testing.assert_allclose(found.asnumpy(), expected.asnumpy(), rtol=1e-6, err_msg=case)
