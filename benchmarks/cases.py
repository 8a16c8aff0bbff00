"""From a cell to a closure that can be timed, after it was proved right.

Every variant of a layer gets the same values, from generators that are seeded by name, never from global state.
"""

import zlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from benchmarks import contexts, references
from benchmarks.agreement import disagreement
from benchmarks.grid import DTYPE, CaseError, Cell
from benchmarks.training import Training, forward, numbered, outputs_of

if TYPE_CHECKING:  # importing them loads MXNet, see the package's docstring
    from mxnet import nd
    from mxnet.context import Context
    from mxnet.gluon import Block

    from layers import Subject

Arrays = dict[str, np.ndarray]


@dataclass(frozen=True)
class Case:
    """A prepared cell.  ``call()`` runs it once and returns when every array that it produced is there.

    ``judge`` says what its results were compared with, ``remarks`` what else a reader of its figures must know.
    """

    cell: Cell
    call: Callable[[], None]
    judge: str
    remarks: tuple[str, ...] = ()


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
        catalogued = subject is None  # and therefore compiled as a whole, or not timed
        subject = subject or layers.load(cell.layer)
        original, inputs = initialised(subject, cell)
        block = kernels.build(original, cell.variant, cell.context, strict=catalogued)
        case = checked(cell, subject, original, block, inputs)
        return case if catalogued else replace(case, remarks=remarks(case, block))
    except (kernels.KernelError, layers.LayerError) as error:
        raise CaseError(str(error)) from error


def unproved(cell: Cell, subject: "Subject | None" = None) -> Callable[[], None]:
    """The closure of ``cell`` as ``prepare`` times it, for a process that need not prove again what another proved.

    Raises ``CaseError`` as ``prepare`` does.
    """
    import kernels
    import layers

    try:
        original, inputs = initialised(subject or layers.load(cell.layer), cell)
        block = kernels.build(original, cell.variant, cell.context, strict=subject is None)
        if cell.mode == "forward":
            return forward(block, inputs)
        return Training(original, inputs, heads(cell, _arrays(cell, original(*inputs)))).step(block)
    except (kernels.KernelError, layers.LayerError) as error:
        raise CaseError(str(error)) from error


def remarks(case: Case, block: "Block") -> tuple[str, ...]:
    """What judged a layer from outside the catalogue and, of a network in parts, who ran which."""
    import kernels

    layer = case.cell.layer
    ran: dict[str, list[str]] = {}
    for row in kernels.parts(block) if case.cell.variant == "numba" else ():
        ran.setdefault(row.runs_by, []).append(f"{row.name} ({row.block})" if row.name else row.block)
    numba, mxnet = (", ".join(dict.fromkeys(ran.get(runner, ()))) for runner in ("numba", "mxnet"))
    divided = f"of {layer}, numba ran {numba}; MXNet ran {mxnet} (gluonmark source says why)"
    return (f"{layer} was compared with {case.judge}", *([divided] if mxnet else []))


def initialised(subject: "Subject", cell: Cell) -> "tuple[Block, list[nd.NDArray]]":
    """The layer as its author wrote it, with seeded parameters, and seeded inputs of ``cell.batch`` rows.

    Weights are scaled so that outputs are of the inputs' size; what is not learned is positive, as a running variance
    must be; constants keep their values.
    """
    from mxnet import nd
    from mxnet.context import Context
    from mxnet.gluon import Constant

    context = Context(cell.context)
    block = subject.build()
    if subject.dtype != DTYPE:
        block.cast(subject.dtype)
    block.initialize(ctx=context)
    inputs = [_drawn(cell, subject, place, context) for place in range(len(subject.inputs))]
    _arrays(cell, block(*inputs))  # finds the shapes that were deferred
    for name, parameter in block._collect_params_with_prefix().items():
        if not isinstance(parameter, Constant):
            values = _normal(f"{cell.layer} {name}", parameter.shape)
            values = values * _weight_scale(parameter.shape) if parameter.grad_req != "null" else 0.5 + np.abs(values)
            parameter.set_data(nd.array(values, dtype=parameter.dtype))
    return block, inputs


def _drawn(cell: Cell, subject: "Subject", place: int, context: "Context") -> "nd.NDArray":
    """The input at ``place``."""
    from mxnet import nd

    given, seed = subject.inputs[place], f"{cell.layer} input{place or ''}"
    shape = given.shape(cell.batch)
    if given.whole:
        return nd.array(_generator(seed).integers(given.below, size=shape), ctx=context, dtype=given.dtype)
    # Off centre: a mean that is subtracted wrongly, or not at all, must not go unnoticed.
    return nd.array(0.5 + _normal(seed, shape), ctx=context, dtype=given.dtype or subject.dtype)


def heads(cell: Cell, outputs: "Sequence[nd.NDArray]") -> "list[nd.NDArray]":
    """Seeded head gradients, one for each output."""
    from mxnet import nd

    return [
        nd.array(_normal(f"{cell.layer} head{place or ''}", y.shape), ctx=y.context, dtype=y.dtype)
        for place, y in enumerate(outputs)
    ]


def checked(cell: Cell, subject: "Subject", original: "Block", block: "Block", inputs: "list[nd.NDArray]") -> Case:
    """The case of ``block``, if it computes what the reference computes; else raises ``CaseError``.

    ``block`` shares the parameters of ``original``, the layer as its author wrote it, which names them and which, in
    float64, stands in for the reference of a layer that has none.
    """
    context = inputs[0].context
    outputs = _arrays(cell, original(*inputs))
    training = Training(original, inputs, heads(cell, outputs))
    judged = references.judged(subject, training)
    train = training.step(block)
    parameters = original._collect_params_with_prefix().values()
    terms = max(*(array.size for array in inputs), *(parameter.data(context).size for parameter in parameters), 1)
    # Outputs come first: backward would fail in its own words on an output of another shape.
    _compare(cell, numbered("output", [y.asnumpy() for y in _arrays(cell, block(*inputs))]), judged.outputs, terms)
    _compare(cell, training.gradients_after(training.step(block, judged.training)), judged.gradients, terms)
    return Case(cell, train if cell.mode == "train" else forward(block, inputs), judged.judge)


def _arrays(cell: Cell, result: Any) -> "list[nd.NDArray]":
    try:
        arrays = outputs_of(result)
    except TypeError as error:
        raise CaseError(f"{cell.layer} must return arrays to be timed, not {error}") from error
    if not arrays:
        raise CaseError(f"{cell.layer} must return arrays to be timed, not {type(result).__name__}")
    return arrays


def _compare(cell: Cell, actual: Arrays, expected: Arrays, terms: int) -> None:
    if actual.keys() != expected.keys():
        raise CaseError(f"{cell.id} gives {', '.join(sorted(actual))}, expected {', '.join(sorted(expected))}")
    for name, array in actual.items():
        reason = disagreement(name, array, expected[name], terms)
        if reason:
            raise CaseError(f"{cell.id} is not timed because it is wrong: {reason}")


def _normal(name: str, shape: tuple[int, ...]) -> np.ndarray:
    """Standard normal values, the same in every process: the name is the seed."""
    return _generator(name).standard_normal(shape)


def _generator(name: str) -> np.random.Generator:
    return np.random.default_rng(zlib.crc32(name.encode()))


def _weight_scale(shape: tuple[int, ...]) -> float:
    """1/√(terms that one output sums), if the last axis holds the outputs; 1 for a vector."""
    return float((shape[-1] / np.prod(shape)) ** 0.5) if len(shape) > 1 else 1.0
