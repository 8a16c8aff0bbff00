"""The numba variant of a whole network: its largest blocks that can be compiled, and MXNet for the rest.

A block that cannot be compiled as a whole is run as it is written, over children each of which is served in the same
way (``ways.py``).  What can be compiled is found by trying, in a rehearsal that leaves no mark, once for each kind of
call.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from mxnet import autograd, gluon, nd
from mxnet.gluon import nn
from mxnet.gluon.utils import _check_all_np_ndarrays
from mxnet.util import _NumpyArrayScope

from .arguments import NOTHING, Arguments, call
from .errors import KernelError, PartError, UncompilableError
from .jitted import JitPlans, generate_program
from .program import Program
from .trace import rehearsal
from .variant import Variant
from .ways import AsWritten, ByMXNet, InARow, Link, Piece, Way, is_rehearsing, is_sequence

Kind = tuple[Any, ...]


class Jit(Variant):
    """The subject as generated Numba kernels on MXNet's own buffers, in parts where it must be.

    ``place`` is its structural name in the network that it is a part of.
    """

    _active = True

    def __init_subclass__(cls) -> None:
        cls._active = cls.forward is Jit.forward

    def __init__(self, subject: gluon.Block, strict: bool = False) -> None:
        super().__init__(subject)
        self.__dict__["user_block"] = subject
        self.place = ""
        self._strict = strict
        self.regenerate()

    def _options(self) -> tuple[Any, ...]:
        return (self._strict,)

    def regenerate(self) -> None:
        """Trace and generate anew at the next call."""
        self._plans = JitPlans(self.subject)
        self._programs: dict[Kind, Program] = {}  # for the kinds of calls that were considered
        self._ways: dict[Kind, Way] = {}  # for the kinds of calls that cannot be compiled as a whole
        self._parts: dict[tuple[int, ...], Part] = {}  # of the whole network, by the ids of the blocks in each

    def __call__(self, *inputs: Any, **named: Any) -> Any:
        """As any variant's, by the short way while that is open (in a trace ``_active`` is False)."""
        if self._active and not (named or self._forward_pre_hooks or self._forward_hooks or self._ways):
            result = self._plans.shortcut(inputs)
            if result is not None:
                scope = getattr(_NumpyArrayScope._current, "value", None)
                if scope is not None and scope._is_np_array:
                    _check_all_np_ndarrays(result)
                return result
        return super().__call__(*inputs, **named)

    def forward(self, *inputs: Any, **named: Any) -> Any:
        """The outputs; recorded on MXNet's tape inside ``autograd.record()``."""
        way = self._ways.get(kind_of(inputs, named)) if self._ways else None
        if way is None:
            try:
                return self._plans.call_structured(inputs, named) if named else self._plans.call(inputs)
            except UncompilableError as refusal:
                if self._strict:
                    raise
                way = self._way_without(inputs, named, refusal)
        return way(*inputs, **named)

    def _way_without(self, inputs: Sequence[Any], named: Mapping[str, Any], refusal: UncompilableError) -> Way:
        """The way of a call that cannot be compiled as a whole; ``refusal`` is raised if no part can be either."""
        way = self.decide(inputs, named, refusal)
        if not way.compiled:
            del self._ways[kind_of(inputs, named)]
            raise refusal
        return way

    def decide(self, inputs: Sequence[Any], named: Mapping[str, Any], refusal: UncompilableError) -> Way:
        """Choose how such calls are run, given why they cannot be compiled as a whole."""
        way: Way = ByMXNet(self, refusal)
        if self.subject._children:
            in_a_row = is_sequence(self.subject) and len(inputs) == 1 and not named
            divided = InARow(self) if in_a_row else AsWritten(self, refusal)
            with rehearsal(self.subject, inputs, named):
                divided.rehearse(*inputs, **named)
            way = divided if divided.compiled else way
        self._ways[kind_of(inputs, named)] = way
        return way

    def way(self, inputs: Sequence[Any], named: Mapping[str, Any] = NOTHING) -> Way | None:
        """How such calls are run; None if they are compiled as a whole.  Tries that, but compiles nothing yet."""
        kind = kind_of(inputs, named)
        if kind not in self._ways:
            refusal = self.refusal(inputs, named)
            return None if refusal is None else self.decide(inputs, named, refusal)
        return self._ways[kind]

    def refusal(self, inputs: Sequence[Any], named: Mapping[str, Any] = NOTHING) -> UncompilableError | None:
        """Why such calls cannot be compiled as a whole; None if they can."""
        kind = kind_of(inputs, named)
        if kind not in self._programs:
            try:
                *_, self._programs[kind] = generate_program(self.subject, Arguments.of(self.subject, inputs, named))
            except UncompilableError as refusal:
                return refusal
        return None

    @property
    def compiled(self) -> bool:
        """Whether anything in it is compiled, as far as it was considered."""
        return bool(self._programs) or any(way.compiled for way in self._ways.values())

    def part(self, links: Sequence[Link]) -> "Part":
        """The part that this block is, or these neighbours are, wherever they are used in the network."""
        key = tuple(id(block) for _, block in links)
        if key not in self._parts:
            self._parts[key] = Part(links[0][1] if len(links) == 1 else _joined(self.subject, links), links, self)
        return self._parts[key]

    def children(self) -> list[Link]:
        """The subject's children by structural name in the network."""
        prefix = f"{self.place}." if self.place and not isinstance(self.subject, Joined) else ""
        return [(prefix + name, child) for name, child in self.subject._children.items()]

    def pieces(self) -> Iterator[Piece]:
        """What was considered: the whole, and the parts of each way."""
        for program in self._programs.values():
            yield Piece(self.place, class_names(self.subject), program, "")
        for way in self._ways.values():
            yield from way.pieces()


class Part(Jit):
    """What stands in the place of a user's block, or of neighbours, while a network runs."""

    def __init__(self, user_block: gluon.Block, links: Sequence[Link], whole: Jit) -> None:
        super().__init__(user_block.subject if isinstance(user_block, Variant) else user_block)
        # What MXNet runs, if it must: a variant too, unless it is one that would refuse.
        self.__dict__["user_block"] = self.subject if isinstance(user_block, Jit) else user_block
        self.place = " to ".join(name for name, _ in (links if len(links) == 1 else [links[0], links[-1]]))
        self._parts = whole._parts
        # A forward may go through them by itself.
        self.__dict__["_children"] = {
            key: self.part([link]) for key, link in zip(self.subject._children, self.children(), strict=True)
        }

    def __call__(self, *inputs: Any, **named: Any) -> Any:
        """The outputs, with the hooks of the user's block called as MXNet calls them."""
        if is_rehearsing():
            self.way(inputs, named)
            return call(self.user_block, *inputs, **named)
        if not (self.subject._forward_hooks or self.subject._forward_pre_hooks):
            return self._served(inputs, named)
        if isinstance(self.way(inputs, named), ByMXNet):
            return call(self.user_block, *inputs, **named)
        for hook in list(self.subject._forward_pre_hooks.values()):
            hook(self.subject, inputs)
        outputs = self._served(inputs, named)
        for hook in list(self.subject._forward_hooks.values()):
            hook(self.subject, inputs, outputs)
        return outputs

    def _served(self, inputs: Sequence[Any], named: Mapping[str, Any]) -> Any:
        try:
            return self.forward(*inputs, **named)
        except PartError:
            raise
        except KernelError as error:
            raise PartError(f"part {self.place}: {error}") from error

    def _way_without(self, inputs: Sequence[Any], named: Mapping[str, Any], refusal: UncompilableError) -> Way:
        return self.decide(inputs, named, refusal)

    @property
    def compiled(self) -> bool:
        """Whether anything in it is compiled; a forward may have called its children instead of it."""
        return super().compiled or any(part.compiled for part in self._children.values())

    def pieces(self) -> Iterator[Piece]:
        """As of any block, or those of its children if they were called instead of it."""
        if self._programs or self._ways:
            yield from super().pieces()
        else:
            for part in self._children.values():
                yield from part.pieces()

    def _known(self, found: Any) -> Any:
        """The part that stands for a block of the user's."""
        return self._parts.get((id(found),), found) if isinstance(found, gluon.Block) else found

    def __getattr__(self, name: str) -> Any:
        return self._known(super().__getattr__(name))

    def __getitem__(self, key: Any) -> Any:
        return self._known(self.subject[key])

    def __iter__(self) -> Iterator[Any]:
        return map(self._known, self.subject)


class Joined(nn.Sequential):
    """Neighbours in a Sequential, as one block; its children have their names in the network."""


def _joined(whole: gluon.Block, links: Sequence[Link]) -> Joined:
    name = f"{type(whole).__name__}_{links[0][0]}_to_{links[-1][0]}"
    joined: Joined = type(name, (Joined,), {})(prefix=whole.prefix, params=whole.params)
    joined._children.update(links)
    return joined


def class_names(block: gluon.Block) -> str:
    """The class of a block, the classes of neighbours."""
    blocks = block._children.values() if isinstance(block, Joined) else [block]
    return ", ".join(type(each).__name__ for each in blocks)


def kind_of(inputs: Sequence[Any], named: Mapping[str, Any]) -> Kind:
    """What decides whether calls can be compiled alike: the mode, and everything about the inputs but their numbers."""
    kinds = (autograd.is_training(), *map(_kind, inputs))
    return (kinds, _kind(named)) if named else kinds


def _kind(value: Any) -> Any:
    if isinstance(value, nd.NDArray):
        return type(value), value.context, value.dtype, value.shape[1:]
    if isinstance(value, (list, tuple)):
        return type(value), *map(_kind, value)
    if isinstance(value, Mapping):
        return type(value), *value, *map(_kind, value.values())
    return value if value is None or isinstance(value, (bool, str)) else type(value)
