"""What a trace saw: the operators of one forward pass, in order, with their arrays, attributes and lines."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from .extent import Shape, show
from .structure import Structure

INPUT, PARAMETER, CONSTANT = "input", "parameter", "constant"


@dataclass(frozen=True)
class Array:
    """One array of the graph.  ``name`` is unique in it and a Python identifier."""

    name: str
    shape: Shape
    dtype: str

    def __str__(self) -> str:
        return f"{self.name}{show(self.shape)}"


@dataclass(frozen=True)
class Leaf:
    """An array that forward starts from.

    ``role`` is ``input``, ``parameter`` or ``constant``; ``key`` is the parameter's structural name
    (``0.weight``), as ``save_parameters`` writes it, and the input's name otherwise.
    """

    array: Array
    role: str
    key: str


@dataclass(frozen=True)
class Call:
    """One call of an MXNet operator: ``outputs = operator(*inputs, **attributes)``, written at ``line``."""

    operator: str
    inputs: tuple[Array, ...]
    attributes: tuple[tuple[str, Any], ...]
    outputs: tuple[Array, ...]
    line: str

    def __str__(self) -> str:
        arguments = [array.name for array in self.inputs] + [f"{key}={_text(value)}" for key, value in self.attributes]
        return f"{', '.join(map(str, self.outputs))} = {self.operator}({', '.join(arguments)})"


def _text(value: Any) -> str:
    """An attribute as text; one that follows the batch size says how."""
    if isinstance(value, tuple):
        return f"({', '.join(map(_text, value))}{',' if len(value) == 1 else ''})"
    return str(value)


@dataclass(frozen=True)
class Graph:
    """A traced forward pass.

    ``polymorphic`` graphs hold for every batch size, others for the traced one.  ``returns`` is what the outputs come
    in: one by itself, or lists, tuples and dicts, with None where forward gives none.
    Where forward ``reads_shapes`` it may branch on them, and where it refuses a batch of one row it may refuse others,
    so the graph is sure only for batch sizes it was traced at.
    ``training`` says which mode the graph is for; None if forward does the same in both.
    """

    name: str
    leaves: tuple[Leaf, ...]
    calls: tuple[Call, ...]
    outputs: tuple[Array, ...]
    returns: Structure
    polymorphic: bool
    reads_shapes: bool
    training: bool | None = field(default=None, compare=False)

    @property
    def mode(self) -> str:
        """The mode in words, if forward asks for it."""
        return {None: "", True: "training", False: "inference"}[self.training]

    def leaves_of(self, role: str) -> Iterator[Leaf]:
        """The leaves with one role, in order."""
        return (leaf for leaf in self.leaves if leaf.role == role)

    def __str__(self) -> str:
        rows = [(leaf.role, str(leaf.array), leaf.key) for leaf in self.leaves]
        rows += [("call", str(call), call.line) for call in self.calls]
        rows += [("output", str(array), "") for array in self.outputs]
        widths = [max(len(row[column]) for row in rows) for column in (0, 1)]
        body = (f"{role:<{widths[0]}}  {what:<{widths[1]}}  {where}".rstrip() for role, what, where in rows)
        title = f"{self.name}: {'any batch size n' if self.polymorphic else 'this shape only'}"
        return "\n".join([f"{title}, {self.mode}" if self.mode else title, *body])
