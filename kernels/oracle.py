"""The primitive graph interpreted by NumPy: what the printed code is checked against."""

from collections.abc import Mapping, Sequence

import numpy as np

from .primitives.base import Leaf, Value, topological


def evaluate(outputs: Sequence[Value], leaves: Mapping[str, np.ndarray], batch: int) -> list[np.ndarray]:
    """The outputs for these leaves (by name; their dtype is kept) at one batch size."""
    known: dict[int, np.ndarray] = {}
    for value in topological(outputs):
        if isinstance(value.primitive, Leaf):
            known[id(value)] = leaves[value.primitive.name]
        else:
            known[id(value)] = value.primitive.evaluate(batch, *(known[id(source)] for source in value.inputs))
    return [known[id(output)] for output in outputs]
