"""Prints an arrangement as GitHub's Markdown, with every text from a file escaped."""

import re
from collections.abc import Iterable, Sequence
from html import escape

from reports.comparison import Block, Cell, Comparison
from reports.plain import Plain
from reports.texts import printable, shortened

# An underscore inside a word is no markup on GitHub and reads better bare.
SPECIAL = re.compile(r"[\\`*\[\]<>|~&#@$]|(?<![A-Za-z0-9])_|_(?![A-Za-z0-9])")
LONGEST_TITLE = 100
BETWEEN_LINES = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]+")


def printed(arranged: Comparison | Plain) -> str:
    """``arranged`` as paragraphs and pipe tables."""
    paragraphs = _plain(arranged) if isinstance(arranged, Plain) else _comparison(arranged)
    return "\n\n".join(paragraph for paragraph in paragraphs if paragraph) + "\n"


def escaped(text: str) -> str:
    """``text`` so that GitHub shows these very characters, in one line."""
    return SPECIAL.sub(lambda match: f"\\{match.group()}", printable(BETWEEN_LINES.sub(" ", text)))


def _plain(arranged: Plain) -> Iterable[str]:
    rows = (map(escaped, row) for row in arranged.rows)
    return table(map(escaped, arranged.header), arranged.numeric, rows), _list(arranged.notes)


def _comparison(arranged: Comparison) -> Iterable[str]:
    yield f"**{escaped(arranged.title)}**"
    yield escaped(arranged.caption)
    for block in arranged.blocks:
        yield f"**{escaped(block.title)}**"
        yield _block(block, arranged.variants)
    yield _list(arranged.facts)
    yield _list(arranged.notes)


def _block(block: Block, variants: Sequence[str]) -> str:
    rows = ((escaped(line.layer), escaped(line.batch), *map(_cell, line.cells)) for line in block.lines)
    return table(("layer", "batch", *map(escaped, variants)), (False, *[True] * (1 + len(variants))), rows)


def _cell(cell: Cell) -> str:
    text = " ".join(part for part in (cell.seconds, cell.speedup, cell.interval) if part)
    return f"**{text}**" if cell.fastest else text


def table(header: Iterable[str], right: Iterable[bool], rows: Iterable[Iterable[str]]) -> str:
    rule = ("---:" if numeric else "---" for numeric in right)
    return "\n".join(f"| {' | '.join(cells)} |" for cells in (header, rule, *rows))


def folded(title: str, *inside: str) -> str:
    """Hidden until somebody clicks on ``title``; GitHub wants empty lines around Markdown inside HTML."""
    summary = escape(shortened(title, LONGEST_TITLE)).replace("@", "@&#8203;")
    return paragraphs(f"<details><summary>{summary}</summary>", *inside, "</details>")


def paragraphs(*said: str) -> str:
    """Those of ``said`` that say something, with an empty line between."""
    return "\n\n".join(one for one in said if one)


def _list(sentences: Sequence[str]) -> str:
    return "\n".join(f"- {escaped(sentence)}" for sentence in sentences)
