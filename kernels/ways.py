"""How a block is run that cannot be compiled as a whole: by MXNet, or as its parts."""

import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

from mxnet import gluon
from mxnet.gluon import nn

from .arguments import call
from .errors import UncompilableError
from .program import Program
from .stand_in import StandIn
from .trace.quiet import has_hooks
from .trace.run import called

if TYPE_CHECKING:
    from .network import Jit, Part

_THREAD = threading.local()


Link = tuple[str, gluon.Block]  # a block by its structural name in the network


class Piece(NamedTuple):
    """One part of a network: its structural name, its class or classes, its program or else why it has none."""

    name: str
    block: str
    program: Program | None
    reason: str


class Way(Protocol):
    """One way to run a block."""

    @property
    def compiled(self) -> bool:
        """Whether any part of it is compiled."""

    def __call__(self, *inputs: Any, **named: Any) -> Any:
        """What the block returns."""

    def pieces(self) -> Iterator[Piece]:
        """The parts, in order."""


class ByMXNet:
    """The user's block itself."""

    compiled = False

    def __init__(self, whole: "Jit", refusal: UncompilableError) -> None:
        self._block = whole.user_block
        self._piece = Piece(whole.place, type(whole.subject).__name__, None, str(refusal))

    def __call__(self, *inputs: Any, **named: Any) -> Any:
        """What the block returns."""
        return call(self._block, *inputs, **named)

    def pieces(self) -> Iterator[Piece]:
        """The one that it is."""
        yield self._piece


class AsWritten:
    """The user's forward, over the parts that its children are."""

    def __init__(self, whole: "Jit", refusal: UncompilableError) -> None:
        self._subject = whole.subject
        self._piece = Piece(whole.place, type(whole.subject).__name__, None, str(refusal))
        parts = {id(child): whole.part([(name, child)]) for name, child in whole.children()}
        self._parts = list(parts.values())
        self._stand_in = StandIn(whole.subject, parts)

    @property
    def compiled(self) -> bool:
        """Whether any part of it is compiled."""
        return any(part.compiled for part in self._parts)

    def rehearse(self, *inputs: Any, **named: Any) -> None:
        """Let every part choose how it is run with what it is called with."""
        with rehearsing():
            called(self._subject, lambda: self._stand_in(*inputs, **named), inputs)

    def __call__(self, *inputs: Any, **named: Any) -> Any:
        """What the block returns."""
        return self._stand_in(*inputs, **named)

    def pieces(self) -> Iterator[Piece]:
        """The forward itself, then the parts."""
        yield self._piece
        for part in self._parts:
            uncalled = Piece(part.place, type(part.subject).__name__, None, "forward does not call it as a block")
            yield from list(part.pieces()) or [uncalled]


class InARow:
    """A Sequential, as the longest runs of neighbours that can be compiled together and what lies between them."""

    def __init__(self, whole: "Jit") -> None:
        self._whole = whole
        self._parts: list[Part] = []
        self._steps: list[gluon.Block] = []

    @property
    def compiled(self) -> bool:
        """Whether any part of it is compiled."""
        return any(part.compiled for part in self._parts)

    def rehearse(self, value: Any) -> None:
        """Find the parts."""
        links = self._whole.children()
        while links:
            part, count = self._whole.part(links[:1]), 1
            refusal = part.refusal([value])
            if refusal is None:
                count = self._furthest(links, value)
                part = self._whole.part(links[:count])
            elif is_sequence(part.subject) and not has_hooks(part.subject):
                links[:1] = part.children()  # the last of them may go with what comes after them
                continue
            by_mxnet = isinstance(part.way([value]), ByMXNet)
            self._parts.append(part)
            self._steps.append(part.user_block if by_mxnet else part)
            value = called(part.subject, partial(part.user_block, value), [value])
            del links[:count]

    def _furthest(self, links: Sequence[Link], value: Any) -> int:
        """How many of the links compile as one block, given that the first does."""
        fits, misfits, attempt = 1, len(links) + 1, len(links)
        while misfits - fits > 1:
            if self._whole.part(links[:attempt]).refusal([value]) is None:
                fits = attempt
            else:
                misfits = attempt
            attempt = (fits + misfits) // 2
        return fits

    def __call__(self, value: Any) -> Any:
        """What the block returns."""
        for step in self._steps:
            value = step(value)
        return value

    def pieces(self) -> Iterator[Piece]:
        """The parts, in order."""
        for part in self._parts:
            yield from part.pieces()


def is_sequence(block: gluon.Block) -> bool:
    """Whether a block does nothing but hand its input from child to child."""
    kind = type(block)
    return (isinstance(block, nn.Sequential) and kind.forward is nn.Sequential.forward) or (
        isinstance(block, nn.HybridSequential) and kind.hybrid_forward is nn.HybridSequential.hybrid_forward
    )


def is_rehearsing() -> bool:
    """Whether this thread rehearses."""
    return getattr(_THREAD, "rehearsing", False)


@contextmanager
def rehearsing() -> Iterator[None]:
    """Let parts that are called by this thread choose how they are run, and be run by MXNet this once."""
    before = is_rehearsing()
    _THREAD.rehearsing = True
    try:
        yield
    finally:
        _THREAD.rehearsing = before
