"""One graph from several runs: what follows the batch size is fitted, everything else must be the same in all."""

import ast
import math
import re
from collections.abc import Callable, Sequence
from typing import Any

from mxnet import autograd, gluon

from ..extent import Extent, FitError, fit_extent, fit_number, literal
from ..graph import INPUT, Array, Call, Graph, Leaf
from ..modes import MODAL
from ..names import block_name, fresh
from .leaves import NamedLeaf
from .recording import Seen
from .run import Run

# Names that read well in generated source, for operators whose own names do not (or are Python's).
READABLE = {
    "sum": "total", "max": "largest", "min": "smallest", "abs": "magnitude", "prod": "product",
    "plus": "add", "minus": "sub", "rminus": "sub", "div": "ratio", "rdiv": "ratio", "copyto": "copy",
    "slice": "part", "slice_axis": "part", "reshape": "reshaped", "fullyconnected": "dense",
}  # fmt: skip


def unify(block: gluon.Block, leaves: Sequence[NamedLeaf], runs: Sequence[Run]) -> Graph:
    """One graph that says what every run did.  Raises ``FitError`` if the runs differ in more than numbers."""
    polymorphic = len(runs) > 1
    batches = [run.batch for run in runs]
    recordings = [run.recording for run in runs]
    first = recordings[0]
    if any(_skeleton(run) != _skeleton(runs[0]) for run in runs[1:]):
        raise FitError("the operators that forward calls depend on the batch size")
    length: Callable[[Sequence[int]], Extent] = (
        (lambda lengths: fit_extent(batches, lengths)) if polymorphic else (lambda lengths: literal(lengths[0]))
    )

    def array(number: int, name: str) -> Array:
        extents = zip(*(recording.shapes[number] for recording in recordings), strict=True)
        return Array(name, tuple(map(length, extents)), first.dtypes[number])

    arrays = [array(number, name) for number, (_, _, name) in enumerate(leaves)]
    roles = [Leaf(arrays[number], role, key) for number, (role, key, _) in enumerate(leaves)]
    names = {leaf.array.name for leaf in roles}
    calls = []
    for position, seen in enumerate(first.calls):
        outputs = tuple(array(number, _fresh_name(seen.operator, names)) for number in seen.outputs)
        arrays += outputs
        alike = [dict(recording.calls[position].attributes) for recording in recordings]
        attributes = tuple((key, _fit([_parse(each[key]) for each in alike], batches)) for key in alike[0])
        calls.append(Call(seen.operator, tuple(arrays[i] for i in seen.inputs), attributes, outputs, seen.line))
    outputs = tuple(arrays[number] for number in runs[0].outputs)
    used = {source for call in calls for source in call.inputs} | set(outputs)
    kept = tuple(leaf for leaf in roles if leaf.role == INPUT or leaf.array in used)
    refused_one_row = polymorphic and 1 not in batches  # then there may be other sizes that it refuses
    reads = refused_one_row or any(recording.reads_shapes for recording in recordings)
    training = autograd.is_training() if any(map(_is_modal, calls)) else None
    return Graph(block_name(block), kept, tuple(calls), outputs, runs[0].returns, polymorphic, reads, training)


def _is_modal(call: Call) -> bool:
    return call.operator in MODAL and MODAL[call.operator].differs(dict(call.attributes))


def _skeleton(run: Run) -> tuple[Any, ...]:
    def parts(seen: Seen) -> tuple[Any, ...]:
        return seen.operator, seen.inputs, seen.outputs, tuple(key for key, _ in seen.attributes)

    return [parts(seen) for seen in run.recording.calls], run.outputs, run.returns, run.recording.dtypes


def _parse(text: str) -> Any:
    """An attribute's text as a Python literal; words such as ``relu`` stay words."""
    if text in ("inf", "-inf", "nan"):
        return float(text)
    try:
        return ast.literal_eval(text)
    except (ValueError, SyntaxError):
        return text


def _fit(values: Sequence[Any], batches: Sequence[int]) -> Any:
    """An attribute as a function of the batch size: a literal, an ``Extent``, a ``Scaled`` or a tuple of those."""
    if len({repr(value) for value in values}) == 1:
        return values[0]
    kinds = {type(value) for value in values}
    if kinds <= {int, float} and all(value == int(value) for value in values if math.isfinite(value)):
        try:
            return fit_extent(batches, [int(value) for value in values])
        except (FitError, OverflowError):
            pass  # a whole number by chance
    if kinds <= {int, float}:
        return fit_number(batches, values)
    if kinds == {tuple} and len({len(value) for value in values}) == 1:
        return tuple(_fit(items, batches) for items in zip(*values, strict=True))
    raise FitError(f"attribute values {list(values)} at batch sizes {list(batches)} follow no known form")


def _fresh_name(operator: str, taken: set[str]) -> str:
    stem = operator.lower().strip("_")
    stem = re.sub(r"^(broadcast|elemwise|contrib|linalg)_|_scalar$", "", stem)
    name = fresh(READABLE.get(stem, stem), taken)
    taken.add(name)
    return name
