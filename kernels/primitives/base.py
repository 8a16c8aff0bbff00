"""What a primitive is: the few operations that everything else is made of.

MXNet has hundreds of operators; they are decomposed into about a dozen primitives, so that a gradient, a NumPy
meaning, a cost and a way to be printed are written once per primitive and not once per operator.
"""

import dataclasses
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from ..extent import Extent, Shape


@dataclass(frozen=True)
class Primitive:
    """One operation with its attributes.  Subclasses stand one to a file in this folder."""

    # Even where the forward pass has such a value in memory, computing it anew is cheaper than keeping it.
    recomputed: ClassVar[bool] = False

    def evaluate(self, batch: int, *arrays: np.ndarray) -> np.ndarray:
        """The NumPy meaning, in the dtype of the arrays: the oracle that printed code is checked against."""
        raise NotImplementedError(f"{type(self).__name__} has no NumPy meaning")

    def gradient(self, value: "Value", head: "Value") -> Sequence["Value | None"]:
        """The gradient with respect to each input, given ``head``, the gradient of ``value``; None if it is zero."""
        raise NotImplementedError(f"{type(self).__name__} has no gradient")


@dataclass(frozen=True, eq=False)
class Value:
    """One array of the primitive graph: a primitive applied to inputs.  Compared by identity."""

    primitive: Primitive
    inputs: tuple["Value", ...]
    shape: Shape
    dtype: str
    name: str = ""


@dataclass(frozen=True)
class Leaf(Primitive):
    """An array from outside: an input, a parameter, a constant, a head gradient or something kept from forward."""

    name: str

    def gradient(self, value: Value, head: Value) -> tuple[()]:
        """Nothing lies behind a leaf."""
        return ()


def leaf(name: str, shape: Shape, dtype: str) -> Value:
    """A leaf value."""
    return Value(Leaf(name), (), shape, dtype, name)


def topological(outputs: Sequence[Value]) -> list[Value]:
    """Every value that the outputs need, each after its inputs, in a fixed order."""
    order: list[Value] = []
    seen: set[int] = set()
    stack = [(output, False) for output in reversed(outputs)]
    while stack:
        value, ready = stack.pop()
        if ready:
            order.append(value)
        elif id(value) not in seen:
            seen.add(id(value))
            stack.append((value, True))
            stack += [(source, False) for source in reversed(value.inputs)]
    return order


def concrete(shape: Sequence[Extent], batch: int) -> tuple[int, ...]:
    """A shape for one batch size."""
    return tuple(extent.at(batch) for extent in shape)


def rebuild(outputs: Sequence[Value], replace: Callable[[Value], Value]) -> list[Value]:
    """The same graph with every value passed through ``replace`` once its inputs have been; equal values become one."""
    made: dict[int, Value] = {}
    known: dict[tuple[Primitive, tuple[int, ...]], Value] = {}
    for value in topological(outputs):
        inputs = tuple(made[id(source)] for source in value.inputs)
        unchanged = all(new is old for new, old in zip(inputs, value.inputs, strict=True))
        result = replace(value if unchanged else dataclasses.replace(value, inputs=inputs))
        key = (result.primitive, tuple(id(source) for source in result.inputs))
        made[id(value)] = known.setdefault(key, result)
    return [made[id(output)] for output in outputs]
