"""Products of multi-head attention over arrays that interleave queries, keys and values.

L positions, B samples, H heads of D numbers: a projection (L, B, H·k·D) holds k arrays, head by head; scores are
(B·H, L, L).
"""

import math

from ..extent import Shape, literal
from ..primitives.base import Value
from ..primitives.contract import contract
from ..primitives.map import apply, constant
from ..primitives.reshape import reshape
from ..primitives.slice import part_along
from ..primitives.view import without_unit_axes
from .table import Site, operator


def _projections(value: Value, heads: int, count: int) -> list[Value]:
    """The ``count`` arrays (L, B, H, D) that a projection holds."""
    width = literal(value.shape[2].at(1) // (heads * count))
    split = reshape(value, (*value.shape[:2], literal(heads), literal(count), width))
    return [
        without_unit_axes(part_along(split, 3, literal(place), literal(1)), [3]) if count > 1
        else reshape(value, (*value.shape[:2], literal(heads), width))
        for place in range(count)
    ]  # fmt: skip


def _scores(site: Site, queries: Value, keys: Value) -> Value:
    """q·k/√D for every pair of positions."""
    root = constant(math.sqrt(queries.shape[3].at(1)), queries)
    product = contract(["lbhd", "mbhd"], "bhlm", [apply("divide", queries, root), keys], site.name)
    return reshape(product, site.shape)


def _mixed(site: Site, attention: Value, values: Value) -> Value:
    """Values weighted by the attention that each position pays them."""
    shape: Shape = (values.shape[1], values.shape[2], *attention.shape[1:])
    product = contract(["bhlm", "mbhd"], "lbhd", [reshape(attention, shape), values], site.name)
    return reshape(product, site.shape)


@operator("_contrib_interleaved_matmul_selfatt_qk")
def self_scores(site: Site, inputs: list[Value]) -> Value:
    """Scores from one projection of queries, keys and values."""
    queries, keys, _ = _projections(inputs[0], site.get("heads"), 3)
    return _scores(site, queries, keys)


@operator("_contrib_interleaved_matmul_selfatt_valatt")
def self_mixed(site: Site, inputs: list[Value]) -> Value:
    """Values from one projection of queries, keys and values, by attention."""
    return _mixed(site, inputs[1], _projections(inputs[0], site.get("heads"), 3)[2])


@operator("_contrib_interleaved_matmul_encdec_qk")
def cross_scores(site: Site, inputs: list[Value]) -> Value:
    """Scores of queries against a projection of keys and values."""
    heads = site.get("heads")
    return _scores(site, _projections(inputs[0], heads, 1)[0], _projections(inputs[1], heads, 2)[0])


@operator("_contrib_interleaved_matmul_encdec_valatt")
def cross_mixed(site: Site, inputs: list[Value]) -> Value:
    """Values from a projection of keys and values, by attention."""
    return _mixed(site, inputs[1], _projections(inputs[0], site.get("heads"), 2)[1])


@operator("_contrib_div_sqrt_dim")
def divided_by_root(site: Site, inputs: list[Value]) -> Value:
    """x / √(length of the last axis)."""
    x = inputs[0]
    return apply("divide", x, constant(math.sqrt(x.shape[-1].at(1)), x), name=site.name)
