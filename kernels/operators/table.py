"""The table of MXNet operators that can be decomposed, filled by the files of this folder."""

from collections.abc import Callable
from typing import Any

from ..graph import Call
from ..primitives.base import Value

# From a call (for attributes, output shapes and names) and the values of its inputs to the values of its outputs: one
# by itself, or a list.
Rule = Callable[["Site", list[Value]], Value | list[Value]]

OPERATORS: dict[str, Rule] = {}


class UnsupportedError(Exception):
    """A rule does not cover these attributes or shapes; the message completes "cannot compile OPERATOR …"."""


class Site:
    """One call of an operator, as its rule sees it: attributes with defaults, shape, dtype and name of its first
    output; ``outputs`` has those of all."""

    def __init__(self, call: Call) -> None:
        self._attributes = dict(call.attributes)
        self.outputs = call.outputs
        self.shape = call.outputs[0].shape
        self.dtype = call.outputs[0].dtype
        self.name = call.outputs[0].name

    def get(self, key: str, default: Any) -> Any:
        """An attribute, or MXNet's default for it."""
        value = self._attributes.get(key)
        return default if value is None else value


def operator(*names: str) -> Callable[[Rule], Rule]:
    """Enter a rule under the operator's registered names."""

    def enter(rule: Rule) -> Rule:
        OPERATORS.update(dict.fromkeys(names, rule))
        return rule

    return enter
