"""A Block for the time of a trace: imperative throughout, and without its users' hooks."""

from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial

from mxnet import gluon

from ..arguments import call
from ..variant import Variant

HOOKS = ("_forward_hooks", "_forward_pre_hooks")


@contextmanager
def plain_children(block: gluon.Block) -> Iterator[None]:
    """For the time of a trace, run hybridized blocks imperatively and variants as what they are variants of."""
    blocks = list(_blocks(block))
    active = [child for child in blocks if getattr(child, "_active", False)]
    variants = [(child, child.__dict__.get("forward")) for child in blocks if isinstance(child, Variant)]
    hooks = [(child, name, child.__dict__[name]) for child in blocks for name in HOOKS]
    for child, name, _ in hooks:  # they are for the calls that a user makes
        child.__dict__[name] = {}
    for child in active:
        child._active = False
    for child, _ in variants:
        child.__dict__["forward"] = partial(call, child.subject)
    try:
        yield
    finally:
        for child in active:
            child._active = True
        for child, name, callbacks in hooks:
            child.__dict__[name] = callbacks
        for child, forward in variants:
            child.__dict__.pop("forward")
            if forward is not None:
                child.__dict__["forward"] = forward


def _blocks(block: gluon.Block) -> Iterator[gluon.Block]:
    yield block
    for child in [block.subject] if isinstance(block, Variant) else block._children.values():
        yield from _blocks(child)
