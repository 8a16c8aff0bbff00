"""What is timed: a forward pass, and a training step with the gradients that it leaves behind."""

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np

if TYPE_CHECKING:  # importing them loads MXNet, see the package's docstring
    from mxnet import nd
    from mxnet.gluon import Block

T = TypeVar("T")


def numbered(name: str, values: Sequence[T]) -> dict[str, T]:
    """``values`` by name, with a number each if they are several."""
    return {name: values[0]} if len(values) == 1 else {f"{name} {place}": one for place, one in enumerate(values, 1)}


def outputs_of(result: Any) -> "list[nd.NDArray]":
    """The arrays that a forward returned, however nested.  Raises ``TypeError`` for anything else, naming its kind."""
    from kernels.structure import flatten

    arrays: list[nd.NDArray] = []
    flatten(result, arrays)
    return arrays


def forward(block: "Block", inputs: "Sequence[nd.NDArray]") -> Callable[[], None]:
    """One forward pass, until every output is there."""
    from mxnet import nd

    if isinstance(block(*inputs), nd.NDArray):  # nothing more in the timed path than it needs
        (x, *others) = inputs
        if not others:

            def single() -> None:
                block(x).wait_to_read()

            return single

    def several() -> None:
        for output in outputs_of(block(*inputs)):
            output.wait_to_read()

    return several


class Training:
    """The gradients of one layer, for inputs and head gradients; ``step`` makes training steps that compute them."""

    def __init__(self, original: "Block", inputs: "Sequence[nd.NDArray]", heads: "Sequence[nd.NDArray]") -> None:
        self.original, self.inputs, self.heads = original, inputs, heads
        context = inputs[0].context
        floats = [array for array in inputs if np.issubdtype(array.dtype, np.floating)]
        for array in floats:
            array.attach_grad()
        parameters = original._collect_params_with_prefix()
        self._gradients = {name: p.grad(context) for name, p in parameters.items() if p.grad_req != "null"}
        self._gradients |= numbered("gradient of x", [array.grad for array in floats]) if floats else {}

    def step(self, block: "Block", training: bool = True) -> Callable[[], None]:
        """One training step of ``block``, until every gradient is there; in the mode of inference if told."""
        from mxnet import autograd, nd

        produced = tuple(self._gradients.values())
        inputs, heads = self.inputs, self.heads

        def single() -> None:
            with autograd.record(training):
                y = block(x)
            y.backward(head, train_mode=training)
            y.wait_to_read()
            for gradient in produced:
                gradient.wait_to_read()

        def several() -> None:
            with autograd.record(training):
                outputs = outputs_of(block(*inputs))
            autograd.backward(outputs, heads, train_mode=training)
            for array in outputs:
                array.wait_to_read()
            for gradient in produced:
                gradient.wait_to_read()

        if len(inputs) == len(heads) == 1 and isinstance(block(*inputs), nd.NDArray):
            (x,), (head,) = inputs, heads
            return single
        return several

    def is_random(self, training: bool) -> bool:
        """Whether the layer draws random numbers in this mode, so that no two steps leave the same gradients."""
        step = self.step(self.original, training)
        first, second = self.gradients_after(step), self.gradients_after(step)
        return any(not np.allclose(first[name], second[name], rtol=0.01, equal_nan=True) for name in first)

    def gradients_after(self, step: Callable[[], None]) -> dict[str, np.ndarray]:
        """What ``step`` leaves in the gradients, which are first spoilt so that a missing one shows."""
        for gradient in self._gradients.values():
            gradient[:] = np.nan
        step()
        return {name: gradient.asnumpy() for name, gradient in self._gradients.items()}
