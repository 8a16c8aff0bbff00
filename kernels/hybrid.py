"""The hybridized variant's machinery: trace, print, import, bind to the subject's parameters."""

from collections.abc import Sequence
from typing import Any

from mxnet import gluon, nd

from .compile import load
from .emit.gluon import SymbolicError, depends_on_shape, print_hybrid_block
from .errors import KernelError
from .graph import INPUT, Graph
from .trace import structural_parameters, trace_modes


def generate_hybrid(
    subject: gluon.Block, inputs: Sequence[nd.NDArray], flags: dict[str, bool]
) -> tuple[gluon.HybridBlock, bool]:
    """A hybridized block for inputs like these, and whether it may be wrong for inputs of another shape or mode."""
    graph, text, guarded = _print(subject, inputs)
    generated = getattr(load(graph.name, text), f"Hybrid{graph.name}")
    available = structural_parameters(subject)
    parameters = {leaf.array.name: available[leaf.key] for leaf in graph.leaves if leaf.role != INPUT}
    by_name = {parameter.name: parameter for parameter in parameters.values()}
    if len(by_name) < len(parameters):
        raise KernelError(f"two parameters of {graph.name} have one name, which a symbolic graph cannot tell apart")

    class Bound(generated):  # type: ignore[valid-type, misc]
        def collect_params(self, select: Any = None) -> dict[str, gluon.Parameter]:  # noqa: ARG002
            return by_name

    block = Bound(prefix="")
    block._reg_params = parameters
    block.hybridize(**flags)
    return block, guarded


def hybrid_source(subject: gluon.Block, inputs: Sequence[nd.NDArray]) -> str:
    """The source that ``generate_hybrid`` imports."""
    return _print(subject, inputs)[1]


def _print(subject: gluon.Block, inputs: Sequence[nd.NDArray]) -> tuple[Graph, str, bool]:
    graph, modes_differ = trace_modes(subject, *inputs)
    try:
        return graph, print_hybrid_block(graph), modes_differ or graph.reads_shapes or depends_on_shape(graph)
    except SymbolicError:  # what follows the batch size is written for this batch size alone
        graph, _ = trace_modes(subject, *inputs, any_batch=False)
        return graph, print_hybrid_block(graph), True
