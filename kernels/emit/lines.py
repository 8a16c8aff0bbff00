"""Lines of generated source, no longer than a person likes to read."""

from collections.abc import Sequence

LINE_LENGTH = 120


def wrapped(
    opening: str, items: Sequence[str], closing: str, close: str = "", reopen: str = "", separator: str = ", "
) -> list[str]:
    """A list of items on one line, or on as many as it needs; ``close`` and ``reopen`` go around each break."""
    one_line = f"{opening}{separator.join(items)}{closing}"
    if len(one_line) <= LINE_LENGTH:
        return [one_line]
    lines, current = [], opening
    for index, item in enumerate(items):
        piece = item if index == len(items) - 1 else f"{item}{separator}"
        if len(current) + len(piece) + len(closing) > LINE_LENGTH:
            lines.append(current.rstrip() if not close else current + close)
            current = f"        {reopen}"
        current += piece
    return [*lines, current + closing]
