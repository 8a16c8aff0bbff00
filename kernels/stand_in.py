"""A user's block with other children: its forward runs as it is written, and the block itself is left alone."""

from collections import OrderedDict
from collections.abc import Callable, Mapping
from typing import Any

from mxnet import gluon

from .arguments import call
from .variant import Variant

# What every Block has of its own, and what a stand-in must not hand back to the block that it stands for.
OWN_TO_BLOCKS = frozenset(vars(gluon.HybridBlock(prefix="")))

MISSING = object()


class StandIn:
    """``block``, un-hybridized, with its children replaced by ``replacements``: from a child's id to what is called."""

    def __init__(self, block: gluon.Block, replacements: Mapping[int, gluon.Block]) -> None:
        self._block = block
        self._replaced: dict[str, tuple[Any, Any]] = {}
        for name, value in vars(block).items():
            replacement = _replace(value, replacements)
            if replacement is not value:
                self._replaced[name] = value, replacement

    def __call__(self, *inputs: Any, **named: Any) -> Any:
        """What the block returns; attributes that forward sets are set on the block, as in a call of its own."""
        block = self._block
        double = object.__new__(type(block))  # a new one each time: attributes may change between calls
        given = {**vars(block), "_active": False, "_forward_hooks": {}, "_forward_pre_hooks": {}}
        for name, (original, replacement) in self._replaced.items():
            if given.get(name) is original:
                given[name] = replacement
        double.__dict__.update(given)
        outputs = call(double, *inputs, **named)
        for name, value in vars(double).items():
            if given.get(name, MISSING) is not value and name not in OWN_TO_BLOCKS:
                vars(block)[name] = value.subject if isinstance(value, Variant) else value
        return outputs


def _replace(value: Any, replacements: Mapping[int, gluon.Block]) -> Any:
    """``value`` with the blocks in it replaced; ``value`` itself if there are none."""
    if isinstance(value, gluon.Block):
        return replacements.get(id(value), value)
    build: dict[type, Callable[[Any], Any]] = {list: list, tuple: tuple}
    if type(value) in build:
        items = [_replace(item, replacements) for item in value]
        changed = any(item is not before for item, before in zip(items, value, strict=True))
        return build[type(value)](items) if changed else value
    if type(value) in (dict, OrderedDict):
        pairs = {key: _replace(item, replacements) for key, item in value.items()}
        changed = any(pairs[key] is not value[key] for key in pairs)
        return type(value)(pairs) if changed else value
    return value
