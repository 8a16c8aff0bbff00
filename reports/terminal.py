"""Prints an arrangement for a terminal, through Rich.

Every text from a file becomes a ``rich.text.Text``, which is never read as markup, and control characters are replaced,
so that no name in a result file can colour, move or clear anything.
"""

import io
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby

from rich.cells import cell_len
from rich.console import Console, RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from reports.comparison import Block, Cell, Comparison
from reports.plain import Plain

GAP = 2
# Below this many characters a column, Rich would cut figures off; a line that is too long loses nothing.
LEAST_COLUMN = 6
# So much of a line must be left for a last column of words that are folded.
LEAST_WORDS = 12


@dataclass(frozen=True)
class Layout:
    """Widths in characters that all blocks share, so that figures of one variant stand under each other."""

    durations: tuple[int, ...]
    speedups: tuple[int, ...]
    stacked: bool  # the interval on a second line of its cell, where one line would be too long
    columns: tuple[int, ...]

    @property
    def width(self) -> int:
        """Of a whole row."""
        return len("batch") + sum(GAP + column for column in self.columns)


def printed(arranged: Comparison | Plain, *, width: int, color: bool) -> str:
    """``arranged`` in lines of ``width`` characters, more where figures would be lost; escape codes need ``color``."""
    columns = len(arranged.header if isinstance(arranged, Plain) else arranged.variants)
    width = max(width, len("batch") + columns * (GAP + LEAST_COLUMN))
    if isinstance(arranged, Comparison):
        return _captured(_comparison(arranged, width), width, color)
    beside = _captured(_plain(arranged), width, color)
    columns_below = _columns_below(arranged, width)
    if not columns_below or all(_text(row[0]).plain in beside for row in arranged.rows):
        return beside
    return _captured(_stacked(arranged, columns_below), width, color)


def _captured(pieces: Iterable[RenderableType], width: int, color: bool) -> str:
    console = Console(
        file=io.StringIO(),
        width=width,
        force_terminal=color,
        color_system="standard" if color else None,
        no_color=not color,
        highlight=False,
        legacy_windows=False,
    )
    with console.capture() as capture:
        for piece in pieces:
            console.print(piece)
    return "".join(f"{line.rstrip()}\n" for line in capture.get().split("\n")[:-1])


def _comparison(arranged: Comparison, width: int) -> Iterator[RenderableType]:
    layout = _layout(arranged, stacked=False)
    if layout.width > width:
        layout = _layout(arranged, stacked=True)
    yield _text(arranged.title, "bold")
    yield _text(arranged.caption, "dim")
    for block in arranged.blocks:
        yield Text()
        yield from _block(block, arranged.variants, layout, narrow=layout.width > width)
    for paragraph, style in ((arranged.facts, ""), (arranged.notes, "dim")):
        if paragraph:
            yield Text()
            yield from (_text(sentence, style) for sentence in paragraph)


def _layout(arranged: Comparison, *, stacked: bool) -> Layout:
    durations, speedups, columns = [], [], []
    for place, name in enumerate(arranged.variants):
        cells = [line.cells[place] for block in arranged.blocks for line in block.lines]
        durations.append(max(len(cell.seconds) for cell in cells))
        speedups.append(max(len(cell.speedup) for cell in cells))
        interval = max(len(cell.interval) for cell in cells)
        figures = durations[-1] + (1 + speedups[-1] if speedups[-1] else 0)
        body = max(figures, interval) if stacked else figures + (1 + interval if interval else 0)
        columns.append(max(len(name), body))
    return Layout(tuple(durations), tuple(speedups), stacked, tuple(columns))


def _block(block: Block, variants: tuple[str, ...], layout: Layout, *, narrow: bool) -> Iterator[RenderableType]:
    """The title, the names of the variants, and for each layer its name above a row per batch size."""
    columns = tuple(0 for _ in variants) if narrow else layout.columns
    yield _text(block.title, "bold underline")
    header = _grid(columns)
    header.add_row(_text("batch", "dim"), *(_text(name, "dim") for name in variants))
    yield header
    for layer, lines in groupby(block.lines, key=lambda line: line.layer):
        yield _text(layer)
        table = _grid(columns)
        for line in lines:
            table.add_row(_text(line.batch), *(_cell(cell, layout, place) for place, cell in enumerate(line.cells)))
        yield table


def _grid(columns: tuple[int, ...]) -> Table:
    """An invisible table whose columns are as wide as in its neighbours, so that they line up."""
    table = Table(box=None, show_header=False, padding=(0, GAP, 0, 0), pad_edge=False)
    table.add_column(justify="right", min_width=len("batch"), overflow="fold")
    for column in columns:
        table.add_column(min_width=column, overflow="fold")
    return table


def _cell(cell: Cell, layout: Layout, place: int) -> Text:
    figures = cell.seconds.rjust(layout.durations[place])
    if cell.speedup:
        figures += " " + cell.speedup.rjust(layout.speedups[place])
    separator = "\n" if layout.stacked else " "
    text = _text(figures, "bold" if cell.fastest else "")
    return text.append(separator + cell.interval, "dim") if cell.interval else text


def _plain(arranged: Plain) -> Iterator[RenderableType]:
    table = Table(box=None, padding=(0, GAP, 0, 0), pad_edge=False, header_style="dim")
    for name, numeric in zip(arranged.header, arranged.numeric, strict=True):
        table.add_column(_text(name), justify="right" if numeric else "left", overflow="fold")
    for row in arranged.rows:
        table.add_row(*map(_text, row))
    yield table
    yield from _notes(arranged)


def _columns_below(arranged: Plain, width: int) -> Sequence[int]:
    """How wide the columns are if the first one stands above them; nothing if they do not fit even then."""
    columns = [max(map(cell_len, texts)) for texts in zip(arranged.header, *arranged.rows, strict=True)][1:]
    if not columns:
        return ()
    left = width - GAP - sum(GAP + column for column in columns[:-1])
    if arranged.numeric[-1] or columns[-1] <= left:
        return columns if columns[-1] <= left else ()
    return (*columns[:-1], left) if left >= LEAST_WORDS else ()


def _stacked(arranged: Plain, columns: Sequence[int]) -> Iterator[RenderableType]:
    """The first column above the others: a name that is broken can be neither read nor copied."""
    for place, row in enumerate((arranged.header, *arranged.rows)):
        style = "" if place else "dim"
        yield _text(row[0], style)
        table = Table(box=None, show_header=False, padding=(0, GAP, 0, 0), pad_edge=False)
        for column, numeric in zip(columns, arranged.numeric[1:], strict=True):
            table.add_column(justify="right" if numeric else "left", width=column, overflow="fold")
        table.add_row(*(_text(cell, style) for cell in row[1:]))
        yield Padding(table, (0, 0, 0, GAP))
    yield from _notes(arranged)


def _notes(arranged: Plain) -> Iterator[RenderableType]:
    if arranged.notes:
        yield Text()
        yield from (_text(note, "dim") for note in arranged.notes)


def _text(text: str, style: str = "") -> Text:
    printable = (letter if letter.isprintable() else "\N{REPLACEMENT CHARACTER}" for letter in text)
    return Text("".join(printable), style=style)
