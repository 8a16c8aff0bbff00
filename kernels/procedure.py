"""A procedure: the values to compute, with names for what goes in and what comes out."""

from dataclasses import dataclass

from .primitives.base import Value

Named = tuple[tuple[str, Value], ...]


@dataclass(frozen=True)
class Procedure:
    """A straight-line computation: named arrays in, named arrays out.

    ``optional`` outputs are computed only if the caller wants them, each by a flag of its own.
    """

    name: str
    inputs: Named
    outputs: Named
    optional: bool = False
