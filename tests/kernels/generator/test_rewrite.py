"""Each rewrite fires where it should, not where it must not, and never changes the value."""

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np
import pytest

from kernels.extent import BATCH, Extent, Shape, literal
from kernels.gradient import gradients
from kernels.oracle import evaluate
from kernels.primitives.base import Leaf, Primitive, Value, concrete, leaf, topological
from kernels.primitives.contract import Contract, contract
from kernels.primitives.form import Form, FormGradient
from kernels.primitives.fourier import Fourier, FourierAdjoint, half_basis
from kernels.primitives.literal import literal as number
from kernels.primitives.map import Map, apply
from kernels.primitives.reduce import reduce
from kernels.primitives.view import View, broadcast, spread, transpose, with_unit_axes, without_unit_axes
from kernels.rewrite import rewrite

N = 5
DTYPE = "float64"


def shape(*extents: int | Extent) -> Shape:
    return tuple(extent if isinstance(extent, Extent) else literal(extent) for extent in extents)


X, Y = leaf("x", shape(BATCH, 4), DTYPE), leaf("y", shape(BATCH, 4), DTYPE)
W, U = leaf("w", shape(4, 4, 3), DTYPE), leaf("u", shape(4, 4), DTYPE)
BASIS = half_basis(4, 2)
B = leaf("basis", shape(4, 4), DTYPE)


def bilinear(first: Value, second: Value, weight: Value = W) -> Value:
    """Σ_ij W[i, j, k]·first[i]·second[j], as two contractions in a row."""
    return contract(["nik", "ni"], "nk", [contract(["nj", "ijk"], "nik", [second, weight]), first])


def nested_used_twice(weight: Value = W) -> list[Value]:
    inner = contract(["nj", "ijk"], "nik", [X, weight])
    return [contract(["nik", "ni"], "nk", [inner, X]), reduce("sum", inner, (1,))]


def negative(value: Value) -> Value:
    return apply("negative", value)


def twice(value: Value) -> Value:
    return apply("multiply", value, number(2.0, DTYPE))


@dataclass(frozen=True)
class Case:
    """``build`` gives the outputs.  ``gone`` are primitives that must have left, ``there`` those that must remain."""

    build: Callable[[], list[Value]]
    there: tuple[type[Primitive] | str, ...] = ()
    gone: tuple[type[Primitive] | str, ...] = ()
    constants: dict[str, np.ndarray] = field(default_factory=dict)
    frozen: frozenset[str] = frozenset()


def product(basis: np.ndarray, frozen: bool, constant: bool = True) -> Case:
    """x · basis, with the basis as a constant or as a parameter."""
    matrix = leaf("basis", shape(*basis.shape), DTYPE)
    source = leaf("x", shape(BATCH, basis.shape[0]), DTYPE)
    return Case(
        lambda: [contract(["ni", "ij"], "nj", [source, matrix])],
        there=(Fourier,) if frozen else (Contract,),
        gone=(Contract,) if frozen else (Fourier,),
        constants={"basis": basis} if constant else {},
        frozen=frozenset({"basis"}) if frozen else frozenset(),
    )


def off(basis: np.ndarray, amount: float) -> np.ndarray:
    changed = basis.copy()
    changed[1, -1] += amount
    return changed


CASES: dict[str, Case] = {
    # the fold of a bilinear form
    "a form of x with itself": Case(lambda: [bilinear(X, X)], there=(Form,), gone=("nik",)),
    "a form, the weight turned around": Case(
        lambda: [bilinear(X, X, transpose(leaf("w", shape(3, 4, 4), DTYPE), (2, 1, 0)))], there=(Form,)
    ),
    "a quadratic form of rows": Case(
        lambda: [contract(["ni", "ni"], "n", [contract(["ni", "ij"], "nj", [X, U]), X])], there=(Form,)
    ),
    "a quadratic form of a vector": Case(
        lambda: [contract(["i", "i"], "", [contract(["ij", "j"], "i", [U, V := leaf("v", shape(4), DTYPE)]), V])],
        there=(Form,),
    ),
    "a form of x with y": Case(lambda: [bilinear(X, Y)], there=(Contract,), gone=(Form,)),
    "a form of x with 2x": Case(lambda: [bilinear(X, twice(X))], there=(Contract,), gone=(Form,)),
    "a form whose inner part is used twice": Case(nested_used_twice, there=(Contract,), gone=(Form,)),
    "a form whose inner part is used twice and rewritten itself": Case(
        lambda: nested_used_twice(transpose(leaf("w", shape(3, 4, 4), DTYPE), (2, 1, 0))), gone=(Form, View)
    ),
    "a form whose inner part is a result": Case(
        lambda: [(inner := contract(["nj", "ijk"], "nik", [X, W])), contract(["nik", "ni"], "nk", [inner, X])],
        gone=(Form,),
    ),
    "a form in two pairs of axes": Case(
        lambda: [
            contract(["ik", "ik"], "", [contract(["jl", "ijkl"], "ik", [U, leaf("w", shape(4, 4, 4, 4), DTYPE)]), U])
        ],
        there=(Contract,),
        gone=(Form,),
    ),
    "a form that keeps one of its axes": Case(
        lambda: [contract(["nik", "ni"], "nik", [contract(["nj", "ijk"], "nik", [X, W]), X])], gone=(Form,)
    ),
    "squares with a weight each": Case(
        lambda: [contract(["ij", "ij"], "", [contract(["ij", "ij"], "ij", [U, leaf("w", shape(4, 4), DTYPE)]), U])],
        there=(Contract,),
        gone=(Form,),
    ),
    "x times x without a weight": Case(lambda: [contract(["ni", "nj"], "ij", [X, X])], gone=(Form,)),
    "a Gram matrix": Case(lambda: [contract(["ni", "mi"], "nm", [X, X])], gone=(Form,)),
    "x of an axis that follows the batch": Case(
        lambda: [
            contract(["i", "i"], "", [contract(["ij", "j"], "i", [q, z]), z])
            for q, z in [(leaf("q", shape(BATCH, BATCH), DTYPE), leaf("z", shape(BATCH), DTYPE))]
        ],
        gone=(Form,),
    ),
    # Fourier
    "a Fourier basis": product(BASIS, frozen=True),
    "a Fourier basis in float32": product(half_basis(12, 6).astype("float32"), frozen=True),
    "all of an odd basis": product(half_basis(5, 3), frozen=True),
    "one coefficient": product(half_basis(8, 1), frozen=True),
    "a basis that is a parameter": product(BASIS, frozen=False, constant=False),
    "a basis a little off": product(off(BASIS, 1e-9), frozen=False),
    "a float32 basis a little off": product(off(half_basis(12, 6), 3e-7).astype("float32"), frozen=False),
    "the wrong sign": product(half_basis(6, 2) * np.array([1, -1, 1, -1]), frozen=False),
    "real and imaginary parts exchanged": product(half_basis(6, 2)[:, [1, 0, 3, 2]], frozen=False),
    "more than half": product(np.concatenate([half_basis(6, 4), half_basis(6, 4)[:, 2:4]], axis=1), frozen=False),
    "an odd number of columns": product(half_basis(6, 2)[:, :3], frozen=False),
    "a basis of another length": product(half_basis(8, 2)[:6], frozen=False),
    "NaN in it": product(off(BASIS, float("nan")), frozen=False),
    "x times the basis turned around": Case(
        lambda: [contract(["ni", "ji"], "nj", [X, B])], gone=(Fourier,), constants={"basis": BASIS}
    ),
    "the basis times the basis": Case(
        lambda: [contract(["ni", "ij"], "nj", [leaf("basis", shape(4, 4), DTYPE), B])],
        constants={"basis": BASIS},
        there=(Fourier,),
        frozen=frozenset({"basis"}),
    ),
    "a basis before the batch axis": Case(
        lambda: [contract(["in", "ij"], "nj", [transpose(X, (1, 0)), B])],
        there=(Fourier,),
        gone=(Contract,),
        constants={"basis": BASIS},
        frozen=frozenset({"basis"}),
    ),
    "a sum with a Fourier basis": Case(
        lambda: [apply("add", leaf("x", shape(4, 4), DTYPE), B)], gone=(Fourier,), constants={"basis": BASIS}
    ),
    "three operands, one of them a Fourier basis": Case(
        lambda: [contract(["ni", "ij", "nj"], "nj", [X, B, Y])], gone=(Fourier,), constants={"basis": BASIS}
    ),
    # views and unit axes
    "a transposed operand": Case(
        lambda: [contract(["in", "ij"], "nj", [transpose(X, (1, 0)), U])], there=(Contract,), gone=(View,)
    ),
    "a repeated operand": Case(
        lambda: [contract(["nij", "ij"], "nj", [broadcast(with_unit_axes(X, (1,)), shape(BATCH, 4, 4)), U])],
        there=(Contract, View),
    ),
    "an axis of 1 in a contraction": Case(
        lambda: [contract(["noi", "oij"], "nj", [with_unit_axes(X, (1,)), with_unit_axes(U, (0,))])],
        there=(Contract,),
        gone=(View,),
    ),
    "nothing but axes of 1": Case(
        lambda: [
            contract(["ab", "bc"], "ac", [leaf("p", shape(1, 1), DTYPE), leaf("q", shape(1, 1), DTYPE)]),
        ],
        gone=(Contract,),
    ),
    "a view there and back": Case(
        lambda: [apply("exponential", without_unit_axes(with_unit_axes(transpose(X, (1, 0)), (0,)), (0,)))],
        there=(View,),
    ),
    # signs and neutral numbers
    "a + (-b)": Case(lambda: [apply("add", X, negative(Y))], there=("subtract",), gone=("negative", "add")),
    "(-a) + b": Case(lambda: [apply("add", negative(X), Y)], there=("subtract",), gone=("negative", "add")),
    "(-a) + (-b)": Case(lambda: [apply("add", negative(X), negative(Y))], there=("subtract",)),
    "-(-a)": Case(lambda: [negative(negative(X))], there=(Leaf,), gone=("negative",)),
    "-a in a sum": Case(
        lambda: [apply("add", Y, spread(reduce("sum", negative(X), (1,)), Y.shape, (0,)))], gone=("negative",)
    ),
    "-a in a maximum stays": Case(lambda: [reduce("largest", negative(X), (1,))], there=("negative",)),
    "-a in a product of elements stays": Case(lambda: [reduce("product", negative(X), (0,))], there=("negative",)),
    "-a over b": Case(lambda: [apply("add", Y, apply("divide", negative(X), Y))], gone=("negative",)),
    "-a times b": Case(lambda: [apply("add", Y, apply("multiply", negative(X), Y))], gone=("negative",)),
    "a over -b": Case(lambda: [apply("divide", X, negative(Y))], there=("divide",)),
    "-a in a power stays": Case(lambda: [apply("power", negative(X), number(2.0, DTYPE))], there=("negative",)),
    "-a is subtracted": Case(lambda: [apply("subtract", negative(X), negative(Y))]),
    **{
        f"{function} {neutral}": Case(lambda f=function, c=neutral: [apply(f, X, number(c, DTYPE))], gone=(function,))
        for function, neutral in (("add", 0.0), ("subtract", 0.0), ("multiply", 1.0), ("divide", 1.0))
    },
    **{
        f"{function} {other} stays": Case(
            lambda f=function, c=other: [apply(f, X, number(c, DTYPE))], there=(function,)
        )
        for function, other in (("add", 1.0), ("multiply", 0.0), ("divide", -1.0), ("maximum", 0.0), ("power", 1.0))
    },
    "0 - a stays": Case(lambda: [apply("subtract", number(0.0, DTYPE), X)], there=("subtract",)),
    "1 / a stays": Case(lambda: [apply("divide", number(1.0, DTYPE), X)], there=("divide",)),
    # common parts
    "the same twice is computed once": Case(
        lambda: [apply("add", apply("exponential", X), apply("exponential", X))], there=("exponential",)
    ),
}


def contents(outputs: list[Value]) -> list[type[Primitive] | str]:
    """The primitives of a graph: types, and the words that maps and contractions are told by."""
    found: list[type[Primitive] | str] = []
    for value in topological(outputs):
        found.append(type(value.primitive))
        if isinstance(value.primitive, Map):
            found.append(value.primitive.function)
        if isinstance(value.primitive, Contract):
            found += [value.primitive.result, *value.primitive.operands]
    return found


@pytest.mark.parametrize("name", CASES)
def test_a_rule_fires_where_it_should_and_nowhere_else(name: str) -> None:
    case = CASES[name]
    improved, frozen = rewrite(case.build(), case.constants)
    found = contents(improved)
    assert [wanted for wanted in case.there if wanted not in found] == []
    assert [unwanted for unwanted in case.gone if unwanted in found] == []
    assert frozen == case.frozen


@pytest.mark.parametrize("name", CASES)
def test_values_shapes_and_dtypes_are_preserved(name: str) -> None:
    case = CASES[name]
    before = case.build()
    after, _ = rewrite(before, case.constants)
    leaves = {value.primitive.name for value in topological(before) if isinstance(value.primitive, Leaf)}
    assert {value.primitive.name for value in topological(after) if isinstance(value.primitive, Leaf)} <= leaves
    generator = np.random.default_rng(4)
    known = {
        value.primitive.name: generator.standard_normal(concrete(value.shape, N))
        for value in topological(before)
        if isinstance(value.primitive, Leaf)
    } | {name: array.astype(DTYPE) for name, array in case.constants.items()}
    tolerance = 1e-6 if any(array.dtype == np.float32 for array in case.constants.values()) else 1e-12
    for old, new, expected, found in zip(
        before, after, evaluate(before, known, N), evaluate(after, known, N), strict=True
    ):
        assert (new.shape, new.dtype) == (old.shape, old.dtype)
        np.testing.assert_allclose(found, expected, atol=tolerance, rtol=tolerance)


@pytest.mark.parametrize("name", CASES)
def test_gradients_are_preserved(name: str) -> None:
    """Differentiating after a rewrite gives what differentiating before gives, and rewriting that changes nothing."""
    case = CASES[name]
    before = case.build()
    after, _ = rewrite(before, case.constants)
    heads = [leaf(f"head{place}", value.shape, DTYPE) for place, value in enumerate(before)]
    sources = [value for value in topological(before) if isinstance(value.primitive, Leaf)]
    generator = np.random.default_rng(4)
    known = {
        value.primitive.name: generator.standard_normal(concrete(value.shape, N)) for value in (*sources, *heads)
    } | {name: array.astype(DTYPE) for name, array in case.constants.items()}
    sources = [source for source in sources if source.primitive.name not in case.constants]  # type: ignore[attr-defined]
    expected = gradients(before, heads, sources)
    found = gradients(after, heads, sources)
    rewritten, _ = rewrite([slope for slope in found if slope is not None], case.constants)
    again = iter(rewritten)
    tolerance = 1e-6 if any(array.dtype == np.float32 for array in case.constants.values()) else 1e-12
    for old, new in zip(expected, found, strict=True):
        assert (old is None) == (new is None)
        if old is not None and new is not None:
            truth, *others = evaluate([old, new, next(again)], known, N)
            for other in others:
                np.testing.assert_allclose(other, truth, atol=tolerance, rtol=tolerance)


@pytest.mark.parametrize("name", CASES)
def test_a_second_rewrite_finds_nothing(name: str) -> None:
    case = CASES[name]
    once, frozen = rewrite(case.build(), case.constants)
    again, frozen_again = rewrite(once, case.constants)
    assert contents(again) == contents(once)
    assert frozen_again <= frozen


def test_equal_values_become_one() -> None:
    (total,), _ = rewrite(CASES["the same twice is computed once"].build(), {})
    assert total.inputs[0] is total.inputs[1]


def test_the_gradient_of_a_folded_form_is_folded() -> None:
    (form,), _ = rewrite([bilinear(X, X)], {})
    slopes = gradients([form], [leaf("head", form.shape, DTYPE)], [X, W])
    found = contents(rewrite([slope for slope in slopes if slope is not None], {})[0])
    assert FormGradient in found
    assert "nik" not in found


def test_the_gradient_of_a_transform_is_its_adjoint() -> None:
    case = CASES["a Fourier basis"]
    (coefficients,), _ = rewrite(case.build(), case.constants)
    source = next(value for value in topological([coefficients]) if isinstance(value.primitive, Leaf))
    (slope,) = gradients([coefficients], [leaf("head", coefficients.shape, DTYPE)], [source])
    assert slope is not None
    assert isinstance(slope.primitive, FourierAdjoint)
