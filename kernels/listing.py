"""What ``jit`` compiles of a network and what it leaves to MXNet, as rows and as source."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from mxnet import gluon

from .arguments import NOTHING
from .emit.cpu import print_kernels
from .network import Jit
from .ways import Piece

NUMBA, MXNET = "numba", "mxnet"


class Row(NamedTuple):
    """One part of a network.

    ``name`` is structural, as in ``save_parameters``: ``1 to 3`` for neighbours in a Sequential, empty for the network
    itself.  ``block`` names the class or classes, ``runs_by`` is ``numba`` or ``mxnet``, ``reason`` says why not numba.
    """

    name: str
    block: str
    runs_by: str
    reason: str


class Parts(list[Row]):
    """The parts of a network in order; printed as a table."""

    def __str__(self) -> str:
        widths = [max((len(row[column]) for row in self), default=0) for column in (0, 1)]
        return "\n".join(
            f"{row.runs_by}  {row.name:<{widths[0]}}  {row.block:<{widths[1]}}  {row.reason}".rstrip() for row in self
        )


def rows(block: gluon.Block, inputs: Sequence[Any], named: Mapping[str, Any]) -> Parts:
    """What runs the parts of ``jit(block)`` for inputs like these, found by trying; no kernel is compiled for it.

    A block whose forward runs as it is written, over parts that are compiled, is a row of its own before theirs.
    Raises ``KernelError`` for inputs that the block does not take.
    """
    whole = Jit(block)
    whole.way(inputs, named)
    return rows_so_far(whole)


def rows_so_far(block: Jit) -> Parts:
    """What runs the parts, as far as its calls had to find out."""
    return _parts(block.pieces())


def network_source(block: gluon.Block, inputs: Sequence[Any], strict: bool) -> str:
    """The kernels as a person reads them: of the whole block, or, after a table of its parts, of each in turn.

    Raises ``KernelError`` if no part can be compiled, or with ``strict`` if the whole cannot.
    """
    whole = Jit(block)
    refusal = whole.refusal(inputs)
    if refusal is not None and (strict or not whole.decide(inputs, NOTHING, refusal).compiled):
        raise refusal
    pieces = list(whole.pieces())
    sources = dict.fromkeys(print_kernels(piece.program) for piece in pieces if piece.program is not None)
    return next(iter(sources)) if refusal is None else "\n\n".join([_table(type(block).__name__, pieces), *sources])


def _row(piece: Piece) -> Row:
    return Row(piece.name, piece.block, MXNET if piece.program is None else NUMBA, piece.reason)


def _parts(pieces: Iterable[Piece]) -> Parts:
    return Parts(dict.fromkeys(map(_row, pieces)))  # a part that is called in two ways is one row


def _table(name: str, pieces: Sequence[Piece]) -> str:
    """The rows as comments of the generated source."""
    lines = [f"# {line}" for line in str(_parts(pieces)).splitlines()]
    return "\n".join([f"# {name} in parts, the kernels of the compiled ones below", "#", *lines]) + "\n"
