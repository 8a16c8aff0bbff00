"""Running a Block while its operators are watched, at the batch size at hand and at telling ones."""

import re
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

import numpy as np
from mxnet import gluon, nd

from ..arguments import Arguments
from ..errors import KernelError, UncompilableError
from ..names import block_name
from ..structure import NotPlainError, Structure, flatten, plain_values
from .dispatch import run_watched
from .recording import Recording

# Prime and small: a batch size that no other extent is likely to have, so that a coincidence is not taken for a rule.
TRACE_BATCHES = (3, 5, 7, 11, 13, 17, 19, 23, 29, 31, 37, 41)


@dataclass(frozen=True)
class Run:
    """What one forward pass did, the numbers of its outputs, and what it returned them in."""

    batch: int
    recording: Recording
    outputs: tuple[int, ...]
    returns: Structure


def runs_at_several_batches(
    block: gluon.Block, arguments: Arguments, parameters: Sequence[nd.NDArray], batched: Sequence[bool]
) -> list[Run] | None:
    """Runs at batch sizes that no other extent has, then at telling ones; None if forward accepts only its own.

    ``batched`` says which arrays have the batch as their first axis.
    """
    arrays = list(zip(arguments.arrays, batched, strict=True))
    taken = {extent for array in parameters for extent in array.shape}
    taken |= {extent for array, follows in arrays for extent in array.shape[follows:]}
    batches = [batch for batch in TRACE_BATCHES if batch not in taken][:3]
    if len(batches) < 3:
        return None
    here = next(array.shape[0] for array, follows in arrays if follows)
    telling = {1, here}  # forward may branch on its batch size
    runs = []
    for batch in [*batches, *sorted(telling - set(batches))]:
        others = arguments.replaced([_like(array, batch) if follows else array for array, follows in arrays])
        try:
            runs.append(run(block, others, parameters, batch))
        except KernelError as error:
            if error.__cause__ is None:  # forward left the graph: true at any batch size
                raise
            if batch in batches or batch == here:
                return None
    return runs


def _like(value: nd.NDArray, batch: int) -> nd.NDArray:
    """The rows of ``value`` over and over: others may be no index of a table, or a divisor 0."""
    rows = np.resize(value.asnumpy(), (batch, *value.shape[1:]))
    return nd.array(rows, ctx=value.context, dtype=value.dtype)


def run(block: gluon.Block, arguments: Arguments, parameters: Sequence[nd.NDArray], batch: int = 0) -> Run:
    """One watched forward pass; ``batch`` is 0 if it counts for one shape only."""
    # Each input as an array of its own: one that is given twice, or is a parameter too, may be two arrays next time.
    arguments = arguments.replaced([array.detach() for array in arguments.arrays])
    recording = Recording(block_name(block))
    for array in (*arguments.arrays, *parameters):
        recording.add_leaf(array)
    result = run_watched(recording, lambda: call(block, arguments))
    if recording.refusal is not None:  # forward caught it, but what it did instead is not in the graph
        raise recording.refusal
    outputs, returns = _outputs(block, result)
    return Run(batch, recording, tuple(recording.number(output) for output in outputs), returns)


def run_twice(block: gluon.Block, arguments: Arguments, parameters: Sequence[nd.NDArray]) -> Run:
    """One watched forward pass that counts for its shape, if a second one does the same."""
    first, second = (run(block, arguments, parameters) for _ in range(2))
    if (first.recording.calls, first.outputs) != (second.recording.calls, second.outputs):
        raise UncompilableError(
            f"{block_name(block)} does something else each time it runs with the same inputs: numbers that Python "
            "draws or counts would be constants of a kernel; draw with mx.nd.random, or bring them as an argument"
        )
    return first


def _outputs(block: gluon.Block, result: Any) -> tuple[list[nd.NDArray], Structure]:
    """The arrays that forward returned, and what they were in; only None may stand beside them."""
    arrays: list[nd.NDArray] = []
    try:
        returns = flatten(result, arrays)
        others = [plain.kind.__name__ for plain in plain_values(returns) if plain.value is not None]
    except NotPlainError as error:
        others = [str(error)]
    if others or not arrays:
        kinds = type(result).__name__ + (f" with {others[0]}" if others and others[0] != type(result).__name__ else "")
        raise UncompilableError(f"{block_name(block)} must return an mx.nd array or a list of them, not {kinds}")
    return arrays, returns


def call(block: gluon.Block, arguments: Arguments) -> Any:
    """What ``block`` returns.  Raises ``KernelError``, caused by whatever somebody's forward raised."""
    return called(block, lambda: arguments.call(block), arguments.arrays)


def called(block: gluon.Block, forward: Callable[[], Any], inputs: Sequence[Any]) -> Any:
    """What ``forward`` returns, which is a call of ``block`` with these inputs; its errors as ``KernelError``."""
    try:
        result = forward()
        outputs: list[nd.NDArray] = []
        with suppress(NotPlainError):  # a trace refuses it in its own words
            flatten(result, outputs)
        for output in outputs:
            output.wait_to_read()  # what an operator refuses only when it runs belongs to this call
        return result
    except KernelError:
        raise
    except (Exception, SystemExit) as error:  # whatever somebody's forward raises belongs to the input it was given
        shapes = " and ".join(str(getattr(value, "shape", type(value).__name__)) for value in inputs)
        reason = re.sub(r"^\[[\d:]+\] |^.*?Check failed: |^Error in operator \S+: |^\w+Error: ", "", first_line(error))
        raise KernelError(f"{block_name(block)} does not accept an input of shape {shapes}: {reason}") from error


def first_line(error: BaseException) -> str:
    """The line of an error that says what was wrong; MXNet's errors are stack traces."""
    said = str(error) if not isinstance(error, KeyError) else f"{type(error).__name__}: {error}"  # else a bare key
    lines = [line.strip() for line in said.splitlines() if line.strip()]
    lines = [line for line in lines if not re.match(r"Traceback|File |Stack trace|\[bt\]", line)]
    told = [line for line in lines if re.search(r"Check failed|Error in operator|^\w+Error: ", line)]
    return (told or lines or [type(error).__name__])[0]
