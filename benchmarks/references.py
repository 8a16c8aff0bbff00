"""What a variant's results are compared with: the layer's own NumPy reference, or the imperative layer in float64."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from benchmarks.grid import CaseError
from benchmarks.training import Training, numbered, outputs_of

if TYPE_CHECKING:  # importing them loads MXNet, see the package's docstring
    from mxnet import nd

    from layers import Subject

Arrays = dict[str, np.ndarray]


@dataclass(frozen=True)
class Judged:
    """The right results, what says so, and whether the gradients are those of training."""

    outputs: Arrays
    gradients: Arrays
    judge: str
    training: bool = True


def judged(subject: "Subject", training: Training) -> Judged:
    """The right results of a layer for the inputs and heads of ``training``.

    What a layer without a reference draws at random in training, as Dropout does, no other run can draw again: its
    gradients are then those of inference.  Raises ``CaseError`` for one that draws there too.
    """
    if subject.reference is not None:
        return _by_reference(subject, training)
    trained = not training.is_random(training=True)
    if not trained and training.is_random(training=False):
        raise CaseError(f"{subject.name} draws random numbers in inference too, so that nothing can be compared")
    try:
        return _by_itself(_in_double(subject, training), "the imperative layer in float64", trained)
    except Exception as error:  # whatever MXNet or somebody's layer has against float64
        said = (str(error).strip().splitlines() or [type(error).__name__])[0]
        dtype = np.dtype(training.heads[0].dtype).name
        reason = f"the imperative layer in {dtype}, because it does not run in float64: {said}"
        return _by_itself(training, reason, trained)


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


def _by_itself(training: Training, judge: str, trained: bool) -> Judged:
    block = training.original
    judge += "" if trained else ", in inference, because it draws random numbers in training"
    outputs = [output.asnumpy() for output in outputs_of(block(*training.inputs))]
    return Judged(numbered("output", outputs), training.gradients_after(training.step(block, trained)), judge, trained)


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
