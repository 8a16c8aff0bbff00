"""What a variant's results are compared with: the layer's own NumPy reference, or the imperative layer in float64."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from benchmarks.training import Training, numbered, outputs_of

if TYPE_CHECKING:  # importing them loads MXNet, see the package's docstring
    from mxnet import nd

    from layers import Subject

Arrays = dict[str, np.ndarray]


@dataclass(frozen=True)
class Judged:
    """The right results, and what says so."""

    outputs: Arrays
    gradients: Arrays
    judge: str


def judged(subject: "Subject", training: Training) -> Judged:
    """The right results of a layer for the inputs and heads of ``training``."""
    if subject.reference is not None:
        return _by_reference(subject, training)
    try:
        return _by_itself(_in_double(subject, training), "the imperative layer in float64")
    except Exception as error:  # whatever MXNet or somebody's layer has against float64
        said = (str(error).strip().splitlines() or [type(error).__name__])[0]
        dtype = np.dtype(training.heads[0].dtype).name
        return _by_itself(training, f"the imperative layer in {dtype}, because it does not run in float64: {said}")


def _by_reference(subject: "Subject", training: Training) -> Judged:
    assert subject.reference is not None
    context = training.inputs[0].context
    parameters = training.original._collect_params_with_prefix().items()
    values = {name: p.data(context).asnumpy().astype(np.float64) for name, p in parameters}
    y, pullback = subject.reference(_one_or_all([_double(x) for x in training.inputs]), values)
    slopes, gradients = pullback(_one_or_all([_double(head) for head in training.heads]))
    present = [slope for slope in _all(slopes) if slope is not None]
    gradients = {**gradients, **numbered("gradient of x", present)} if present else dict(gradients)
    return Judged(numbered("output", _all(y)), gradients, "the layer's NumPy reference in float64")


def _by_itself(training: Training, judge: str) -> Judged:
    block = training.original
    outputs = [output.asnumpy() for output in outputs_of(block(*training.inputs))]
    return Judged(numbered("output", outputs), training.gradients_after(training.step(block)), judge)


def _in_double(subject: "Subject", training: Training) -> Training:
    """The same layer with the same values, in float64 throughout."""
    context = training.inputs[0].context
    block = subject.build()
    block.cast("float64")
    block.initialize(ctx=context)
    inputs = [x.astype("float64") if np.issubdtype(x.dtype, np.floating) else x for x in training.inputs]
    outputs_of(block(*inputs))  # finds the shapes that were deferred
    theirs = training.original._collect_params_with_prefix()
    for name, parameter in block._collect_params_with_prefix().items():
        parameter.set_data(theirs[name].data(context).astype("float64"))
    return Training(block, inputs, [head.astype("float64") for head in training.heads])


def _double(array: "nd.NDArray") -> np.ndarray:
    values: np.ndarray = array.asnumpy()
    return values.astype(np.float64) if np.issubdtype(values.dtype, np.floating) else values


def _all(values: Any) -> list[Any]:
    return list(values) if isinstance(values, (list, tuple)) else [values]


def _one_or_all(values: list[np.ndarray]) -> Any:
    return values[0] if len(values) == 1 else values
