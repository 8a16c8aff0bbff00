"""Indices and the conditions on them, as text over the names of the loops."""

from collections.abc import Sequence

from ..extent import Extent
from ..indices import Guard, Index


def place(index: Index, loops: Sequence[str]) -> str:
    """An index as an expression."""
    text = _numerator(index, loops)
    return text if index.divisor == 1 else f"({text}) // {index.divisor}"


def condition(guards: Sequence[Guard], loops: Sequence[str]) -> str:
    """All guards as one expression."""
    return " and ".join(_guard(guard, loops) for guard in guards)


def _guard(guard: Guard, loops: Sequence[str]) -> str:
    index = guard.index
    if guard.kind == "%":
        return f"({_numerator(index, loops)}) % {index.divisor} == 0"
    bound = guard.bound * index.divisor
    if index.axis is None:
        return f"{index.offset} {guard.kind} {bound}"
    term = _times(loops[index.axis], abs(index.step))
    if index.step > 0:
        return f"{term} {guard.kind} {_sum([], bound - index.offset)}"
    return f"{term} {'<=' if guard.kind == '>=' else '>'} {_sum([], index.offset - bound)}"


def _numerator(index: Index, loops: Sequence[str]) -> str:
    if index.axis is None:
        return _sum([], index.offset)
    term = _times(loops[index.axis], abs(index.step))
    return _sum([(term, index.step)], index.offset)


def _times(name: str, factor: int) -> str:
    return name if factor == 1 else f"{name} * {factor}"


def _sum(terms: list[tuple[str, int]], extent: Extent) -> str:
    """Terms by sign and an extent, those that are added first."""
    terms = [*terms, (_times("n", abs(extent.slope)), extent.slope), (str(abs(extent.offset)), extent.offset)]
    ordered = sorted((term for term in terms if term[1]), key=lambda term: term[1] < 0)
    if not ordered:
        return "0"
    (first, sign), *others = ordered
    return ("-" if sign < 0 else "") + first + "".join(f" {'-' if sign < 0 else '+'} {text}" for text, sign in others)
