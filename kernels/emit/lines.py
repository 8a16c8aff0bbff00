"""Lines of generated source, no longer than a person likes to read."""

import re
import textwrap
from collections.abc import Iterator, Sequence

LINE_LENGTH = 120

# What stands before an expression that may be long, and the expression.
STATEMENT = re.compile(r"(?P<before>if |elif |[^=#(]+ [-+*]?= )(?P<expression>.+?)(?P<after>:?)")
# The spaces at which an expression may be cut: before an operator, after a comma.
CUTS = re.compile(r" (?=(?:[-+*/%<>]|//|\*\*|[<>=!]=|if|else|and|or) )|(?<=,) ")


def wrapped(opening: str, items: Sequence[str], closing: str, separator: str = ", ") -> list[str]:
    """A list of items on one line, or on as many as it needs."""
    one_line = f"{opening}{separator.join(items)}{closing}"
    if len(one_line) <= LINE_LENGTH:
        return [one_line]
    lines, current = [], opening
    for index, item in enumerate(items):
        piece = item if index == len(items) - 1 else f"{item}{separator}"
        if current and len(current) + len(piece) + len(closing) > LINE_LENGTH:
            lines.append(current.rstrip())
            current = "        "
        current += piece
    return [*lines, current + closing]


def broken(line: str) -> list[str]:
    """A line of code or a comment on as many lines as it needs, cut where the fewest brackets are open."""
    if len(line) <= LINE_LENGTH:
        return [line]
    text = line.lstrip()
    indentation = " " * (len(line) - len(text))
    inner = indentation + "    "
    if text.startswith("# "):
        return textwrap.wrap(text, LINE_LENGTH, initial_indent=indentation, subsequent_indent=f"{indentation}#     ")
    statement = STATEMENT.fullmatch(text)
    if statement is None:  # a call, say: it has brackets
        first, *others = _cut(text, LINE_LENGTH - len(inner), within=1)
        return [indentation + first, *(inner + piece for piece in others)]
    pieces = _cut(statement["expression"], LINE_LENGTH - len(inner), within=0)
    opening, closing = f"{indentation}{statement['before']}(", f"{indentation}){statement['after']}"
    return [opening, *(inner + piece for piece in pieces), closing]


def _cut(text: str, width: int, within: int) -> Iterator[str]:
    """The pieces of an expression, cut only where at least ``within`` brackets are open."""
    depths = _depths(text)
    start = 0
    while len(text) - start > width:
        cuts = [match.start() for match in CUTS.finditer(text, start + 1) if depths[match.start()] >= within]
        near = [cut for cut in cuts if cut - start <= width] or cuts[:1]
        if not near:
            break
        late = [cut for cut in near if cut - start > width // 3] or near
        best = min(late, key=lambda cut: (depths[cut], -cut))
        yield text[start:best]
        start = best + 1
    yield text[start:]


def _depths(text: str) -> list[int]:
    """For each character, how many brackets are open there."""
    depths, depth = [], 0
    for character in text:
        depth += (character in "([{") - (character in ")]}")
        depths.append(depth)
    return depths
