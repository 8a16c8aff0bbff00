"""From the traced operators to the primitive graph."""

from .effects import Effects
from .errors import KernelError
from .graph import Array, Graph
from .operators import OPERATORS, Site, UnsupportedError
from .primitives.base import Value, leaf

FLOATS = ("float32", "float64")


def decompose(graph: Graph) -> tuple[list[Value], dict[str, Value], Effects]:
    """The outputs as primitive values, the leaves by name, and what the layer does besides.

    Raises ``KernelError`` naming the operator and the user's line for what no rule covers.
    """
    leaves = {node.array.name: _leaf(graph, node.array) for node in graph.leaves}
    known = dict(leaves)
    effects = Effects({array.name for call in graph.calls for array in call.outputs} | set(leaves))
    for call in graph.calls:
        rule = OPERATORS.get(call.operator)
        if rule is None:
            raise KernelError(
                f"{graph.name} calls the operator {call.operator} at {call.line}, which the numba variant does not know"
            )
        try:
            result = rule(Site(call, bool(graph.training), effects), [known[array.name] for array in call.inputs])
        except UnsupportedError as error:
            raise KernelError(f"{graph.name}: cannot compile {call.operator} at {call.line} {error}") from error
        values = [result] if isinstance(result, Value) else result
        for value, array in zip(values, call.outputs, strict=True):
            _check_shape(graph, value, array)
            known[array.name] = value
    return [known[array.name] for array in graph.outputs], leaves, effects


def _leaf(graph: Graph, array: Array) -> Value:
    if array.dtype not in FLOATS:
        raise KernelError(
            f"{graph.name}: {array.name} is {array.dtype}; the numba variant computes in {' or '.join(FLOATS)}"
        )
    return leaf(array.name, array.shape, array.dtype)


def _check_shape(graph: Graph, value: Value, output: Array) -> None:
    """A rule that misread an attribute is caught here rather than in a kernel."""
    if value.shape != output.shape or value.dtype != output.dtype:
        raise KernelError(
            f"{graph.name}: the rule for {output.name} gives {value.dtype} of another shape than MXNet's "
            f"{output} in {output.dtype}; please report this layer"
        )
