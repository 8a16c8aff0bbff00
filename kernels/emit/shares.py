"""Print a fused loop that threads share: a function of some of its rows, and the call that hands the rows out.

What is summed over rows is summed in parts of a fixed number of them, which are then added up in their order: the bits
of a result do not depend on how many threads there were.
"""

import ast
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from ..dtypes import element
from ..extent import ONE, Extent, FitError, volume
from ..fuse import Loop, Schedule
from ..names import unique
from ..primitives.base import Value
from ..primitives.map import FUNCTIONS, Map
from ..primitives.reduce import Reduce
from .expressions import LOOP_NAMES, length
from .loops import Nest, Sum, collapses, combined, elements, flattened, neutral, sums_of


@dataclass(frozen=True)
class Limits:
    """Which loops are shared.

    ``byte``, ``function``: what an element costs for each byte read or written, at 80 GB/s, and for each function of
    the C library, in nanoseconds.  ``worth``, ``most_rows``: where even so many rows take fewer nanoseconds, the loop
    is printed for one thread: a shared one takes longer to compile.  ``part``: the elements of a part of a sum; 64 KiB
    of float32 leave enough to share and few to add.
    """

    worth: float = 10_000
    byte: float = 0.0125
    function: float = 5.0
    most_rows: int = 2**10
    part: int = 2**14


LIMITS = Limits()

# Where several sums over rows share a loop, so many rows are added at a time: a sum of each column is then loaded and
# stored once for all of them.  Three sums took 0.65 of the time by 4 rows and 0.60 by 8, one sum the same by 4 and more
# by 8.
BLOCK = 4

# The functions of a module: their names, by what stands behind the name.
Known = dict[tuple[str, ...], str]


@dataclass(frozen=True)
class Shared:
    """The function of some rows, if the module has none like it; what the kernel needs before; how it calls it."""

    function: list[str]
    views: list[str]
    lines: list[str]


def print_shared(plan: Schedule, stage: Loop, main: str, known: Known) -> Shared | None:
    """The loop, for several threads; None where that is not worth it.  A new function is put into ``known``."""
    nanoseconds = _nanoseconds(plan, stage)
    return None if nanoseconds is None else _Printer(plan, stage, main).shared(nanoseconds, known)


def _nanoseconds(plan: Schedule, stage: Loop) -> str | None:
    """What the loop takes, by the batch size; None where that is too little for several threads."""
    if not stage.domain or stage.domain[0] == ONE:
        return None
    if _across(stage) and not all(extent.literal for extent in stage.domain[1:]):
        return None
    try:
        size = volume(stage.domain)
    except FitError:
        return None
    cost = _of_element(plan, stage)
    if cost == 0:  # numbers that are made up, not read
        return None
    slope, offset = round(cost * size.slope), round(cost * size.offset)
    if slope * LIMITS.most_rows + offset < LIMITS.worth:
        return None
    return str(Extent(slope, offset))


def _across(stage: Loop) -> list[Sum]:
    """The sums over rows."""
    return [one for one in sums_of(stage).values() if 0 not in one.kept]


def _of_element(plan: Schedule, stage: Loop) -> float:
    """What an element takes, about, in nanoseconds."""
    arrays = {id(target): target for target in stage.targets if not isinstance(target.primitive, Reduce)}
    for target in stage.targets:
        arrays |= {id(value): value for value, at in plan.reads(target) if any(index.axis == 0 for index in at)}
    transferred = sum(np.dtype(value.dtype).itemsize for value in arrays.values())
    return LIMITS.byte * transferred + LIMITS.function * sum(1 for _ in _functions(plan, stage))


def _functions(plan: Schedule, stage: Loop) -> Iterator[Value]:
    """The values that call a function of the C library."""
    stack, seen = list(stage.targets), set[int]()
    ends = set(plan.names) - {id(target) for target in stage.targets}
    while stack:
        value = stack.pop()
        if id(value) in seen or id(value) in ends:
            continue
        seen.add(id(value))
        stack += value.inputs
        if isinstance(value.primitive, Map) and FUNCTIONS[value.primitive.function].transcendental:
            yield value


class _Printer:
    """Prints one stage."""

    def __init__(self, plan: Schedule, stage: Loop, main: str) -> None:
        self._plan, self._stage, self._main = plan, stage, main
        self._partial = {id(one.target): one for one in _across(stage)}
        self._flat, self._views = flattened(plan, stage) if collapses(plan, stage) else ({}, [])

    def shared(self, nanoseconds: str, known: Known) -> Shared:
        """The function and its call."""
        chunks, body = self._of_parts() if self._partial else self._of_rows()
        arguments = self._arguments(body)
        rest = (f"({', '.join(['first', 'last', *arguments])}):", *(f"    {line}" for line in body))
        fresh = rest not in known
        stem = f"{self._name(self._stage.targets[0])}_of_{self._plan.procedure.name}"
        name = known.setdefault(rest, unique(stem, known.values()))
        given = f"({', '.join(arguments)}{',' if len(arguments) == 1 else ''})"
        parts = [self._memory(one, chunks) for one in self._partial.values()]
        sums = [line for one in self._partial.values() for line in self._sum(one)]
        lines = [*parts, f"in_chunks({name}, {chunks}, {nanoseconds}, {given})", *sums]
        return Shared([f"def {name}{rest[0]}", *rest[1:]] if fresh else [], self._views, lines)

    def _of_rows(self) -> tuple[str, list[str]]:
        """The number of chunks, and the loop over those from ``first`` to ``last``."""
        domain = self._stage.domain
        if self._flat:
            views, part = self._cut("first:last")
            return elements(domain), [*views, *self._nest(["last - first"], flat=part)]
        return str(domain[0]), self._nest(["first, last", *map(str, domain[1:])], rows="first:last")

    def _of_parts(self) -> tuple[str, list[str]]:
        """The same, each chunk being a part of the sums."""
        domain = self._stage.domain
        row = math.prod(extent.offset for extent in domain[1:])
        rows = max(1, LIMITS.part // row)
        rows -= rows % BLOCK if rows > BLOCK else 0
        size, end = (rows * row, elements(domain)) if self._flat else (rows, length(domain[0]))
        start, stop = f"part * {size}", f"part * {size} + {size}"
        if self._flat:
            views, part = self._cut(f"{start}:{stop}")
            body = [*views, *self._nest([f"len({next(iter(part.values()))})"], flat=part)]
        elif rows % BLOCK == 0 and self._stores() > 1:
            inner = list(map(str, domain[1:]))
            block = Nest(self._plan, self._stage, self._main, ["", *inner], partial=self._partial)
            body = [f"for block in range({start}, stop - {BLOCK - 1}, {BLOCK}):"]
            body += [f"    {line}" for line in block.block(f"block, block + {BLOCK}")]
            nest = self._nest([f"stop - stop % {BLOCK}, stop", *inner], rows=f"{start}:{stop}", before=body)
            body = [f"stop = min({stop}, {end})", *nest]
        else:
            body = self._nest([f"{start}, min({stop}, {end})", *map(str, domain[1:])], rows=f"{start}:{stop}")
        chunks = f"({end} + {size - 1}) // {size}" if size > 1 else end
        return chunks, ["for part in range(first, last):", *(f"    {line}" for line in body)]

    def _nest(
        self, bounds: Sequence[str], rows: str = ":", flat: Mapping[str, str] | None = None, before: Sequence[str] = ()
    ) -> list[str]:
        return Nest(self._plan, self._stage, self._main, bounds, flat or {}, rows, self._partial, before).lines()

    def _stores(self) -> int:
        """The stores for each element if every row is added by itself; 0 where the sum of a row needs it whole."""
        sums = list(sums_of(self._stage).values())
        if any(one.depth for one in sums):
            return 0
        return len(self._stage.targets) - sum(one.depth == 0 for one in sums)

    def _cut(self, span: str) -> tuple[list[str], dict[str, str]]:
        """Pieces of the flat arrays, and their names: places in them begin at 0, which the vectoriser must know."""
        part = {name: f"{name}_part" for name in self._flat}
        return [f"{part[name]} = {flat}[{span}]" for name, flat in self._flat.items()], part

    def _arguments(self, body: Sequence[str]) -> list[str]:
        """The kernel's own names that the function uses."""
        said = {node.id for node in ast.walk(ast.parse("\n".join(body))) if isinstance(node, ast.Name)}
        parts = map(self._parts, self._partial.values())
        known = dict.fromkeys(["n", *self._plan.names.values(), *self._flat.values(), *parts])
        return [name for name in known if name in said]

    def _name(self, value: Value) -> str:
        return self._plan.names[id(value)]

    def _parts(self, one: Sum) -> str:
        return f"{self._name(one.target)}_parts"

    def _memory(self, one: Sum, chunks: str) -> str:
        shape = f"({', '.join([chunks, *map(str, one.target.shape)])})" if one.target.shape else chunks
        return f"{self._parts(one)} = np.empty({shape}, {element(one.target.dtype)})"

    def _sum(self, one: Sum) -> list[str]:
        """The parts, added up."""
        name, shape = self._name(one.target), one.target.shape
        loops = ["0" if extent == ONE else LOOP_NAMES[axis] for axis, extent in enumerate(shape)]
        total = f"{name}[{', '.join(loops)}]" if loops else name
        lines = [combined(one, total, f"{self._parts(one)}[{', '.join(['part', *loops])}]", self._main)]
        for loop, extent in reversed(list(zip(loops, shape, strict=True))):
            if extent != ONE:
                lines = [f"for {loop} in range({extent}):", *(f"    {line}" for line in lines)]
        lines = [f"for part in range(len({self._parts(one)})):", *(f"    {line}" for line in lines)]
        return [f"{name}[:] = {neutral(one, self._main)}" if loops else f"{name} = {neutral(one, self._main)}", *lines]
