"""What the numba variant knows of MXNet's operators, found by decomposing their examples: nothing here is declared."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cache

from mxnet import autograd, nd

from .decompose import decompose
from .dtypes import FLOATS, computed_in
from .errors import KernelError
from .gradient import gradients
from .graph import Call, Graph
from .operators import OPERATORS, Site, UnsupportedError
from .operators.examples import Call as Example
from .operators.examples import Examples, all_examples
from .operators.names import aliases
from .primitives.base import Leaf, Primitive, Value, leaf, topological
from .trace import trace


@dataclass
class Known:
    """What the examples of one operator show.  ``refused``: what completes "cannot compile OPERATOR"."""

    operator: str
    primitives: dict[str, set[str]] = field(default_factory=dict)
    gradient: bool = False
    dtypes: set[str] = field(default_factory=set)
    refused: set[str] = field(default_factory=set)

    def row(self) -> dict[str, str]:
        """The operator as a row of the table, with the aliases that a person may write."""
        public = [name for name in aliases(self.operator) if not name.startswith("_")]
        whole = sorted(self.dtypes - set(FLOATS))
        return {
            "operator": ", ".join([self.operator, *public]),
            "primitives": ", ".join(map(_spelt, sorted(self.primitives.items()))) or "none",
            "gradient": "yes" if self.gradient else "no",
            "dtypes": ", ".join([dtype for dtype in FLOATS if dtype in self.dtypes] + whole),
            "refused": "; ".join(sorted(self.refused)),
        }


@cache
def inventory() -> list[Known]:
    """Every operator of the table, by its registered name; one without an example has no dtypes."""
    known: dict[str, Known] = {}
    for _, group in all_examples():
        for dtype in FLOATS:
            for graph in _graphs(group, dtype, group.calls):
                taken = _decomposes(graph)
                for call in graph.calls:
                    _note(known.setdefault(call.operator, Known(call.operator)), call, graph, taken)
        for graph in _graphs(group, group.dtype, group.refused):
            for call in graph.calls:
                _note(known.setdefault(call.operator, Known(call.operator)), call, graph, False)
    return [known[name] for name in sorted(known, key=str.lower) if name in OPERATORS]


def _spelt(primitive: tuple[str, set[str]]) -> str:
    """``Map(add, multiply)``; a primitive of one kind by its name."""
    name, kinds = primitive
    return f"{name}({', '.join(sorted(kinds))})" if kinds else name


def _graphs(group: Examples, dtype: str, examples: Mapping[str, Example]) -> Iterator[Graph]:
    """Each example, traced with floats of this dtype in training mode; none where MXNet itself refuses it."""
    for label, example in examples.items():
        block = group.block({label: example})
        block.initialize()
        block.cast(dtype)
        arrays = [nd.array(array, dtype=array.dtype) for array in group.draw(group.batches[0], dtype)]
        try:
            with autograd.train_mode():
                yield trace(block, *arrays, any_batch=dtype == group.dtype)
        except KernelError:
            continue


def _decomposes(graph: Graph) -> bool:
    try:
        decompose(graph)
    except KernelError:
        return False
    return True


def _note(known: Known, call: Call, graph: Graph, taken: bool) -> None:
    """Apply the rule to the call as it stands, and see what becomes of it."""
    rule = OPERATORS.get(call.operator)
    if rule is None:
        return
    leaves = [leaf(f"x{place}", array.shape, computed_in(array.dtype)) for place, array in enumerate(call.inputs)]
    try:
        result = rule(Site(call, bool(graph.training)), leaves)
    except UnsupportedError as error:
        known.refused.add(str(error))
        return
    if taken:
        values = [result] if isinstance(result, Value) else result
        known.dtypes.update(array.dtype for array in call.inputs or call.outputs)
        for value in topological(values):
            _note_primitive(known, value.primitive)
        heads = [leaf(f"head{place}", value.shape, value.dtype) for place, value in enumerate(values)]
        known.gradient |= any(slope is not None for slope in gradients(values, heads, leaves))


def _note_primitive(known: Known, primitive: Primitive) -> None:
    if not isinstance(primitive, Leaf):
        kind = getattr(primitive, "function", getattr(primitive, "combination", None))
        known.primitives.setdefault(type(primitive).__name__, set()).update([kind] if kind else [])
