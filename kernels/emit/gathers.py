"""Print reads and writes of a table at computed places."""

from collections.abc import Sequence

from ..extent import Extent
from ..primitives.base import Value
from ..primitives.gather import Gather, ScatterAdd
from .expressions import LOOP_NAMES, number_text


def print_gather(value: Value, names: Sequence[str], result: str, main: str) -> list[str]:  # noqa: ARG001
    """Each element of the result from the table."""
    table, *places = names
    return _nest(value, value.shape, value.inputs[0], places, f"{result}[{{}}] = {table}[{{}}]")


def print_scatter_add(value: Value, names: Sequence[str], result: str, main: str) -> list[str]:
    """Each element of the head into the table."""
    head, *places = names
    nest = _nest(value, value.inputs[0].shape, value, places, f"{result}[{{1}}] += {head}[{{0}}]")
    return [f"{result}[:] = {number_text(0.0, value.dtype, main)}", *nest]


def _nest(value: Value, shape: Sequence[Extent], table: Value, names: Sequence[str], statement: str) -> list[str]:
    """Loops over the elements of ``shape``, with the places in the table found before the axes behind them."""
    primitive = value.primitive
    assert isinstance(primitive, (Gather, ScatterAdd))
    before, places = primitive.axis, value.inputs[1:]
    after = before + len(places[0].shape)
    loops = list(LOOP_NAMES[: len(shape)])
    rows = ["row"] if len(names) == 1 else [f"row_{position}" for position in range(len(names))]
    inside = f"[{', '.join(loops[before:after])}]" if after > before else ""
    found = [
        f"{row} = {_bounded(f'int({name}{inside})', table.shape[before + position], primitive.mode)}"
        for position, (row, name) in enumerate(zip(rows, names, strict=True))
    ]
    element = ", ".join(loops), ", ".join([*loops[:before], *rows, *loops[after:]])
    lines = [statement.format(*element)]
    for axis in reversed(range(len(shape))):
        lines = [*found, *lines] if axis == after - 1 else lines
        lines = [f"for {loops[axis]} in range({shape[axis]}):", *(f"    {line}" for line in lines)]
    return lines if after else [*found, *lines]


def _bounded(number: str, extent: Extent, mode: str) -> str:
    return f"{number} % {_factor(extent)}" if mode == "wrap" else f"min(max({number}, 0), {extent - 1})"


def _factor(extent: Extent) -> str:
    return str(extent) if extent.literal else f"({extent})"
