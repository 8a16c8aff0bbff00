"""Rewrites: the same function from less work.  Each rule looks at one value and offers a better one, or nothing.

Rules find what they need in the graph and know no layer.  A rule that rests on the values of a constant says so
through ``Facts.freeze``: the kernel then holds for these values only, and its plan watches over them.
"""

import string
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from .dtypes import FLOATS
from .extent import ONE, volume
from .primitives.base import Leaf, Value, rebuild, topological
from .primitives.contract import Contract, contract
from .primitives.form import form
from .primitives.fourier import fourier, half_basis
from .primitives.literal import Literal
from .primitives.map import Map, apply
from .primitives.reduce import Reduce, reduce
from .primitives.reshape import reshape
from .primitives.view import View, transpose, view, with_unit_axes, without_unit_axes


@dataclass
class Facts:
    """What rules may know beyond one value: the values of constants, and how often each value is used."""

    constants: Mapping[str, np.ndarray]
    uses: Mapping[int, int] = field(default_factory=dict)
    frozen: set[str] = field(default_factory=set)

    def freeze(self, name: str) -> np.ndarray:
        """The values of a constant, on which the kernel will then rest."""
        self.frozen.add(name)
        return self.constants[name]


Rule = Callable[[Value, Facts], Value | None]


def rewrite(outputs: Sequence[Value], constants: Mapping[str, np.ndarray]) -> tuple[list[Value], frozenset[str]]:
    """The outputs with every rule applied until none fires, and the names of the constants they now rest on."""
    facts = Facts(constants)

    def improve(value: Value) -> Value:
        while True:
            better = next((new for rule in RULES if (new := rule(value, facts)) is not None), None)
            if better is None:
                return value
            value = better

    present = list(outputs)
    while True:
        facts.uses = _count_uses(present)
        improved = rebuild(present, improve)
        if all(new is old for new, old in zip(improved, present, strict=True)):
            return improved, frozenset(facts.frozen)
        present = improved


def _count_uses(outputs: Sequence[Value]) -> dict[int, int]:
    uses: dict[int, int] = {}
    sources = (source for value in topological(outputs) for source in value.inputs)
    for used in (*outputs, *sources):
        uses[id(used)] = uses.get(id(used), 0) + 1
    return uses


def _is_map(value: Value, *functions: str) -> bool:
    return isinstance(value.primitive, Map) and value.primitive.function in functions


def contract_without_unit_axes(value: Value, _: Facts) -> Value | None:
    """An axis of length 1 takes no part in a contraction."""
    if not isinstance(value.primitive, Contract):
        return None
    operands, result = value.primitive.operands, value.primitive.result
    unit = {
        letter
        for letters, source in zip(operands, value.inputs, strict=True)
        for letter, extent in zip(letters, source.shape, strict=True)
        if extent == ONE
    }
    if not unit:
        return None
    squeezed = [
        without_unit_axes(source, [axis for axis, letter in enumerate(letters) if letter in unit])
        for letters, source in zip(operands, value.inputs, strict=True)
    ]
    letters = ["".join(letter for letter in letters if letter not in unit) for letters in operands]
    kept = "".join(letter for letter in result if letter not in unit)
    numbers_only = not any(letters)
    return with_unit_axes(
        _product(squeezed, value.name) if numbers_only else contract(letters, kept, squeezed, value.name),
        [axis for axis, letter in enumerate(result) if letter in unit],
    )


def _product(factors: Sequence[Value], name: str) -> Value:
    product = factors[0]
    for factor in factors[1:]:
        product = apply("multiply", product, factor, name=name)
    return product


def contract_through_views(value: Value, _: Facts) -> Value | None:
    """A contraction reads a transposed operand in its own order of letters."""
    if not isinstance(value.primitive, Contract):
        return None
    for position, source in enumerate(value.inputs):
        moved = source.primitive
        if isinstance(moved, View) and None not in moved.sources and len(moved.sources) == len(source.shape):
            letters, inputs = list(value.primitive.operands), list(value.inputs)
            letters[position] = "".join(letters[position][axis] for axis in moved.sources if axis is not None)
            inputs[position] = source.inputs[0]
            return contract(letters, value.primitive.result, inputs, value.name)
    return None


def view_of_view(value: Value, _: Facts) -> Value | None:
    """Two views in a row are one, or none."""
    if not isinstance(value.primitive, View):
        return None
    joined = view(value.inputs[0], value.primitive.sources, value.shape)
    same = isinstance(joined.primitive, View) and joined.inputs[0] is value.inputs[0]
    return None if same else joined


def form_of_rows(value: Value, facts: Facts) -> Value | None:
    """Σ_ij W[i, j, ..]·x[i]·x[j] is a form of x with itself, which needs each pair i ≤ j once."""
    flat = _flatten(value, facts)
    if flat is None or value.dtype not in FLOATS:
        return None
    operands, inputs, result = flat
    for first in range(3):
        for second in range(first + 1, 3):
            weight = 3 - first - second
            if inputs[first] is not inputs[second]:
                continue
            letters = _pair_letters(operands[first], operands[second], operands[weight], result)
            if letters is None:
                continue
            i, j = letters
            others = operands[first].replace(i, "")
            rest = [axis for axis, letter in enumerate(operands[weight]) if letter not in (i, j)]
            units = "".join(operands[weight][axis] for axis in rest)
            if set(others) & set(units) or not inputs[first].shape[operands[first].index(i)].literal:
                continue
            x = transpose(inputs[first], [operands[first].index(letter) for letter in others + i])
            order = [*sorted(operands[weight].index(letter) for letter in (i, j)), *rest]  # a form is symmetric
            weights = transpose(inputs[weight], order)
            rows, columns = x.shape[:-1], weights.shape[2:]
            pairs = form(
                reshape(x, (volume(rows), x.shape[-1])),
                reshape(weights, (*weights.shape[:2], volume(columns))),
                value.name,
            )
            found = reshape(pairs, (*rows, *columns))
            if sorted(result) == sorted(others + units):
                return transpose(found, [(others + units).index(letter) for letter in result])
            return contract([others + units], result, [found], value.name)
    return None


def _flatten(value: Value, facts: Facts) -> tuple[list[str], list[Value], str] | None:
    """A contraction of a contraction as one of three operands, if nothing else uses the inner one."""
    if not isinstance(value.primitive, Contract) or len(value.inputs) != 2:
        return None
    for position, inner in enumerate(value.inputs):
        nested = inner.primitive
        # A value made in this pass has no count yet; the next pass knows it.
        used_once = facts.uses.get(id(inner)) == 1
        if isinstance(nested, Contract) and len(inner.inputs) == 2 and used_once:
            outer = value.primitive.operands
            unused = (letter for letter in string.ascii_letters if letter not in "".join(outer))
            named = dict(zip(nested.result, outer[position], strict=True))
            for letter in sorted(set("".join(nested.operands)) - set(nested.result)):
                named[letter] = next(unused)
            renamed = ["".join(named[letter] for letter in letters) for letters in nested.operands]
            other = 1 - position
            return [outer[other], *renamed], [value.inputs[other], *inner.inputs], value.primitive.result
    return None


def _pair_letters(first: str, second: str, weight: str, result: str) -> tuple[str, str] | None:
    """The two letters in which one value's two sets differ, if the weight sums over both and nothing else has them."""
    differing = [(i, j) for i, j in zip(first, second, strict=True) if i != j]
    if len(differing) != 1:
        return None
    i, j = differing[0]
    summed = i in weight and j in weight and i not in result and j not in result
    return (i, j) if summed and i not in second and j not in first else None


def fourier_from_basis(value: Value, facts: Facts) -> Value | None:
    """A product with the leading half of a Fourier basis is a fast Fourier transform."""
    if not isinstance(value.primitive, Contract) or len(value.inputs) != 2:
        return None
    for position, basis in enumerate(value.inputs):
        if not isinstance(basis.primitive, Leaf) or basis.primitive.name not in facts.constants:
            continue
        other = 1 - position
        rows, matrix, result = (
            value.primitive.operands[other],
            value.primitive.operands[position],
            value.primitive.result,
        )
        if len(matrix) != 2 or rows[-1] != matrix[0] or result != rows[:-1] + matrix[1]:
            continue
        if _is_half_basis(facts.constants[basis.primitive.name]):
            facts.freeze(basis.primitive.name)
            return fourier(value.inputs[other], basis.shape[1].at(0) // 2, value.name)
    return None


def _is_half_basis(matrix: np.ndarray) -> bool:
    """Whether every entry is the exact one to rounding: entries are at most 1, so eps is two roundings at most."""
    length, columns = matrix.shape
    if columns % 2 or not 0 < columns // 2 <= length // 2 + 1:
        return False
    return bool(
        np.abs(matrix.astype(np.float64) - half_basis(length, columns // 2)).max() <= np.finfo(matrix.dtype).eps
    )


def negative_outwards(value: Value, _: Facts) -> Value | None:
    """Signs move towards the end of a computation, where ``a + (−b)`` becomes ``a − b``."""
    if not value.inputs:
        return None
    inner = [source.inputs[0] if _is_map(source, "negative") else None for source in value.inputs]
    if _is_map(value, "add") and inner[1] is not None:
        return apply("subtract", value.inputs[0], inner[1], name=value.name)
    if _is_map(value, "add") and inner[0] is not None:
        return apply("subtract", value.inputs[1], inner[0], name=value.name)
    if inner[0] is None:
        return None
    if _is_map(value, "negative"):
        return inner[0]
    if isinstance(value.primitive, View):
        return apply("negative", view(inner[0], value.primitive.sources, value.shape))
    if isinstance(value.primitive, Reduce) and value.primitive.combination == "sum":
        return apply("negative", reduce("sum", inner[0], value.primitive.axes, value.name))
    if _is_map(value, "divide", "multiply"):
        return apply("negative", apply(value.primitive.function, inner[0], value.inputs[1], name=value.name))  # type: ignore[attr-defined]
    return None


# function: the number that changes nothing as its second operand
NEUTRAL = {"add": 0.0, "subtract": 0.0, "multiply": 1.0, "divide": 1.0}


def without_neutral_numbers(value: Value, _: Facts) -> Value | None:
    """x + 0, x − 0, x · 1 and x / 1 are x."""
    if not isinstance(value.primitive, Map) or value.primitive.function not in NEUTRAL:
        return None
    number = value.inputs[1]
    while isinstance(number.primitive, View):
        number = number.inputs[0]
    if isinstance(number.primitive, Literal) and number.primitive.number == NEUTRAL[value.primitive.function]:
        return value.inputs[0]
    return None


RULES: tuple[Rule, ...] = (
    view_of_view,
    contract_without_unit_axes,
    contract_through_views,
    form_of_rows,
    fourier_from_basis,
    negative_outwards,
    without_neutral_numbers,
)
