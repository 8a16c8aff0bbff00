"""Reverse mode over the primitive graph; the rules are the primitives' own."""

import dataclasses
from collections.abc import Sequence

from .dtypes import computed_in
from .primitives.base import Value, topological
from .primitives.map import apply, cast


def gradients(outputs: Sequence[Value], heads: Sequence[Value], sources: Sequence[Value]) -> list[Value | None]:
    """The gradients of Σ⟨output, head⟩ with respect to ``sources``; None where nothing depends on a source.

    Shapes and dtypes are those of the sources; heads have the shapes of the outputs.  Halves are added in float32.
    """
    arrived: dict[int, Value] = {}

    def arrive(value: Value, gradient: Value) -> None:
        gradient = cast(gradient, computed_in(value.dtype))
        if value.name and not gradient.name:
            gradient = dataclasses.replace(gradient, name=f"d_{value.name}")
        known = arrived.get(id(value))
        arrived[id(value)] = gradient if known is None else apply("add", known, gradient)

    for output, head in zip(outputs, heads, strict=True):
        arrive(output, head)
    for value in reversed(topological(outputs)):
        if id(value) in arrived and value.inputs:
            for source, gradient in zip(value.inputs, value.primitive.gradient(value, arrived[id(value)]), strict=True):
                if gradient is not None:
                    arrive(source, gradient)
    return [cast(arrived[id(source)], source.dtype) if id(source) in arrived else None for source in sources]
