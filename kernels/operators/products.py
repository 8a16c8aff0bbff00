"""Matrix products and the fully connected layer, all as contractions."""

import string

from ..extent import FitError, volume
from ..primitives.base import Value
from ..primitives.contract import contract
from ..primitives.map import apply, times
from ..primitives.reshape import reshape
from ..primitives.view import broadcast
from .table import Site, UnsupportedError, operator


@operator("dot")
def dot(site: Site, inputs: list[Value]) -> Value:
    """The last axis of the left operand with the first of the right one; ``transpose_*`` turns all axes around."""
    left, right = inputs
    letters = iter(string.ascii_lowercase)
    shared = next(letters)
    outer_left = "".join(next(letters) for _ in left.shape[1:])
    outer_right = "".join(next(letters) for _ in right.shape[1:])
    first = shared + outer_left if site.get("transpose_a", False) else outer_left + shared
    second = outer_right + shared if site.get("transpose_b", False) else shared + outer_right
    return reshape(contract([first, second], outer_left + outer_right, inputs, site.name), site.shape)


@operator("batch_dot")
def batch_dot(site: Site, inputs: list[Value]) -> Value:
    """A matrix product for every index of the leading axes."""
    lead = string.ascii_lowercase[3 : 3 + len(inputs[0].shape) - 2]
    first = lead + ("ca" if site.get("transpose_a", False) else "ac")
    second = lead + ("bc" if site.get("transpose_b", False) else "cb")
    return contract([first, second], lead + "ab", inputs, site.name)


@operator("FullyConnected")
def fully_connected(site: Site, inputs: list[Value]) -> Value:
    """x·Wᵀ + bias; ``flatten`` merges all axes but the first."""
    x, weight = inputs[:2]
    if site.get("flatten", True) and len(x.shape) != 2:
        try:
            x = reshape(x, (x.shape[0], volume(x.shape[1:])))
        except FitError as error:
            raise UnsupportedError(f"because {error}") from error
    lead = string.ascii_lowercase[2 : 2 + len(x.shape) - 1]
    product = contract([lead + "b", "ab"], lead + "a", [x, weight], "product" if len(inputs) > 2 else site.name)
    if len(inputs) == 2:
        return product
    return apply("add", product, broadcast(inputs[2], product.shape), name=site.name)


def _matrix_product(site: Site, left: Value, right: Value) -> Value:
    """``alpha`` times a matrix product; rows run along ``axis``, columns along the last one."""
    rank = len(left.shape)
    rows = site.get("axis", -2) % rank
    lead = string.ascii_lowercase[3 : 3 + rank - 2]

    def letters(pair: str, transposed: bool) -> str:
        row, column = (pair[1], pair[0]) if transposed else (pair[0], pair[1])
        return f"{lead[:rows]}{row}{lead[rows:]}{column}"

    operands = [letters("ac", site.get("transpose_a", False)), letters("cb", site.get("transpose_b", False))]
    product = contract(operands, letters("ab", False), [left, right], site.name)
    return _scaled(product, site.get("alpha", 1.0))


def _scaled(value: Value, factor: float) -> Value:
    return value if factor == 1 else times(value, factor)


@operator("_linalg_gemm2")
def gemm2(site: Site, inputs: list[Value]) -> Value:
    """``alpha``·A·B."""
    return _matrix_product(site, *inputs)


@operator("_linalg_gemm")
def gemm(site: Site, inputs: list[Value]) -> Value:
    """``alpha``·A·B + ``beta``·C."""
    left, right, added = inputs
    return apply("add", _matrix_product(site, left, right), _scaled(added, site.get("beta", 1.0)), name=site.name)


@operator("_linalg_syrk")
def syrk(site: Site, inputs: list[Value]) -> Value:
    """``alpha``·A·Aᵀ, or ``alpha``·Aᵀ·A with ``transpose``."""
    lead = string.ascii_lowercase[3 : 3 + len(inputs[0].shape) - 2]
    first, second = ("ca", "cb") if site.get("transpose", False) else ("ac", "bc")
    return _scaled(contract([lead + first, lead + second], lead + "ab", inputs * 2, site.name), site.get("alpha", 1.0))
