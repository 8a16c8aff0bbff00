"""From a cell to a closure that can be timed, after it was proved right.

Every variant of a layer gets the same values, from generators that are seeded by name, never from global state.
"""

import zlib
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from benchmarks import contexts
from benchmarks.agreement import disagreement
from benchmarks.grid import DTYPE, CaseError, Cell

if TYPE_CHECKING:  # importing them loads MXNet, see the package's docstring
    from mxnet import nd
    from mxnet.gluon import Block

    from layers import Subject

Arrays = dict[str, np.ndarray]


@dataclass(frozen=True)
class Case:
    """A prepared cell.  ``call()`` runs it once and returns when every array that it produced is there."""

    cell: Cell
    call: Callable[[], None]


def prepare(cell: Cell, subject: "Subject | None" = None) -> Case:
    """The checked closure of ``cell``.

    ``subject`` is a layer from outside the catalogue; without it ``cell.layer`` is looked up.  Raises ``CaseError`` if
    the context is unusable, the catalogue lacks the layer, the variant cannot be built, or a result is wrong.
    """
    reason = contexts.why_unusable(cell.context)
    if reason:
        raise CaseError(reason)
    import kernels
    import layers

    try:
        subject = subject or layers.load(cell.layer)
        original, x = initialised(subject, cell)
        block = kernels.build(original, cell.variant, cell.context)
        return checked(cell, subject, original, block, x)
    except (kernels.KernelError, layers.LayerError) as error:
        raise CaseError(str(error)) from error


def initialised(subject: "Subject", cell: Cell) -> "tuple[Block, nd.NDArray]":
    """The layer as its author wrote it, with seeded parameters, and a seeded input of ``cell.batch`` rows.

    Weights are scaled so that outputs are of the inputs' size; constants keep their values.
    """
    from mxnet import nd
    from mxnet.context import Context
    from mxnet.gluon import Constant

    context = Context(cell.context)
    block = subject.build()
    block.initialize(ctx=context)
    # Off centre: a mean that is subtracted wrongly, or not at all, must not go unnoticed.
    x = nd.array(0.5 + _normal(f"{cell.layer} input", (cell.batch, *subject.features)), ctx=context, dtype=DTYPE)
    _output(cell, block, x)  # finds the shapes that were deferred
    for name, parameter in block._collect_params_with_prefix().items():
        if not isinstance(parameter, Constant):
            values = _normal(f"{cell.layer} {name}", parameter.shape)
            parameter.set_data(nd.array(values * _weight_scale(parameter.shape), dtype=DTYPE))
    return block, x


def checked(cell: Cell, subject: "Subject", original: "Block", block: "Block", x: "nd.NDArray") -> Case:
    """The case of ``block``, if it computes what the reference computes; else raises ``CaseError``.

    ``block`` shares the parameters of ``original``, the layer as its author wrote it, which names them and which stands
    in for the reference of a layer that has none.
    """
    from mxnet import nd

    parameters = original._collect_params_with_prefix()
    values = {name: p.data(x.context).asnumpy().astype(np.float64) for name, p in parameters.items()}
    output = _output(cell, original, x)
    head = nd.array(_normal(f"{cell.layer} head", output.shape), ctx=x.context, dtype=x.dtype)
    x.attach_grad()
    gradients = {name: p.grad(x.context) for name, p in parameters.items() if p.grad_req != "null"}
    gradients["gradient of x"] = x.grad
    train = _train(block, x, head, gradients.values())

    if subject.reference is None:
        y, expected = output, _gradients(_train(original, x, head, gradients.values()), gradients)
    else:
        y, pullback = subject.reference(x.asnumpy().astype(np.float64), values)
        dx, expected = pullback(head.asnumpy().astype(np.float64))
        expected["gradient of x"] = dx
    terms = max(x.size, *(array.size for array in values.values()), 1)
    # Outputs come first: backward would fail in its own words on an output of another shape.
    _compare(cell, {"output": _output(cell, block, x)}, {"output": y}, terms)
    _compare(cell, _gradients(train, gradients), expected, terms)
    return Case(cell, train if cell.mode == "train" else _forward(block, x))


def _output(cell: Cell, block: "Block", x: "nd.NDArray") -> np.ndarray:
    from mxnet import nd

    y = block(x)
    if not isinstance(y, nd.NDArray):
        raise CaseError(f"{cell.layer} must return one array to be timed, not a {type(y).__name__}")
    array: np.ndarray = y.asnumpy()
    return array


def _gradients(train: Callable[[], None], gradients: "Mapping[str, nd.NDArray]") -> Arrays:
    """What ``train`` leaves in the gradients, which are first spoilt so that a missing one shows."""
    for gradient in gradients.values():
        gradient[:] = np.nan
    train()
    return {name: gradient.asnumpy() for name, gradient in gradients.items()}


def _compare(cell: Cell, actual: Arrays, expected: Arrays, terms: int) -> None:
    if actual.keys() != expected.keys():
        raise CaseError(f"{cell.id} gives {', '.join(sorted(actual))}, expected {', '.join(sorted(expected))}")
    for name, array in actual.items():
        reason = disagreement(name, array, expected[name], terms)
        if reason:
            raise CaseError(f"{cell.id} is not timed because it is wrong: {reason}")


def _forward(block: "Block", x: "nd.NDArray") -> Callable[[], None]:
    def forward() -> None:
        block(x).wait_to_read()

    return forward


def _train(
    block: "Block", x: "nd.NDArray", head: "nd.NDArray", gradients: "Iterable[nd.NDArray]"
) -> Callable[[], None]:
    from mxnet import autograd

    produced = tuple(gradients)

    def train() -> None:
        with autograd.record():
            y = block(x)
        y.backward(head)
        y.wait_to_read()
        for gradient in produced:
            gradient.wait_to_read()

    return train


def _normal(name: str, shape: tuple[int, ...]) -> np.ndarray:
    """Standard normal values, the same in every process: the name is the seed."""
    return np.random.default_rng(zlib.crc32(name.encode())).standard_normal(shape)


def _weight_scale(shape: tuple[int, ...]) -> float:
    """1/√(terms that one output sums), if the last axis holds the outputs; 1 for a vector."""
    return float((shape[-1] / np.prod(shape)) ** 0.5) if len(shape) > 1 else 1.0
