"""The hybridized variant's machinery: trace, print, import, bind to the subject's parameters."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from mxnet import gluon

from .arguments import Arguments
from .compile import load
from .emit.gluon import SymbolicError, depends_on_shape, print_hybrid_block
from .errors import KernelError
from .graph import INPUT, Graph
from .structure import Slot, Structure, rebuild
from .trace import structural_parameters, trace_modes


@dataclass(frozen=True)
class Hybrid:
    """A hybridized block, which takes a call's arrays one after the other.

    ``guarded``: it may be wrong for inputs of another shape or mode.
    """

    block: gluon.HybridBlock
    returns: Structure
    guarded: bool

    def function(self) -> Callable[..., Any]:
        """From a call's arrays to what forward returns for them."""
        if isinstance(self.returns, Slot):
            return self.block.forward  # type: ignore[no-any-return]
        return lambda *arrays: rebuild(self.returns, iter(self.block.forward(*arrays)))


def generate_hybrid(subject: gluon.Block, arguments: Arguments, flags: dict[str, bool]) -> Hybrid:
    """The hybridized block for a call like this one."""
    graph, text, guarded = _print(subject, arguments)
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
    return Hybrid(block, graph.returns, guarded)


def hybrid_source(subject: gluon.Block, arguments: Arguments) -> str:
    """The source that ``generate_hybrid`` imports."""
    return _print(subject, arguments)[1]


def _print(subject: gluon.Block, arguments: Arguments) -> tuple[Graph, str, bool]:
    graph, modes_differ = trace_modes(subject, arguments)
    try:
        return graph, print_hybrid_block(graph), modes_differ or graph.reads_shapes or depends_on_shape(graph)
    except SymbolicError:  # what follows the batch size is written for this batch size alone
        graph, _ = trace_modes(subject, arguments, any_batch=False)
        return graph, print_hybrid_block(graph), True
