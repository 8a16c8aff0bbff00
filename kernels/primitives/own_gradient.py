"""OwnGradient: a value whose gradient is given, not derived.

Where the chain rule over an operator's parts would keep more, compute more or say something else than MXNet does
(softmax needs nothing but its result; a loss head ignores what arrives), the operator's rule states the gradient
itself.  Once gradients have been taken, ``settled`` leaves the value alone.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from .base import Primitive, Value, rebuild

# (result, head, sources) → the gradient of each source, None where it is zero
Slopes = Callable[[Value, Value, Sequence[Value]], Sequence[Value | None]]


@dataclass(frozen=True)
class OwnGradient(Primitive):
    """The first input.  The others are its sources, whose gradients ``slopes`` gives; the first input gets none."""

    slopes: Slopes

    def evaluate(self, batch: int, *arrays: np.ndarray) -> np.ndarray:
        """The first array."""
        return arrays[0]

    def gradient(self, value: Value, head: Value) -> list[Value | None]:
        """What ``slopes`` says, for the sources alone."""
        return [None, *self.slopes(value.inputs[0], head, value.inputs[1:])]


def with_gradient(value: Value, sources: Sequence[Value], slopes: Slopes) -> Value:
    """``value``, a function of ``sources``, with these gradients instead of those of its parts."""
    return Value(OwnGradient(slopes), (value, *sources), value.shape, value.dtype, value.name)


def without_gradient(value: Value) -> Value:
    """``value`` as a constant."""
    return with_gradient(value, (), lambda *_: ())


def settled(outputs: Sequence[Value]) -> list[Value]:
    """The graph after gradients were taken: values only."""
    return rebuild(outputs, lambda value: value.inputs[0] if isinstance(value.primitive, OwnGradient) else value)
