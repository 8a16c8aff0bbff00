"""From the traced operators to the primitive graph."""

from collections.abc import Sequence

from .errors import KernelError
from .graph import Array, Graph
from .operators import OPERATORS, Site, UnsupportedError
from .primitives.base import Value, leaf

FLOATS = ("float32", "float64")


def decompose(graph: Graph) -> tuple[list[Value], dict[str, Value]]:
    """The outputs as primitive values, and the leaves by name.

    Raises ``KernelError`` naming the operator and the user's line for what no rule covers.
    """
    leaves = {node.array.name: _leaf(graph, node.array) for node in graph.leaves}
    known = dict(leaves)
    for call in graph.calls:
        rule = OPERATORS.get(call.operator)
        if rule is None:
            raise KernelError(
                f"{graph.name} calls the operator {call.operator} at {call.line}, which the numba variant does not know"
            )
        try:
            value = rule(Site(call), [known[array.name] for array in call.inputs])
        except UnsupportedError as error:
            raise KernelError(f"{graph.name}: cannot compile {call.operator} at {call.line} {error}") from error
        _check_shape(graph, value, call.outputs)
        known[call.outputs[0].name] = value
    return [known[array.name] for array in graph.outputs], leaves


def _leaf(graph: Graph, array: Array) -> Value:
    if array.dtype not in FLOATS:
        raise KernelError(
            f"{graph.name}: {array.name} is {array.dtype}; the numba variant computes in {' or '.join(FLOATS)}"
        )
    return leaf(array.name, array.shape, array.dtype)


def _check_shape(graph: Graph, value: Value, outputs: Sequence[Array]) -> None:
    """A rule that misread an attribute is caught here rather than in a kernel."""
    if value.shape != outputs[0].shape or value.dtype != outputs[0].dtype:
        raise KernelError(
            f"{graph.name}: the rule for {outputs[0].name} gives {value.dtype} of another shape than MXNet's "
            f"{outputs[0]} in {outputs[0].dtype}; please report this layer"
        )
