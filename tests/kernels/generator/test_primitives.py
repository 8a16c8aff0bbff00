"""Each primitive's gradient rule, by central differences and by the adjoint identity, on its NumPy meaning; its
printed code against that meaning."""

import itertools
import math
import operator
from collections.abc import Callable, Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest
import scipy.fft
import scipy.special
from fuzz.kernels_in_python import everything_shared, in_chunks

from kernels import forms
from kernels.emit.kernel import print_kernel
from kernels.extent import BATCH, ONE, Extent, Shape, literal
from kernels.fuse import schedule
from kernels.gradient import gradients
from kernels.matmul import matmul
from kernels.names import MATHEMATICS
from kernels.oracle import evaluate
from kernels.primitives.alignment import Alignments, AlignmentsGradient, alignments
from kernels.primitives.base import Primitive, Value, concrete, leaf
from kernels.primitives.concat import concat
from kernels.primitives.contract import contract
from kernels.primitives.cumulate import cumulate
from kernels.primitives.form import form
from kernels.primitives.fourier import Fourier, FourierAdjoint, fourier, fourier_adjoint, half_basis
from kernels.primitives.functions.special import inverse_error
from kernels.primitives.gather import ScatterAdd, gather
from kernels.primitives.iota import positions
from kernels.primitives.literal import literal as number
from kernels.primitives.literal import size
from kernels.primitives.map import FUNCTIONS, apply, times
from kernels.primitives.own_gradient import settled, with_gradient, without_gradient
from kernels.primitives.reduce import COMBINATIONS, reduce
from kernels.primitives.reshape import Reshape, reshape
from kernels.primitives.slice import Slice, flip, pad, part, part_along
from kernels.primitives.view import View, broadcast, spread, transpose, view, with_unit_axes, without_unit_axes
from kernels.procedure import Procedure

N = 3  # the batch size of every check
STEP = 1e-6  # of central differences: their error is STEP² plus rounding / STEP, both about 1e-10
DIFFERENCE_TOLERANCE = 1e-7
ROUNDING = 1e-13


def shape(*extents: int | Extent) -> Shape:
    return tuple(extent if isinstance(extent, Extent) else literal(extent) for extent in extents)


def arrays_for(shapes: Sequence[Shape], low: float, high: float) -> list[np.ndarray]:
    """Different numbers in (low, high), whether of one array or of several: ties are kinks."""
    counts = [int(np.prod(concrete(extents, N))) for extents in shapes]
    mixed = np.random.default_rng(5).permutation(np.linspace(low, high, sum(counts) + 2)[1:-1])
    parts = np.split(mixed, np.cumsum(counts)[:-1])
    return [part.reshape(concrete(extents, N)) for part, extents in zip(parts, shapes, strict=True)]


@dataclass(frozen=True)
class Case:
    """``build`` applied to float64 leaves of these shapes; ``low`` and ``high`` bound their numbers."""

    build: Callable[..., Value]
    shapes: tuple[Shape, ...]
    linear: bool = False  # in each input, with the others fixed
    low: float = -2.0
    high: float = 2.1
    constant: tuple[int, ...] = ()  # inputs that have no gradient

    def leaves(self) -> list[Value]:
        return [leaf(f"x{place}", extents, "float64") for place, extents in enumerate(self.shapes)]


def begins(*places: int | Extent) -> tuple[Extent, ...]:
    return shape(*places)


# Where a function is defined and smooth, if not everywhere.
DOMAINS = {
    **dict.fromkeys(
        ("log", "binary_log", "decimal_log", "power", "square_root", "reciprocal_square_root", "cube_root",
         "reciprocal_cube_root", "reciprocal", "gamma_function", "log_gamma", "remainder"), (0.3, 2.1),
    ),
    **dict.fromkeys(
        ("arc_sine", "arc_cosine", "inverse_hyperbolic_tangent", "log_of_one_more", "tangent"), (-0.9, 0.9)
    ),
    "inverse_hyperbolic_cosine": (1.2, 3.0), "smooth_absolute": (0.4, 2.1),
}  # fmt: skip

# Operands without a gradient: conditions, and what operators only give as numbers.
CONSTANT = {"where": (0,), "clip": (1, 2), "exponential_linear": (1,), "smooth_absolute": (1,)}


def elementwise(function: str) -> Case:
    arity = FUNCTIONS[function].meaning.__code__.co_argcount if hasattr(FUNCTIONS[function].meaning, "__code__") else 0
    arity = arity or FUNCTIONS[function].meaning.nin
    low, high = DOMAINS.get(function, (-2.0, 2.1))
    linear = function in {"add", "subtract", "multiply", "negative"}
    return Case(
        lambda *x: apply(function, *x),
        (shape(BATCH, 4),) * arity,
        linear,
        low,
        high,
        CONSTANT.get(function, ()),
    )


def spec(operands: Sequence[str], result: str, **extents: int | Extent) -> Case:
    shapes = tuple(shape(*(extents[letter] for letter in letters)) for letters in operands)
    operands = [letters.replace("n", "m") for letters in operands]  # in printed code n is the batch size
    return Case(lambda *x: contract(operands, result.replace("n", "m"), x), shapes, linear=True)


CASES: dict[str, Case] = {
    **{f"map {name}": elementwise(name) for name in FUNCTIONS},
    "map, a number first": Case(lambda x: apply("divide", number(2.0, "float64"), x), (shape(BATCH, 2),), low=0.3),
    "map, the batch size": Case(
        lambda x: apply("divide", x, size(shape(BATCH, 4), "float64")), (shape(BATCH, 4),), linear=True
    ),
    **{
        f"reduce {name} over {axes}": Case(
            lambda x, name=name, axes=axes: reduce(name, x, axes),
            (shape(BATCH, 2, 4),),
            linear=name == "sum",
        )
        for name in COMBINATIONS
        for axes in [(0,), (2,), (0, 2), (0, 1, 2)]
    },
    "reduce drops unit axes": Case(lambda x: reduce("sum", x, (0, 1)), (shape(1, BATCH, 4),), linear=True),
    "reduce of unit axes only": Case(lambda x: reduce("largest", x, (0, 2)), (shape(1, BATCH, 1),), linear=True),
    "transpose": Case(lambda x: transpose(x, (2, 0, 1)), (shape(BATCH, 2, 4),), linear=True),
    "transpose, there and back": Case(
        lambda x: transpose(apply("multiply", *[transpose(x, (1, 0))] * 2), (1, 0)), (shape(BATCH, 4),)
    ),
    "broadcast of leading axes": Case(lambda x: broadcast(x, shape(BATCH, 2, 4)), (shape(2, 4),), linear=True),
    "broadcast of unit axes": Case(lambda x: broadcast(x, shape(BATCH, 2, 4)), (shape(BATCH, 1, 4),), linear=True),
    "broadcast of everything": Case(lambda x: broadcast(x, shape(BATCH, 4)), (shape(1, 1),), linear=True),
    "spread of a number": Case(lambda x: spread(x, shape(BATCH, 4), ()), (shape(),), linear=True),
    "spread along the middle": Case(lambda x: spread(x, shape(BATCH, 4, 2), (1,)), (shape(4),), linear=True),
    "with unit axes": Case(lambda x: with_unit_axes(x, (0, 2)), (shape(BATCH, 4),), linear=True),
    "without unit axes": Case(lambda x: without_unit_axes(x, (0, 3)), (shape(1, BATCH, 4, 1),), linear=True),
    "view: transposed, dropped, repeated": Case(
        lambda x: view(x, (3, None, 0, 2), shape(4, 2, 5, BATCH)), (shape(BATCH, 1, 4, 5),), linear=True
    ),
    "view of a view": Case(
        lambda x: transpose(broadcast(transpose(x, (1, 0)), shape(2, 4, BATCH)), (2, 0, 1)),
        (shape(BATCH, 4),),
        linear=True,
    ),
    "view of a view that drops what was new": Case(
        lambda x: without_unit_axes(transpose(with_unit_axes(x, (1,)), (2, 1, 0)), (1,)),
        (shape(BATCH, 4),),
        linear=True,
    ),
    "a slice": Case(lambda x: part(x, begins(1, 2), (1, 1), shape(Extent(1, -1), 3)), (shape(BATCH, 6),), linear=True),
    "a slice with steps": Case(lambda x: part(x, begins(0, 1), (2, 3), shape(2, 2)), (shape(BATCH, 6),), linear=True),
    "a slice backwards": Case(
        lambda x: part(x, begins(Extent(1, -1), 5), (-1, -2), shape(BATCH, 3)), (shape(BATCH, 6),), linear=True
    ),
    "a slice of one element": Case(
        lambda x: part(x, begins(Extent(1, -1), 5), (-1, 4), shape(1, 1)), (shape(BATCH, 6),), linear=True
    ),
    "a slice of a slice": Case(
        lambda x: part(part(x, begins(1, 5), (1, -1), shape(2, 6)), begins(1, 1), (-1, 2), shape(2, 2)),
        (shape(BATCH, 6),),
        linear=True,
    ),
    "overlapping slices": Case(
        lambda x: apply("multiply", *(part_along(x, 1, literal(k), literal(4)) for k in (0, 2))), (shape(BATCH, 6),)
    ),
    "flipped": Case(lambda x: flip(x, (0, 2)), (shape(BATCH, 1, 4),), linear=True),
    "a pad": Case(lambda x: pad(x, begins(1, 2), (1, 1), shape(Extent(1, 1), 7)), (shape(BATCH, 4),), linear=True),
    "a pad with gaps": Case(
        lambda x: pad(x, begins(1, 0), (2, 3), shape(Extent(2, 2), 10)), (shape(BATCH, 4),), linear=True
    ),
    "a pad by a number": Case(lambda x: pad(x, begins(0, 2), (1, 1), shape(BATCH, 7), 1.5), (shape(BATCH, 4),)),
    "a slice of a pad": Case(
        lambda x: part(pad(x, begins(1, 1), (1, 2), shape(5, 9)), begins(4, 8), (-1, -3), shape(4, 3)),
        (shape(BATCH, 4),),
        linear=True,
    ),
    "joined": Case(lambda x, y: concat([x, y, x], 1), (shape(BATCH, 4), shape(BATCH, 1)), linear=True),
    "joined along the batch": Case(lambda x, y: concat([x, y], 0), (shape(BATCH, 4), shape(2, 4)), linear=True),
    "a slice of what is joined": Case(
        lambda x, y: part_along(concat([x, y], 0), 0, literal(1), Extent(1, 0)),
        (shape(BATCH, 4), shape(2, 4)),
        linear=True,
    ),
    "positions": Case(
        lambda x: apply("multiply", x, positions(x.shape, 0, "float64")), (shape(BATCH, 2),), linear=True
    ),
    **{
        f"gather along {axis}, {mode}": Case(
            lambda x, at, axis=axis, mode=mode: gather(x, [at], axis, mode),
            (shape(BATCH, 4, 2), shape(2, 3)),
            linear=True,
            low=-3.0,
            high=6.0,
            constant=(1,),
        )
        for axis in range(3)
        for mode in ("clip", "wrap")
    },
    "gather from twice the batch": Case(
        lambda x, at: gather(x, [at], 0, "wrap"),
        (shape(Extent(2, 0), 2), shape(BATCH, 3)),
        low=-9.0,
        high=14.0,
        constant=(1,),
    ),
    "gather along two axes": Case(
        lambda x, at, then: gather(x, [at, then], 1, "wrap"),
        (shape(BATCH, 4, 2), shape(5), shape(5)),
        linear=True,
        constant=(1, 2),
    ),
    "scatter": Case(
        lambda x, at: Value(ScatterAdd(1, "clip", shape(BATCH, 2)), (x, at), shape(BATCH, 2), "float64"),
        (shape(BATCH, 5), shape(5)),
        linear=True,
        constant=(1,),
    ),
    "reshape": Case(lambda x: reshape(x, shape(Extent(2, 0), 6)), (shape(BATCH, 4, 3),), linear=True),
    "reshape of a transpose": Case(
        lambda x: reshape(transpose(x, (1, 0)), shape(Extent(4, 0))), (shape(BATCH, 4),), linear=True
    ),
    "reshape that only moves unit axes": Case(
        lambda x: reshape(x, shape(BATCH, 1, 4, 1)), (shape(1, BATCH, 4),), linear=True
    ),
    "contract: matrix product": spec(["ni", "ij"], "nj", n=BATCH, i=4, j=2),
    "contract: transposed": spec(["in", "ji"], "nj", n=BATCH, i=4, j=2),
    "contract: inner product": spec(["i", "i"], "", i=4),
    "contract: everything": spec(["ni", "ni"], "", n=BATCH, i=4),
    "contract: outer product": spec(["n", "i"], "ni", n=BATCH, i=4),
    "contract: over the batch": spec(["ni", "nj"], "ij", n=BATCH, i=4, j=2),
    "contract: batch of products": spec(["nac", "ncb"], "nab", n=BATCH, a=2, b=4, c=5),
    "contract: two summed axes": spec(["nij", "ijk"], "nk", n=BATCH, i=2, j=4, k=3),
    "contract: three operands": spec(["ni", "ijk", "nj"], "nk", n=BATCH, i=4, j=4, k=2),
    "contract: an axis of 1": spec(["ni", "ij"], "nj", n=BATCH, i=1, j=2),
    "contract: the same value twice": Case(
        lambda x, w: contract(["mi", "ij", "mj"], "m", [x, w, x]), (shape(BATCH, 4), shape(4, 4))
    ),
    **{
        f"fourier of {length}, {kept} kept": Case(
            lambda x, kept=kept: fourier(x, kept), (shape(BATCH, length),), linear=True
        )
        for length in (1, 2, 5, 8)
        for kept in range(1, length // 2 + 2)
    },
    **{
        f"adjoint fourier of {length}, {kept} kept": Case(
            lambda g, length=length: fourier_adjoint(g, length), (shape(BATCH, 2 * kept),), linear=True
        )
        for length in (1, 2, 5, 8)
        for kept in range(1, length // 2 + 2)
    },
    "fourier of many rows": Case(lambda x: fourier(x, 3), (shape(BATCH, 2, 6),), linear=True),
    "fourier of many rows of 7": Case(lambda x: fourier(x, 3), (shape(BATCH, 2, 7),), linear=True),
    "fourier of one row": Case(lambda x: fourier(x, 3), (shape(6),), linear=True),
    **{
        f"alignments, blank {'first' if first else 'last'}, frames {of_frames}, labels {of_labels}": Case(
            lambda x, labels, *told, first=first, of_frames=of_frames: alignments(
                x, labels, *([told[0], *told[1:], None] if of_frames else [None, *told, None])[:2], first
            ),
            (shape(7, BATCH, 4), shape(BATCH, 3), *[shape(BATCH)] * (of_frames + of_labels)),
            low=-1.5,
            high=7.0,
            constant=(1, 2, 3),
        )
        for first in (False, True)
        for of_frames in (False, True)
        for of_labels in (False, True)
    },
    **{
        f"sums along axis {axis}": Case(lambda x, axis=axis: cumulate(x, axis), (shape(BATCH, 2, 4),), linear=True)
        for axis in range(3)
    },
    "alignments along the batch": Case(
        lambda x, labels: alignments(x, labels, None, None, False),
        (shape(BATCH, 2, 5), shape(2, BATCH)),
        constant=(1,),
    ),
    "parts that are computed in several steps": Case(
        lambda x: concat([apply("multiply", y := apply("add", x, number(1.0, "float64")), y), apply("sine", x)], 1),
        (shape(BATCH, 3),),
    ),
    "own gradient": Case(
        lambda x: with_gradient(apply("multiply", x, x), [x], lambda y, g, x: [times(g, x[0], 2.0)]), (shape(BATCH, 4),)
    ),
    "form": Case(lambda x, sums: form(x, sums, "y"), (shape(BATCH, 5), shape(5, 5, 3))),
    "form of one number": Case(lambda x, sums: form(x, sums, "y"), (shape(BATCH, 1), shape(1, 1, 1))),
}

CHECKED = [name for name, case in CASES.items() if len(case.constant) < len(case.shapes)]


def computed(outputs: Sequence[Value], arrays: Sequence[np.ndarray], **more: np.ndarray) -> list[np.ndarray]:
    return evaluate(outputs, {f"x{place}": array for place, array in enumerate(arrays)} | more, N)


def slopes(case: Case, arrays: Sequence[np.ndarray], head: np.ndarray) -> list[np.ndarray]:
    """The gradient rule's answer; zeros where it says None."""
    leaves = case.leaves()
    value = case.build(*leaves)
    found = gradients([value], [leaf("head", value.shape, "float64")], leaves)
    for place, slope in enumerate(found):
        if slope is not None:
            assert slope.shape == leaves[place].shape
            assert slope.dtype == "float64"
    return [
        np.zeros(array.shape) if slope is None else computed([slope], arrays, head=head)[0]
        for slope, array in zip(found, arrays, strict=True)
    ]


def prepared(name: str) -> tuple[Case, list[np.ndarray], np.ndarray]:
    case = CASES[name]
    arrays = arrays_for(case.shapes, case.low, case.high)
    value = computed([case.build(*case.leaves())], arrays)[0]
    return case, arrays, np.random.default_rng(6).standard_normal(value.shape)


@pytest.mark.parametrize("name", CASES)
def test_the_shape_is_that_of_the_numpy_meaning(name: str) -> None:
    case, _, head = prepared(name)
    assert concrete(case.build(*case.leaves()).shape, N) == head.shape


@pytest.mark.parametrize("name", CASES)
def test_gradients_agree_with_central_differences(name: str) -> None:
    case, arrays, head = prepared(name)
    value = case.build(*case.leaves())
    found = slopes(case, arrays, head)
    for place, array in enumerate(arrays):
        if place in case.constant:
            assert not found[place].any()
            continue
        expected = np.zeros(array.shape)
        for index in np.ndindex(*array.shape):
            sides = []
            for step in (STEP, -STEP):
                moved = [other.copy() for other in arrays]
                moved[place][index] += step
                sides.append(computed([value], moved)[0])
            expected[index] = ((sides[0] - sides[1]) * head).sum() / (2 * STEP)
        scale = max(1.0, float(np.abs(expected).max()))
        np.testing.assert_allclose(found[place], expected, atol=DIFFERENCE_TOLERANCE * scale)


@pytest.mark.parametrize("name", [name for name, case in CASES.items() if case.linear])
def test_the_gradient_of_what_is_linear_is_its_adjoint(name: str) -> None:
    """⟨J·v, u⟩ = ⟨v, Jᵀ·u⟩, to rounding; J·v is the primitive itself with v in the place of one input."""
    case, arrays, head = prepared(name)
    value = case.build(*case.leaves())
    generator = np.random.default_rng(8)
    for place, array in enumerate(arrays):
        if place in case.constant:
            continue
        direction = generator.standard_normal(array.shape)
        pushed = [computed([value], [*arrays[:place], array * 0 + v, *arrays[place + 1 :]])[0] for v in (direction, 0)]
        forward = ((pushed[0] - pushed[1]) * head).sum()
        back = (direction * slopes(case, arrays, head)[place]).sum()
        magnitude = np.abs(pushed[0] * head).sum() + np.abs(direction).sum() * np.abs(head).sum()
        assert forward == pytest.approx(back, abs=ROUNDING * magnitude)


def test_every_function_and_combination_is_checked() -> None:
    assert {f"map {name}" for name in FUNCTIONS} <= set(CASES)
    assert all(any(row.startswith(f"reduce {name} ") for row in CASES) for name in COMBINATIONS)


def test_every_primitive_is_checked() -> None:
    """A primitive that stands in no row, nor in the gradient of one, is one without a test."""
    seen: set[type[Primitive]] = set()
    for case in CASES.values():
        leaves = case.leaves()
        value = case.build(*leaves)
        found = gradients([value], [leaf("head", value.shape, "float64")], leaves)
        stack = [value, *(slope for slope in found if slope is not None)]
        while stack:
            top = stack.pop()
            seen.add(type(top.primitive))
            stack += top.inputs
    assert seen == set(Primitive.__subclasses__())


@pytest.mark.parametrize("axes", [(0,), (1,), (0, 1), (2, 3), (0, 1, 3), (4, 3), (3, 1), (0, 1, 2, 3, 4)])
def test_a_reduction_is_that_of_numpy(axes: tuple[int, ...]) -> None:
    """Among them axes of length 1, which are dropped in another way, before and after others."""
    x = leaf("x0", shape(BATCH, 1, 4, 1, 2), "float64")
    array = np.random.default_rng(9).standard_normal(concrete(x.shape, N))
    value = reduce("sum", x, axes)
    expected = array.sum(axis=axes)
    assert concrete(value.shape, N) == expected.shape
    np.testing.assert_allclose(computed([value], [array])[0], expected, atol=1e-13)


@pytest.mark.parametrize(
    ("length", "kept"), [(length, kept) for length in (1, 2, 3, 7, 8) for kept in range(1, length // 2 + 2)]
)
def test_fourier_is_the_product_with_its_basis(length: int, kept: int) -> None:
    rows = np.random.default_rng(9).standard_normal((4, length))
    np.testing.assert_allclose(Fourier(length, kept).evaluate(4, rows), rows @ half_basis(length, kept), atol=1e-13)
    head = np.random.default_rng(10).standard_normal((4, 2 * kept))
    np.testing.assert_allclose(
        FourierAdjoint(length, kept).evaluate(4, head), head @ half_basis(length, kept).T, atol=1e-13
    )


def test_alignments_cost_what_counting_them_gives() -> None:
    """Of every way to give each frame a symbol, those count that say the labels once neighbours that are equal are
    merged and blanks left out.  Where all these have a symbol without a probability they cost infinity; where there are
    none, nothing."""
    x = np.random.default_rng(9).standard_normal((5, 6, 3))
    x[:, 5, 1] = -np.inf
    labels = np.array([[0, 1, 0], [0, 0, -1], [1, -1, -1], [-1, -1, -1], [1, 1, 1], [0, 1, 0]])
    frames = np.array([5, 4, 3, 2, 4, 5])
    powers = np.exp(x)
    shares = powers / powers.sum(axis=2, keepdims=True)
    expected = []
    for row, (wanted, count) in enumerate(zip(labels, frames, strict=True)):
        said = [list(symbols) for symbols in itertools.product(range(3), repeat=count)]
        merged = [[symbol for symbol, _ in itertools.groupby(symbols) if symbol != 2] for symbols in said]
        ways = [symbols for symbols, left in zip(said, merged, strict=True) if left == [w for w in wanted if w >= 0]]
        total = sum(np.prod([shares[frame, row, symbol] for frame, symbol in enumerate(way)]) for way in ways)
        with np.errstate(divide="ignore"):
            expected.append(-np.log(total) if ways else 0.0)
    assert expected[4] == 0
    assert expected[5] == np.inf
    found = Alignments(blank_first=False, told_frames=True, told_labels=False).evaluate(6, x, labels, frames)
    np.testing.assert_allclose(found, expected, rtol=1e-12)


def test_alignments_through_a_symbol_without_a_probability_move_nothing() -> None:
    """As through one that is all but impossible: its slope is 0, and the others' are those without such paths."""
    labels, frames = np.array([[0, -1, -1], [1, 1, -1]]), np.array([5, 4])
    kind = AlignmentsGradient(Alignments(blank_first=False, told_frames=True, told_labels=False))
    slopes = []
    for little in (-np.inf, -300.0):
        x = np.random.default_rng(9).standard_normal((5, 2, 4))
        x[2, 0, 0] = x[1, 1, 1] = x[:, :, 2] = little
        slopes.append(kind.evaluate(2, np.array([1.0, 2.0]), x, labels, frames))
    np.testing.assert_allclose(slopes[0], slopes[1], atol=1e-12)
    assert not slopes[0][:, :, 2].any()
    assert slopes[0].any()


def test_a_gradient_of_its_own_replaces_that_of_the_parts() -> None:
    x = leaf("x0", shape(BATCH, 4), "float64")
    square = apply("multiply", x, x)
    own = with_gradient(square, [x], lambda y, head, sources: [times(head, y, 5.0)])
    arrays = [np.arange(12.0).reshape(3, 4)]
    head = leaf("head", x.shape, "float64")
    (slope,) = gradients([own], [head], [x])
    assert slope is not None
    values = computed(settled([own, slope]), arrays, head=np.ones((3, 4)))
    np.testing.assert_array_equal(values[0], arrays[0] ** 2)
    np.testing.assert_array_equal(values[1], 5 * arrays[0] ** 2)
    assert settled([own]) == [square]
    assert gradients([without_gradient(square)], [head], [x]) == [None]


def test_views_compose_into_one() -> None:
    x = leaf("x", shape(BATCH, 4), "float64")
    there = broadcast(with_unit_axes(transpose(x, (1, 0)), (1,)), shape(4, 2, BATCH))
    assert isinstance(there.primitive, View)
    assert there.inputs == (x,)
    assert transpose(transpose(x, (1, 0)), (1, 0)) is x
    assert without_unit_axes(with_unit_axes(x, (0, 3)), (0, 3)) is x
    assert broadcast(x, x.shape) is x


def test_slices_compose_into_one_and_none_is_left_of_what_is_whole() -> None:
    x = leaf("x", shape(BATCH, 6), "float64")
    whole = part(x, shape(0, 5), [1, -1], x.shape)
    assert isinstance(whole.primitive, Slice)
    assert part(whole, shape(0, 5), [1, -1], x.shape) is x
    row = leaf("row", shape(1, 6), "float64")
    assert part(row, shape(0, 0), [3, 1], row.shape) is row


def test_reshapes_compose_into_one_and_are_views_where_they_can_be() -> None:
    x = leaf("x", shape(BATCH, 4), "float64")
    flat = reshape(x, shape(Extent(4, 0)))
    assert isinstance(flat.primitive, Reshape)
    assert reshape(flat, shape(BATCH, 2, 2)).inputs == (x,)
    assert reshape(flat, x.shape) is x
    assert isinstance(reshape(x, shape(BATCH, 1, 4)).primitive, View)
    assert reshape(x, x.shape) is x


def test_sizes_are_numbers_where_they_can_be() -> None:
    assert evaluate([size(shape(3, 4), "float64")], {}, N) == [12.0]
    assert evaluate([size(shape(BATCH, 4), "float64"), size((Extent(1, -1),), "float64")], {}, N) == [12.0, 2.0]
    assert size(shape(3, ONE), "float64").primitive == number(3.0, "float64").primitive


# The printed kernels are run line by line by Python: compiled code would not notice an index outside an array.


class Checked(np.ndarray):
    """An array that takes no index below 0, which NumPy would count from the end."""

    def __getitem__(self, key: Any) -> Any:
        _check(key)
        return super().__getitem__(key)

    def __setitem__(self, key: Any, value: Any) -> None:
        _check(key)
        super().__setitem__(key, value)


def _check(key: Any) -> None:
    if any(isinstance(index, int) and index < 0 for index in (key if isinstance(key, tuple) else (key,))):
        raise IndexError(f"index {key} is negative")


def r2c(source: Any, spectrum: Any, axes: Any, forward: bool, factor: float, _threads: int) -> None:
    """What rocket-fft's function of this name does, which only compiled code can call."""
    bins = scipy.fft.rfft(source, axis=axes[0])
    spectrum[:] = factor * (bins if forward else bins.conj())


def c2r(spectrum: Any, result: Any, axes: Any, forward: bool, factor: float, _threads: int) -> None:
    bins = np.asarray(spectrum)
    length = result.shape[axes[0]]
    result[:] = factor * length * scipy.fft.irfft(bins.conj() if forward else bins, length, axis=axes[0])


def bins_of_rows(rows: Any, bins: Any, length: int, kept: int) -> None:
    """What kernels.transform's function of this name does: compiled in test_transform.py."""
    bins[:] = Fourier(length, kept).evaluate(N, np.asarray(rows))


def rows_of_bins(bins: Any, rows: Any, length: int, kept: int) -> None:
    rows[:] = FourierAdjoint(length, kept).evaluate(N, np.asarray(bins))


def run_by_python(
    outputs: Sequence[Value], leaves: Sequence[Value], arrays: Sequence[np.ndarray], shared: bool
) -> list[np.ndarray]:
    """What the kernel printed for ``outputs`` computes, without Numba; by several threads, in turn, where possible."""
    named = tuple(
        (f"y{place}", value if value.shape else reshape(value, (ONE,))) for place, value in enumerate(outputs)
    )
    procedure = Procedure("kernel", tuple((value.name, value) for value in leaves), named)
    with everything_shared() if shared else nullcontext():
        text = print_kernel(schedule(procedure), "float64", {})
    scope: dict[str, Any] = {name: getattr(math, name) for name in MATHEMATICS} | {
        "np": np, "math": math,
        "njit": lambda *_, **__: lambda function: function, "OPTIONS": {}, "zero": 0.0, "one": 1.0,
        "float64": float, "complex128": complex, "plus": operator.add, "r2c": r2c, "c2r": c2r,
        "bins_of_rows": bins_of_rows, "rows_of_bins": rows_of_bins, "in_chunks": in_chunks,
        "matmul": matmul, "form": forms.form, "form_gradient": forms.form_gradient, "form_weights": forms.form_weights,
        **{name: getattr(np, name) for name in ("cos", "exp", "log", "sin", "sqrt", "tanh")},
    }  # fmt: skip
    exec(text, scope)
    results = [np.full([extent.at(N) for extent in value.shape], np.nan).view(Checked) for _, value in named]
    given = [array.view(Checked) if array.shape else float(array) for array in arrays]
    with np.errstate(all="ignore"):
        scope["kernel"](N, *given, *results)
    return [np.asarray(result).reshape([extent.at(N) for extent in value.shape])
            for result, value in zip(results, outputs, strict=True)]  # fmt: skip


@pytest.mark.parametrize("shared", [False, True])
@pytest.mark.parametrize("name", CASES)
def test_printed_code_is_the_numpy_meaning(name: str, shared: bool) -> None:
    case = CASES[name]
    leaves, arrays = case.leaves(), arrays_for(case.shapes, case.low, case.high)
    value = case.build(*leaves)
    head = leaf("head", value.shape, "float64")
    slopes = [slope for slope in gradients([value], [head], leaves) if slope is not None]
    outputs = settled([value, *slopes])
    numbers = np.random.default_rng(6).standard_normal([extent.at(N) for extent in value.shape])
    expected = computed(outputs, arrays, head=numbers)
    found = run_by_python(outputs, [*leaves, head], [*arrays, numbers], shared)
    for right, printed in zip(expected, found, strict=True):
        np.testing.assert_allclose(printed, right, rtol=1e-12, atol=1e-12)


def test_printed_sums_of_several_rows_at_a_time(monkeypatch: pytest.MonkeyPatch) -> None:
    """Over columns of more than one length; four rows at a time, and what is left."""
    for columns in (1, 2, 3):
        moved = Case(
            lambda x, w, b: apply("add", apply("multiply", x, spread(w, x.shape, (1,))), spread(b, x.shape, (1,))),
            (shape(BATCH, columns), shape(columns), shape(columns)),
        )
        monkeypatch.setitem(globals(), "N", 11)
        monkeypatch.setitem(CASES, "moved", moved)
        test_printed_code_is_the_numpy_meaning("moved", True)


def test_the_oracle_computes_in_float64_whatever_the_literals_are() -> None:
    x = leaf("x", (literal(3),), "float32")
    values = np.array([1.0, 1e-9, 1 / 3])
    (found,) = evaluate([times(x, 1.0)], {"x": values}, 1)
    assert found.dtype == np.float64
    np.testing.assert_array_equal(found, values)


def test_the_slope_of_log_gamma_is_the_digamma_function() -> None:
    x, head = leaf("x", (literal(6),), "float64"), leaf("head", (literal(6),), "float64")
    (slope,) = gradients([apply("log_gamma", x)], [head], [x])
    assert slope is not None
    points = np.array([0.1, 0.5, 1.0, 2.5, 9.0, 40.0])
    (found,) = evaluate([slope], {"x": points, "head": np.ones(6)}, 1)
    np.testing.assert_allclose(found, scipy.special.digamma(points), rtol=1e-10)


@pytest.mark.parametrize(("dtype", "tolerance"), [("float64", 1e-13), ("float32", 1e-6)])
def test_the_inverse_of_the_error_function(dtype: str, tolerance: float) -> None:
    points = np.array([-1.0, -0.999, -0.6, -1e-3, 0.0, 0.3, 0.95, 1.0])
    (found,) = evaluate([inverse_error(leaf("x", (literal(8),), dtype))], {"x": points}, 1)
    np.testing.assert_allclose(found, scipy.special.erfinv(points), rtol=tolerance)
