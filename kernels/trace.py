"""From a Block to its graph: run it at several batch sizes and keep what holds for every one.

Why run it, instead of calling it with Symbols: the chapter's ``x - x.mean()`` means ``elemwise_sub`` on Symbols
and fails, and whatever a forward computes from shapes is only there when it runs.  The runs use arrays of this
file's own, outside any ``record()``, may not write to what they did not make, and switch operators that keep statistics
or draw a mask to prediction mode: a trace leaves no mark on gradients, running statistics or the random stream.
"""

import ast
import inspect
import math
import re
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from typing import Any

import mxnet
import numpy as np
from mxnet import autograd, gluon, nd

from .dispatch import Recording, Seen, run_watched
from .errors import KernelError
from .extent import Extent, FitError, fit_extent, fit_number, literal
from .graph import CONSTANT, INPUT, PARAMETER, Array, Call, Graph, Leaf
from .names import fresh
from .variant import Variant

# Prime and small: a batch size that no other extent is likely to have, so that a coincidence is not taken for a rule.
TRACE_BATCHES = (3, 5, 7, 11, 13, 17, 19, 23, 29, 31, 37, 41)

HOOKS = ("_forward_hooks", "_forward_pre_hooks")

# Names that read well in generated source, for operators whose own names do not (or are Python's).
READABLE = {
    "sum": "total", "max": "largest", "min": "smallest", "abs": "magnitude", "prod": "product",
    "plus": "add", "minus": "sub", "rminus": "sub", "div": "ratio", "rdiv": "ratio", "copyto": "copy",
    "slice": "part", "slice_axis": "part", "reshape": "reshaped", "fullyconnected": "dense",
}  # fmt: skip


_LOCK = threading.RLock()


def trace(block: gluon.Block, *inputs: nd.NDArray, any_batch: bool = True) -> Graph:
    """The graph of ``block``'s forward pass for inputs like these, of any batch size where that holds.

    The first axis of every input is the batch; ``any_batch=False`` takes it for fixed as well.  Raises
    ``KernelError`` if forward leaves the graph (copies data to NumPy, branches on data, uses arrays that are not its
    own) or refuses the inputs.
    """
    check_inputs(block, inputs)
    with ExitStack() as stack:
        stack.enter_context(_LOCK)  # children are changed for a while
        finish_deferred(block, inputs)
        stack.enter_context(autograd.pause(train_mode=autograd.is_training()))
        stack.enter_context(_plain_children(block))
        stack.enter_context(inputs[0].context)
        parameters = _parameters(block, inputs[0].context)
        names, parameter_names = _leaf_names(block, len(inputs), [key for _, key, _ in parameters])
        leaves = [(INPUT, name, name) for name in names]
        leaves += [(role, key, name) for (role, key, _), name in zip(parameters, parameter_names, strict=True)]
        arrays = [array for _, _, array in parameters]
        runs = _runs_at_several_batches(block, inputs, arrays) if any_batch else None
        if runs is not None:
            try:
                return _unify(block, leaves, runs)
            except FitError:
                pass  # what follows the batch size in no known way is specialised by shape
        return _unify(block, leaves, [_run(block, inputs, arrays)])


def trace_modes(block: gluon.Block, *inputs: nd.NDArray, any_batch: bool = True) -> tuple[Graph, bool]:
    """The graph in the present mode, and whether training and inference would give different ones."""
    graphs = []
    for training in (autograd.is_training(), not autograd.is_training()):
        with autograd._RecordingStateScope(None, training):
            graphs.append(trace(block, *inputs, any_batch=any_batch))
    return graphs[0], graphs[0] != graphs[1]


def structural_parameters(block: gluon.Block) -> dict[str, gluon.Parameter]:
    """Parameters by structural name, each once: the names that ``save_parameters`` writes."""
    unique: dict[int, tuple[str, gluon.Parameter]] = {}
    for key, parameter in block._collect_params_with_prefix().items():
        unique.setdefault(id(parameter), (key, parameter))
    return dict(unique.values())


def finish_deferred(block: gluon.Block, inputs: Sequence[nd.NDArray]) -> None:
    """Let MXNet find the shapes of deferred parameters, by one forward pass outside any recording."""
    parameters = structural_parameters(block).items()
    if any(parameter._deferred_init for _, parameter in parameters):
        with autograd.pause():
            _call(block, inputs)
    for key, parameter in parameters:
        if parameter._data is None:
            raise KernelError(f"parameter {key} of {_name(block)} has no values yet: call initialize() or load them")


def check_inputs(block: gluon.Block, inputs: Sequence[Any]) -> None:
    """Raise ``KernelError`` for what is no Block, no array, or an empty one."""
    if not isinstance(block, gluon.Block):
        raise KernelError(f"a gluon Block is needed, not {type(block).__name__}")
    if not inputs:
        raise KernelError(f"{_name(block)} was called without an input array")
    for value in inputs:
        if not isinstance(value, nd.NDArray):
            raise KernelError(f"{_name(block)} takes mx.nd arrays, not {type(value).__name__}")
        if value.stype != "default":
            raise KernelError(f"{_name(block)} takes dense arrays: convert a {value.stype} one with tostype('default')")
        if value.size == 0:
            raise KernelError(
                f"{_name(block)} was given an empty array of shape {value.shape}: a batch has at least 1 row"
            )


def _name(block: gluon.Block) -> str:
    return re.sub(r"\W", "_", type(block).__name__)  # it becomes part of a class name and a file name


def _call(block: gluon.Block, inputs: Sequence[nd.NDArray]) -> Any:
    try:
        result = block(*inputs)
        for output in result if isinstance(result, (list, tuple)) else [result]:
            if isinstance(output, nd.NDArray):
                output.wait_to_read()  # what an operator refuses only when it runs belongs to this call
        return result
    except KernelError:
        raise
    except (Exception, SystemExit) as error:  # whatever somebody's forward raises belongs to the input it was given
        shapes = " and ".join(str(value.shape) for value in inputs)
        reason = re.sub(r"^\[[\d:]+\] |^.*?Check failed: |^Error in operator \S+: ", "", first_line(error))
        raise KernelError(f"{_name(block)} does not accept an input of shape {shapes}: {reason}") from error


def first_line(error: BaseException) -> str:
    """The line of an error that says what was wrong; MXNet's errors are stack traces."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    told = [line for line in lines if "Check failed" in line or "Error in operator" in line]
    return (told or lines or [type(error).__name__])[0]


def _leaf_names(block: gluon.Block, inputs: int, keys: Sequence[str]) -> tuple[list[str], list[str]]:
    """Names for the inputs, after forward's own arguments, and for parameters: ``0.weight`` becomes ``weight_0``."""
    parameters = inspect.signature(block.forward).parameters.values()
    arguments = [parameter.name for parameter in parameters if parameter.kind is parameter.POSITIONAL_OR_KEYWORD]
    taken: set[str] = set()

    def named(stem: str) -> str:
        name = fresh(stem, taken)
        taken.add(name)
        return name

    first = [named(arguments[place] if place < len(arguments) else f"x{place}") for place in range(inputs)]
    return first, [named("_".join([key.split(".")[-1], *key.split(".")[:-1]])) for key in keys]


def _blocks(block: gluon.Block) -> Iterator[gluon.Block]:
    yield block
    for child in [block.subject] if isinstance(block, Variant) else block._children.values():
        yield from _blocks(child)


@contextmanager
def _plain_children(block: gluon.Block) -> Iterator[None]:
    """For the time of a trace, run hybridized blocks imperatively and variants as what they are variants of."""
    blocks = list(_blocks(block))
    active = [child for child in blocks if getattr(child, "_active", False)]
    variants = [(child, child.__dict__.get("forward")) for child in blocks if isinstance(child, Variant)]
    hooks = [(child, name, child.__dict__[name]) for child in blocks for name in HOOKS]
    for child, name, _ in hooks:  # they are for the calls that a user makes
        child.__dict__[name] = {}
    for child in active:
        child._active = False
    for child, _ in variants:
        child.__dict__["forward"] = child.subject
    try:
        yield
    finally:
        for child in active:
            child._active = True
        for child, name, callbacks in hooks:
            child.__dict__[name] = callbacks
        for child, forward in variants:
            child.__dict__.pop("forward")
            if forward is not None:
                child.__dict__["forward"] = forward


def _parameters(block: gluon.Block, context: mxnet.Context) -> list[tuple[str, str, nd.NDArray]]:
    """(role, structural name, array on ``context``) of every parameter."""
    rows = []
    for key, parameter in structural_parameters(block).items():
        if context not in parameter.list_ctx():
            raise KernelError(f"parameter {key} of {_name(block)} is not on {context}: initialize it there")
        role = CONSTANT if isinstance(parameter, gluon.Constant) else PARAMETER
        rows.append((role, key, parameter.data(context)))
    return rows


Run = tuple[int, Recording, tuple[int, ...], str]  # batch size, what was seen, numbers of outputs, what they come in


def _runs_at_several_batches(
    block: gluon.Block, inputs: Sequence[nd.NDArray], parameters: Sequence[nd.NDArray]
) -> list[Run] | None:
    """Runs at batch sizes that no other extent has, then at telling ones; None if forward accepts only its own."""
    taken = {extent for array in parameters for extent in array.shape}
    taken |= {extent for array in inputs for extent in array.shape[1:]}
    batches = [batch for batch in TRACE_BATCHES if batch not in taken][:3]
    if len(batches) < 3 or len({value.shape[0] for value in inputs}) > 1:
        return None
    telling = {1, inputs[0].shape[0]}  # forward may branch on its batch size
    runs = []
    for batch in [*batches, *sorted(telling - set(batches))]:
        try:
            runs.append(_run(block, [_like(value, batch) for value in inputs], parameters))
        except KernelError as error:
            if error.__cause__ is None:  # forward left the graph: true at any batch size
                raise
            if batch in batches or batch == inputs[0].shape[0]:
                return None
    return runs


def _like(value: nd.NDArray, batch: int) -> nd.NDArray:
    shape = (batch, *value.shape[1:])
    if np.issubdtype(value.dtype, np.floating):
        data = np.random.default_rng(0).standard_normal(shape)
    else:
        data = np.zeros(shape)  # an index that every table has
    return nd.array(data, ctx=value.context, dtype=value.dtype)


def _run(block: gluon.Block, inputs: Sequence[nd.NDArray], parameters: Sequence[nd.NDArray]) -> Run:
    recording = Recording(_name(block))
    for array in (*inputs, *parameters):
        recording.add_leaf(array)
    result = run_watched(recording, lambda: _call(block, inputs))
    if recording.refusal is not None:  # forward caught it, but what it did instead is not in the graph
        raise recording.refusal
    returns = next((kind.__name__ for kind in (list, tuple) if isinstance(result, kind)), "array")
    outputs = [result] if returns == "array" else result
    if not outputs or not all(isinstance(output, nd.NDArray) for output in outputs):
        raise KernelError(f"{_name(block)} must return an mx.nd array or a list of them, not {type(result).__name__}")
    return inputs[0].shape[0], recording, tuple(recording.number(output) for output in outputs), returns


def _unify(block: gluon.Block, leaves: list[tuple[str, str, str]], runs: Sequence[Run]) -> Graph:
    """One graph that says what every run did.  Raises ``FitError`` if the runs differ in more than numbers."""
    polymorphic = len(runs) > 1
    batches = [batch for batch, *_ in runs]
    recordings = [recording for _, recording, *_ in runs]
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
    _, _, results, returns = runs[0]
    used = {source for call in calls for source in call.inputs} | {arrays[number] for number in results}
    kept = tuple(leaf for leaf in roles if leaf.role == INPUT or leaf.array in used)
    reads = any(recording.reads_shapes for recording in recordings)
    outputs = tuple(arrays[number] for number in results)
    return Graph(_name(block), kept, tuple(calls), outputs, returns, polymorphic, reads)


def _skeleton(run: Run) -> tuple[Any, ...]:
    def parts(seen: Seen) -> tuple[Any, ...]:
        return seen.operator, seen.inputs, seen.outputs, tuple(key for key, _ in seen.attributes)

    _, recording, outputs, returns = run
    return [parts(seen) for seen in recording.calls], outputs, returns, recording.dtypes


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
