"""From a Block to its graph: run it at several batch sizes and keep what holds for every one.

Why run it, instead of calling it with Symbols: the chapter's ``x - x.mean()`` means ``elemwise_sub`` on Symbols
and fails, and whatever a forward computes from shapes is only there when it runs.  The runs use arrays of this
room's own, outside any ``record()``, may not write to what they did not make, and run operators that keep statistics
or draw numbers as ``modes.py`` says: a trace leaves no mark on gradients, running statistics or the random stream.
"""

import dataclasses
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, suppress
from typing import Any

from mxnet import autograd, gluon

from ..arguments import Arguments
from ..errors import UncompilableError
from ..extent import FitError
from ..graph import Graph
from ..variant import Variant
from .leaves import leaves_of
from .parameters import finish_deferred, structural_parameters
from .quiet import check_hooks, plain_children
from .run import run_twice, runs_at_several_batches
from .unify import unify
from .unmarked import forgiving_halves, unmarked

__all__ = ["check_hooks", "rehearsal", "structural_parameters", "trace", "trace_arguments", "trace_modes"]

_LOCK = threading.RLock()


def trace(block: gluon.Block, *inputs: Any, any_batch: bool = True, **named: Any) -> Graph:
    """The graph of ``block(*inputs, **named)``, for inputs of any batch size where that holds.

    Arrays may stand in lists, tuples and dicts; all other values are constants of the graph.  The batch is the first
    axis of the first array and of every other array that has as many rows; where forward takes no other number of
    those, it is that of the first array alone, or else that of arrays with another number of rows.
    ``any_batch=False`` takes all axes for fixed.  Raises ``KernelError`` if forward
    leaves the graph (copies data to NumPy, branches on data, uses arrays that are not its own) or refuses the inputs.
    """
    arguments = Arguments.of(block, inputs, named)
    return trace_arguments(block.subject if isinstance(block, Variant) else block, arguments, any_batch)


def trace_arguments(block: gluon.Block, arguments: Arguments, any_batch: bool = True) -> Graph:
    """``trace`` for a call that was flattened already."""
    context = arguments.arrays[0].context
    with ExitStack() as stack:
        stack.enter_context(_LOCK)  # children are changed for a while
        stack.enter_context(forgiving_halves())
        stack.enter_context(plain_children(block))
        finish_deferred(block, arguments)
        stack.enter_context(autograd.pause(train_mode=autograd.is_training()))
        stack.enter_context(context)
        leaves, parameters = leaves_of(block, arguments, context)
        for batched in _batched(arguments) if any_batch else ():
            runs = runs_at_several_batches(block, arguments, parameters, batched)
            if runs is not None:
                try:
                    return unify(block, leaves, runs)
                except FitError:
                    pass  # what follows the batch size in no known way is specialised by shape
        return unify(block, leaves, [run_twice(block, arguments, parameters)])


def trace_modes(block: gluon.Block, arguments: Arguments, any_batch: bool = True) -> tuple[Graph, bool]:
    """The graph in the present mode, and whether forward calls other operators in the other mode."""
    graphs = []
    for training in (autograd.is_training(), not autograd.is_training()):
        with autograd._RecordingStateScope(None, training):
            graphs.append(trace_arguments(block, arguments, any_batch))
    present, other = graphs
    if present == other:
        return present, False
    return dataclasses.replace(present, training=autograd.is_training()), True


@contextmanager
def rehearsal(block: gluon.Block, inputs: Sequence[Any], named: Mapping[str, Any]) -> Iterator[None]:
    """Let ``block(*inputs, **named)`` and calls of its children run as in a trace, without a mark, but unwatched."""
    with ExitStack() as stack:
        stack.enter_context(_LOCK)
        stack.enter_context(plain_children(block))
        with suppress(UncompilableError):  # for what no trace takes, the call itself finishes them
            finish_deferred(block, Arguments.of(block, inputs, named))
        stack.enter_context(autograd.pause(train_mode=autograd.is_training()))
        stack.enter_context(unmarked())
        yield


def _batched(arguments: Arguments) -> list[tuple[bool, ...]]:
    """Which arrays may have the batch as their first axis, the likeliest answer first."""
    rows = [array.shape[0] for array in arguments.arrays]
    answers: dict[tuple[bool, ...], None] = {}
    for here in dict.fromkeys(rows):
        answers[tuple(count == here for count in rows)] = None
        answers[tuple(place == rows.index(here) for place in range(len(rows)))] = None
    return list(answers)
