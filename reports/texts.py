"""Texts from result files, made harmless for where they are shown.

Anybody may have written a result file.  Every room that a text goes to has other signs that mean something there, so
each has its function; what no room can show, control characters, becomes the replacement character first.
"""

import re

# Control characters, separators of lines and the directions in which text runs: what would move or hide other text.
UNPRINTABLE = re.compile(r"[\x00-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff\ufffe\uffff]")
# Those of them that a browser obeys: they turn round the figures that stand behind a name.
DIRECTIONS = re.compile(r"[\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]")
# A spreadsheet takes a cell that begins so for a formula.
FORMULA = re.compile(r"[=+\-@]")
NUMBER = re.compile(r"[+-]?\d+(\.\d*)?([eE][+-]?\d+)?")


def printable(text: str) -> str:
    """``text`` in one line, without anything that is not seen."""
    return UNPRINTABLE.sub("\N{REPLACEMENT CHARACTER}", text)


def undirected(text: str) -> str:
    """``text`` without what changes the direction in which it is read."""
    return DIRECTIONS.sub("\N{REPLACEMENT CHARACTER}", text)


def shortened(text: str, longest: int) -> str:
    """``text``, its middle left out where it is longer than ``longest`` characters."""
    kept = longest // 2
    return text if len(text) <= longest else f"{text[:kept]}\N{HORIZONTAL ELLIPSIS}{text[len(text) - kept + 1 :]}"


def cell(text: str) -> str:
    """``text`` for a CSV file that somebody opens in a spreadsheet: an apostrophe before what would be a formula."""
    text = printable(text)
    return f"'{text}" if FORMULA.match(text) and not NUMBER.fullmatch(text) else text
