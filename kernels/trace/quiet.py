"""A Block for the time of a trace: imperative throughout, and without its users' hooks."""

from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial

from mxnet import gluon

from ..arguments import call
from ..errors import KernelError, UncompilableError
from ..names import block_name
from ..variant import Variant

HOOKS = ("_forward_hooks", "_forward_pre_hooks")

_HUSHED: set[int] = set()  # the blocks whose hooks have been taken away for a while


@contextmanager
def plain_children(block: gluon.Block) -> Iterator[None]:
    """For the time of a trace, run hybridized blocks imperatively and variants as what they are variants of.

    Hooks are for the calls that a user makes, and what forward sets on its block is for those too: all attributes are
    afterwards what they were.
    """
    blocks = {id(child): child for child in _blocks(block)}.values()
    before = [(child.__dict__, dict(child.__dict__)) for child in blocks]
    hushed = {id(child) for child in blocks if has_hooks(child)} - _HUSHED
    _HUSHED.update(hushed)
    for child in blocks:
        child.__dict__.update({name: {} for name in HOOKS}, _active=False)
        if isinstance(child, Variant):
            child.__dict__["forward"] = partial(call, child.subject)
    try:
        yield
    finally:
        for attributes, values in before:
            for name in attributes.keys() - values.keys():
                del attributes[name]
            attributes.update(values)
        _HUSHED.difference_update(hushed)


def has_hooks(block: gluon.Block) -> bool:
    """Whether a user wants to see the calls of this block."""
    return id(block) in _HUSHED or any(block.__dict__[name] for name in HOOKS)


def check_hooks(block: gluon.Block) -> None:
    """Raise ``UncompilableError`` if an inner block has a hook, which no kernel could call."""
    _, *inner = _blocks(block)
    for child in inner:
        if has_hooks(child):
            raise UncompilableError(
                f"the block {block_name(child)} in {block_name(block)} has a hook, which no kernel can call"
            )


def _blocks(block: gluon.Block, above: tuple[gluon.Block, ...] = ()) -> Iterator[gluon.Block]:
    if any(block is one for one in above):
        raise KernelError(f"{block_name(block)} holds itself as a child, so that its parameters have no end")
    yield block
    for child in [block.subject] if isinstance(block, Variant) else block._children.values():
        yield from _blocks(child, (*above, block))
