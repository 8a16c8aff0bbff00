"""The table of MXNet operators that can be decomposed, filled by the files of this folder."""

from collections.abc import Callable
from typing import Any

from ..dtypes import computed_in
from ..effects import Effects
from ..extent import Shape
from ..graph import Call
from ..primitives.base import Leaf, Value

# From a call (for attributes, output shapes and names) and the values of its inputs to the values of its outputs: one
# by itself, or a list.
Rule = Callable[["Site", list[Value]], Value | list[Value]]

OPERATORS: dict[str, Rule] = {}


class UnsupportedError(Exception):
    """A rule does not cover these attributes or shapes; the message completes "cannot compile OPERATOR …"."""


class Site:
    """One call of an operator, as its rule sees it: attributes with defaults, shape and name of its first output,
    the dtype to compute that in; ``outputs`` has all as they are.  ``training``: the mode that the graph is for."""

    def __init__(self, call: Call, training: bool, effects: Effects | None = None) -> None:
        self._attributes = dict(call.attributes)
        self.outputs = call.outputs
        self.shape = call.outputs[0].shape
        self.dtype = computed_in(call.outputs[0].dtype)
        self.name = call.outputs[0].name
        self.training = training
        self._effects = Effects() if effects is None else effects

    def get(self, key: str, default: Any = None) -> Any:
        """An attribute, or MXNet's default for it; some must always be given."""
        value = self._attributes.get(key)
        return default if value is None else value

    def each(self, key: str) -> tuple[Any, ...]:
        """An attribute of several numbers, of which MXNet takes one by itself as well; none by default."""
        value = self.get(key, ())
        return tuple(value) if isinstance(value, (tuple, list)) else (value,)

    def draw(self, operator: str, attributes: dict[str, float], shape: Shape, dtype: str) -> Value:
        """Numbers that MXNet's ``operator`` draws anew for each call of the kernel."""
        return self._effects.draw(operator, attributes, shape, dtype)

    def move(self, statistic: Value, step: Callable[[Value], Value], sources: list[Value]) -> None:
        """Let the backward pass through this call, whose inputs are ``sources``, change a statistic by ``step``."""
        if not isinstance(statistic.primitive, Leaf) or statistic.primitive.name in self._effects.inputs:
            raise UnsupportedError("with running statistics that are not parameters of the layer")
        self._effects.move(statistic, step, sources)


def operator(*names: str) -> Callable[[Rule], Rule]:
    """Enter a rule under the operator's registered names."""

    def enter(rule: Rule) -> Rule:
        assert not OPERATORS.keys() & names, f"a second rule for one of {names}"
        OPERATORS.update(dict.fromkeys(names, rule))
        return rule

    return enter
