"""Running a Block while its operators are watched, at the batch size at hand and at telling ones."""

import re
import sysconfig
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from traceback import walk_tb
from typing import Any

import numpy as np
from mxnet import MXNetError, gluon, nd

from ..arguments import Arguments
from ..errors import KernelError, UncompilableError, text_of, told
from ..names import block_name
from ..structure import NotPlainError, Structure, flatten, plain_values
from .callers import OWN_PACKAGE, package_of
from .dispatch import run_watched
from .recording import Recording

# Prime and small: a batch size that no other extent is likely to have, so that a coincidence is not taken for a rule.
TRACE_BATCHES = (3, 5, 7, 11, 13, 17, 19, 23, 29, 31, 37, 41)

# Where Python and its packages are: code that is no user's.
INSTALLED = tuple(sysconfig.get_path(name) for name in ("stdlib", "purelib", "platlib"))


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
    except (KernelError, KeyboardInterrupt):
        raise
    except BaseException as error:  # somebody else's code may do anything
        line = _raised_at(error)
        if line:
            raise KernelError(f"forward of {block_name(block)} failed at {line}: {told(error)}") from error
        shapes = " and ".join(str(getattr(value, "shape", type(value).__name__)) for value in inputs)
        raise KernelError(f"{block_name(block)} does not accept an input of shape {shapes}: {reason(error)}") from error


def _raised_at(error: BaseException) -> str:
    """The user's line that raised this, or that called what did; nothing if MXNet refused a call."""
    own = {"mxnet", OWN_PACKAGE}
    lines = dict(walk_tb(error.__traceback__))
    *_, last = frames = list(lines)
    others = [frame for frame in frames if package_of(frame) not in own]
    refused = not isinstance(error, RecursionError) and (isinstance(error, MXNetError) or package_of(last) in own)
    if refused or not others:
        return ""
    users = [frame for frame in others if not frame.f_code.co_filename.startswith(INSTALLED)]
    frame = (users or others)[-1]
    return f"{Path(frame.f_code.co_filename).name}:{lines[frame]}"


def reason(error: BaseException) -> str:
    """What was wrong, without the words that MXNet puts before it."""
    return re.sub(r"^\[[\d:]+\] |^.*?Check failed: |^Error in operator \S+: |^\w+Error: ", "", first_line(error))


def first_line(error: BaseException) -> str:
    """The line of an error that says what was wrong; MXNet's errors are stack traces."""
    said = told(error) if isinstance(error, KeyError) else text_of(error)  # else a bare key
    lines = [line.strip() for line in said.splitlines() if line.strip()]
    lines = [line for line in lines if not re.match(r"Traceback|File |Stack trace|\[bt\]", line)]
    telling = [line for line in lines if re.search(r"Check failed|Error in operator|^\w+Error: ", line)]
    return (telling or lines or [type(error).__name__])[0]
