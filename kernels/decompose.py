"""From the traced operators to the primitive graph."""

from .dtypes import DTYPES, computed_in, listed
from .effects import Effects
from .errors import KernelError, UncompilableError, told
from .graph import INPUT, Array, Graph
from .operators import OPERATORS, Site, UnsupportedError
from .primitives.base import Value, leaf
from .primitives.map import cast

WHAT_TO_DO = "`gluonmark operators` lists what is supported, docs/adding-an-operator.md shows how to add one"


def decompose(graph: Graph) -> tuple[list[Value], dict[str, Value], Effects]:
    """The outputs as primitive values, the leaves by name, and what the layer does besides.

    Between leaves and outputs, halves are computed with in float32.

    Raises ``UncompilableError`` naming the operator and the user's line for what no rule covers.
    """
    leaves = {node.array.name: _leaf(graph, node.array) for node in graph.leaves}
    known = {name: cast(value, computed_in(value.dtype), f"{name}_single") for name, value in leaves.items()}
    computed = {array.name for call in graph.calls for array in call.outputs}
    effects = Effects(computed | set(leaves), frozenset(node.array.name for node in graph.leaves_of(INPUT)))
    for call in graph.calls:
        rule = OPERATORS.get(call.operator)
        if rule is None:
            raise UncompilableError(
                f"{graph.name} calls the operator {call.operator} at {call.line}, which the numba variant does not "
                f"know: {WHAT_TO_DO}"
            )
        try:
            result = rule(Site(call, bool(graph.training), effects), [known[array.name] for array in call.inputs])
        except UnsupportedError as error:
            raise UncompilableError(
                f"{graph.name}: cannot compile {call.operator} at {call.line} {error}: {WHAT_TO_DO}"
            ) from error
        except KernelError:
            raise
        except Exception as error:  # a rule that did not think of these attributes: MXNet runs it, as it does others
            raise UncompilableError(
                f"{graph.name}: the rule for {call.operator} at {call.line} fails with {told(error)}; "
                "please report this layer"
            ) from error
        values = [result] if isinstance(result, Value) else result
        for value, array in zip(values, call.outputs, strict=True):
            _check_shape(graph, value, array)
            known[array.name] = cast(value, computed_in(array.dtype))
    return [cast(known[array.name], array.dtype) for array in graph.outputs], leaves, effects


def _leaf(graph: Graph, array: Array) -> Value:
    if array.dtype not in DTYPES:
        raise UncompilableError(
            f"{graph.name}: {array.name} is {array.dtype}; the numba variant takes {listed(DTYPES)}"
        )
    return leaf(array.name, array.shape, array.dtype)


def _check_shape(graph: Graph, value: Value, output: Array) -> None:
    """A rule that misread an attribute is caught here rather than in a kernel."""
    if value.shape != output.shape or value.dtype not in (output.dtype, computed_in(output.dtype)):
        raise UncompilableError(
            f"{graph.name}: the rule for {output.name} gives {value.dtype} of another shape than MXNet's "
            f"{output} in {output.dtype}; please report this layer"
        )
