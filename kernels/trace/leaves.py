"""The arrays that forward starts from, with their roles and names."""

import re

import mxnet
from mxnet import gluon, nd

from ..arguments import Arguments
from ..errors import KernelError, UncompilableError
from ..graph import CONSTANT, INPUT, PARAMETER
from ..names import block_name, fresh, unique
from .parameters import structural_parameters

NamedLeaf = tuple[str, str, str]  # role, key, name in generated source


def leaves_of(
    block: gluon.Block, arguments: Arguments, context: mxnet.Context
) -> tuple[list[NamedLeaf], list[nd.NDArray]]:
    """All leaves, inputs first, and the arrays on ``context`` of those that are parameters.

    An input's key is how forward's arguments lead to it (``states[0]``), its name an identifier made of that
    (``states_0``); a parameter's key ``0.weight`` gives the name ``weight_0``.
    """
    parameters = _parameters(block, context)
    taken: set[str] = set()
    keys = {key for _, key, _ in parameters}
    leaves = []
    for path in arguments.paths(block):
        key = unique(path, keys)  # one dict holds the gradients of inputs and parameters
        keys.add(key)
        leaves.append((INPUT, key, _named("_".join(re.findall(r"\w+", path)), taken)))
    for role, key, _ in parameters:
        leaves.append((role, key, _named("_".join([key.split(".")[-1], *key.split(".")[:-1]]), taken)))
    return leaves, [array for _, _, array in parameters]


def _named(stem: str, taken: set[str]) -> str:
    name = fresh(stem, taken)
    taken.add(name)
    return name


def _parameters(block: gluon.Block, context: mxnet.Context) -> list[tuple[str, str, nd.NDArray]]:
    """(role, structural name, array on ``context``) of every parameter."""
    rows = []
    for key, parameter in structural_parameters(block).items():
        if context not in parameter.list_ctx():
            raise KernelError(f"parameter {key} of {block_name(block)} is not on {context}: initialize it there")
        if {parameter._stype, parameter._grad_stype} != {"default"}:
            raise UncompilableError(
                f"parameter {key} of {block_name(block)}, or its gradient, is stored as row_sparse: kernels read and "
                f"write whole arrays"
            )
        role = CONSTANT if isinstance(parameter, gluon.Constant) else PARAMETER
        rows.append((role, key, parameter.data(context)))
    return rows
