"""Contract: sums of products over shared axes, as ``einsum`` writes them: ``ni,ij->nj`` is a matrix product."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ..extent import Extent
from .base import Primitive, Value


@dataclass(frozen=True)
class Contract(Primitive):
    """One letter per axis.  A letter of an operand that the result lacks is summed over; it stands in two operands."""

    operands: tuple[str, ...]
    result: str

    def evaluate(self, batch: int, *arrays: np.ndarray) -> np.ndarray:
        """NumPy's einsum."""
        return np.asarray(np.einsum(f"{','.join(self.operands)}->{self.result}", *arrays, optimize=True))

    def gradient(self, value: Value, head: Value) -> list[Value]:
        """For each operand, the head contracted with all the others."""
        gradients = []
        for position, letters in enumerate(self.operands):
            others = [other for other in range(len(self.operands)) if other != position]
            gradients.append(
                contract(
                    [self.result, *(self.operands[other] for other in others)],
                    letters,
                    [head, *(value.inputs[other] for other in others)],
                )
            )
        return gradients


def contract(operands: Sequence[str], result: str, values: Sequence[Value], name: str = "") -> Value:
    """The contraction of ``values``; the letters give the axes of each."""
    extents: dict[str, Extent] = {}
    for letters, value in zip(operands, values, strict=True):
        extents.update(zip(letters, value.shape, strict=True))
    shape = tuple(extents[letter] for letter in result)
    return Value(Contract(tuple(operands), result), tuple(values), shape, values[0].dtype, name)
