"""One call of forward, checked and flattened: its arrays, and the structure that they stood in."""

import inspect
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from mxnet import gluon, nd
from mxnet.symbol import Symbol

from .errors import KernelError, UncompilableError
from .names import block_name
from .structure import Container, NotPlainError, Structure, flatten, is_flat, paths, plain_values, rebuild
from .variant import Variant

NOTHING: Mapping[str, Any] = {}


@dataclass(frozen=True, eq=False)
class Arguments:
    """``arrays`` in order of appearance; ``positional`` is a tuple's structure, ``named`` a dict's."""

    arrays: tuple[nd.NDArray, ...]
    positional: Container
    named: Container

    @classmethod
    def of(cls, block: gluon.Block, inputs: Sequence[Any], named: Mapping[str, Any] = NOTHING) -> "Arguments":
        """The arguments of ``block(*inputs, **named)``.

        Raises ``KernelError`` if ``block`` is no Block, if there is no array among them or one that is empty or sparse,
        and for what is neither an array nor a plain value.
        """
        if not isinstance(block, gluon.Block):
            raise KernelError(f"a gluon Block is needed, not {type(block).__name__}")
        inputs, named = _by_position(block, inputs, named)
        arrays: list[nd.NDArray] = []
        try:
            structures = flatten(tuple(inputs), arrays), flatten(dict(named), arrays)
        except NotPlainError as error:
            if str(error) == Symbol.__name__:
                raise KernelError(
                    f"{block_name(block)} takes mx.nd arrays, not a Symbol: kernels cannot be a part of a symbolic "
                    "graph, the block that they were made from can"
                ) from error
            raise UncompilableError(
                f"{block_name(block)} takes mx.nd arrays, not {error}; beside arrays it may be given None, numbers, "
                "texts, and lists, tuples and dicts of all these"
            ) from error
        _check(block, arrays, structures)
        return cls(tuple(arrays), *structures)  # type: ignore[arg-type]

    @property
    def structure(self) -> tuple[Container, Container]:
        """All but the arrays, hashable."""
        return self.positional, self.named

    @property
    def flat(self) -> bool:
        """Whether the call is nothing but arrays, one after the other."""
        return is_flat(self.positional) and not self.named.items

    def replaced(self, arrays: Sequence[nd.NDArray]) -> "Arguments":
        """The same call with other arrays."""
        return replace(self, arrays=tuple(arrays))

    def call(self, block: gluon.Block) -> Any:
        """What ``block`` returns for them."""
        arrays = iter(self.arrays)
        inputs, named = rebuild(self.positional, arrays), rebuild(self.named, arrays)
        return call(block, *inputs, **named)

    def paths(self, block: gluon.Block) -> Iterator[str]:
        """How forward's own names lead to each array: ``x``, ``states[0]``."""
        names = _positional_names(block)
        for place, item in enumerate(self.positional.items):
            yield from paths(item, names[place] if place < len(names) else f"x{place}")
        for key, item in zip(self.named.keys, self.named.items, strict=True):
            yield from paths(item, key)


def call(block: gluon.Block, *inputs: Any, **named: Any) -> Any:
    """``block(*inputs, **named)``, also where it inherits Block's ``__call__``, which takes no keyword arguments."""
    if named and type(block).__call__ is gluon.Block.__call__:
        return block.forward(*inputs, **named)
    return block(*inputs, **named)


def _check(block: gluon.Block, arrays: Sequence[nd.NDArray], structures: Sequence[Structure]) -> None:
    name = block_name(block)
    if not arrays:
        kinds = dict.fromkeys(plain.kind.__name__ for each in structures for plain in plain_values(each))
        if kinds:
            raise UncompilableError(f"{name} takes mx.nd arrays, not {' and '.join(kinds)} alone")
        raise UncompilableError(f"{name} was called without an input array")
    for value in arrays:
        if value.stype != "default":
            raise UncompilableError(f"{name} takes dense arrays: convert a {value.stype} one with tostype('default')")
        if value.size == 0:
            raise KernelError(f"{name} was given an empty array of shape {value.shape}: a batch has at least 1 row")


def _by_position(
    block: gluon.Block, inputs: Sequence[Any], named: Mapping[str, Any]
) -> tuple[Sequence[Any], Mapping[str, Any]]:
    """One way to write a call: arguments stand by position where they can, so that ``f(x, 2)`` is ``f(x, scale=2)``."""
    if not named:
        return inputs, named
    try:
        bound = _signature(block).bind(*inputs, **named)
    except (TypeError, ValueError):
        return inputs, named  # calling it will say what is wrong
    return bound.args, bound.kwargs


def _positional_names(block: gluon.Block) -> list[str]:
    by_position = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)
    return [each.name for each in _signature(block).parameters.values() if each.kind in by_position]


def _signature(block: gluon.Block) -> inspect.Signature:
    """The arguments of the function that a call of ``block`` reaches: its class's ``__call__``, if it has one."""
    if isinstance(block, Variant):
        return _signature(block.subject)
    if type(block).__call__ is not gluon.Block.__call__:
        return inspect.signature(block.__call__)
    if type(block).forward is not gluon.HybridBlock.forward:
        return inspect.signature(block.forward)
    _, *parameters = inspect.signature(block.hybrid_forward).parameters.values()  # after F
    return inspect.Signature([each for each in parameters if each.name not in block._reg_params])
