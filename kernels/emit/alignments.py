"""Print the cost of alignments and its gradient: one row of the batch after the other, in logarithms."""

import math
from collections.abc import Sequence

from ..extent import Extent
from ..primitives.alignment import Alignments, AlignmentsGradient
from ..primitives.base import Value
from .expressions import number_text

# What both need to know about a row.  Names in braces are filled in; the others are of the printed code.
ROW = """\
row_nothing = {nothing}  # the logarithm of no path
row_logs = np.empty(({frames}, {symbols}), {dtype})
row_symbols = np.empty({states}, np.int64)
row_scores = np.empty({states}, {dtype})
{before}
for row in range({rows}):
    row_frames = {frame_count}
    row_labels = {label_count}
    # the symbols of the states: blanks, and between them the labels
    row_repeats = 0
    row_symbols[0] = {blank}
    for k in range(row_labels):
        row_symbols[2 * k + 1] = min(max(int({labels}[row, k]), 0), {last})
        row_symbols[2 * k + 2] = {blank}
        if k > 0 and row_symbols[2 * k + 1] == row_symbols[2 * k - 1]:
            row_repeats += 1
    if row_frames < max(1, row_labels + row_repeats):
        continue  # nothing can be aligned
    row_states = 2 * row_labels + 1
    # log softmax({x})
    for f in range(row_frames):
        a = {x}[f, row, 0]
        for k in range(1, {symbols}):
            b = {x}[f, row, k]
            a = b if b > a or b != b else a
        c = {zero}
        for k in range({symbols}):
            row_logs[f, k] = {x}[f, row, k] - a
            c += exp(row_logs[f, k])
        c = log(c)
        for k in range({symbols}):
            row_logs[f, k] -= c
"""

# Without its length a row of labels ends before the padding.
UNTOLD = """\
0
while row_labels < {places} and int({labels}[row, row_labels]) != {padding}:
    row_labels += 1"""

# log(exp(a) + exp(b) + exp(c)); where none of them has a path there is none
SUM = """\
q = max(a, b, c)
q = a if a == b == c == row_nothing else q + log(exp(a - q) + exp(b - q) + exp(c - q))"""

COST = """\
    # the paths up to each state
    for s in range(row_states):
        row_scores[s] = row_logs[0, row_symbols[s]] if s < 2 else row_nothing
    for f in range(1, row_frames):
        for s in range(row_states - 1, -1, -1):
            a = row_scores[s]
            b = row_scores[s - 1] if s > 0 else row_nothing
            c = row_scores[s - 2] if s > 1 and row_symbols[s] != row_symbols[s - 2] else row_nothing
            {sum}
            row_scores[s] = q + row_logs[f, row_symbols[s]]
    a = row_scores[row_states - 1]
    b = row_scores[row_states - 2] if row_states > 1 else row_nothing
    c = row_nothing
    {sum}
    {result}[row] = -q
"""

GRADIENT = """\
    # the paths up to each state of each frame
    for s in range(row_states):
        row_paths[0, s] = row_logs[0, row_symbols[s]] if s < 2 else row_nothing
    for f in range(1, row_frames):
        for s in range(row_states):
            a = row_paths[f - 1, s]
            b = row_paths[f - 1, s - 1] if s > 0 else row_nothing
            c = row_paths[f - 1, s - 2] if s > 1 and row_symbols[s] != row_symbols[s - 2] else row_nothing
            {sum}
            row_paths[f, s] = q + row_logs[f, row_symbols[s]]
    a = row_paths[row_frames - 1, row_states - 1]
    b = row_paths[row_frames - 1, row_states - 2] if row_states > 1 else row_nothing
    c = row_nothing
    {sum}
    row_total = q
    # the paths onwards from each state, last frame first, and what they say of each symbol
    for s in range(row_states):
        row_scores[s] = {zero} if s > row_states - 3 else row_nothing
    for f in range(row_frames - 1, -1, -1):
        for k in range({symbols}):
            {result}[f, row, k] = exp(row_logs[f, k])
        for s in range(row_states):
            a = row_paths[f, s] + row_scores[s]
            if a != row_nothing:
                {result}[f, row, row_symbols[s]] -= exp(a - row_total)
        for k in range({symbols}):
            {result}[f, row, k] *= {head}[row]
        for s in range(row_states):
            row_scores[s] += row_logs[f, row_symbols[s]]
        for s in range(row_states):
            a = row_scores[s]
            b = row_scores[s + 1] if s < row_states - 1 else row_nothing
            c = row_scores[s + 2] if s < row_states - 2 and row_symbols[s] != row_symbols[s + 2] else row_nothing
            {sum}
            row_scores[s] = q
"""


def print_alignments(value: Value, names: Sequence[str], result: str, main: str) -> list[str]:
    """The cost of each row; what cannot be aligned costs nothing."""
    assert isinstance(value.primitive, Alignments)
    words = _words(value.primitive, value.inputs, names, result, main)
    return _filled(ROW + COST, words | {"before": f"{result}[:] = {words['zero']}"})


def print_alignments_gradient(value: Value, names: Sequence[str], result: str, main: str) -> list[str]:
    """The gradient of each row, zero where no frame counts."""
    assert isinstance(value.primitive, AlignmentsGradient)
    words = _words(value.primitive.of, value.inputs[1:], names[1:], result, main) | {"head": names[0]}
    memory = f"row_paths = np.empty(({words['frames']}, {words['states']}), {words['dtype']})"
    return _filled(ROW + GRADIENT, words | {"before": f"{memory}\n{result}[:] = {words['zero']}"})


def _words(
    primitive: Alignments, inputs: Sequence[Value], names: Sequence[str], result: str, main: str
) -> dict[str, str]:
    """What the braces stand for."""
    (frames, rows, symbols), places = inputs[0].shape, inputs[1].shape[1]
    words = {"x": names[0], "labels": names[1], "result": result, "dtype": inputs[0].dtype}
    words |= {"frames": str(frames), "rows": str(rows), "symbols": str(symbols), "places": str(places)}
    words |= {"states": str(places * 2 + 1), "last": str(symbols - 1), "padding": str(primitive.padding)}
    words |= {"blank": "0" if primitive.blank_first else words["last"]}
    words |= {
        key: number_text(number, inputs[0].dtype, main) for key, number in (("zero", 0.0), ("nothing", -math.inf))
    }
    told = {"frame_count": words["frames"], "label_count": UNTOLD.format(**words)}
    if primitive.told_frames:
        told["frame_count"] = _bounded(names[2], frames)
    if primitive.told_labels:
        told["label_count"] = _bounded(names[-1], places)
    return words | told


def _bounded(name: str, extent: Extent) -> str:
    return f"min(max(int({name}[row]), 0), {extent})"


def _filled(template: str, words: dict[str, str]) -> list[str]:
    """The lines of a template; what fills a line and has several of its own is indented like it."""
    words = words | {"sum": SUM.format(**words)}
    lines = []
    for line in template.splitlines():
        indentation = line[: len(line) - len(line.lstrip())]
        lines += line.format(**words).replace("\n", f"\n{indentation}").splitlines()
    return lines
