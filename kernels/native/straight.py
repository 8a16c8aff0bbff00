"""Going back from an output whose tape is one call of ours, compiled.  Loaded through the kernel cache.

MXNet's own way makes a graph of the tape, differentiates it, infers its shapes, types and storage and plans its
memory, which takes longer than a small layer's gradients.  Where all sources of the node are variables with arrays for
their gradients there is nothing to find out: backward goes straight to the engine, which orders it among all that
reads and writes those arrays, and runs it here and now if nothing is to be waited for.
"""

import numpy as np
from numba import cfunc, njit, types

from kernels.native import (
    CPU,
    DESCRIPTOR,
    DEVICE_ID,
    DEVICE_TYPE,
    ENTRY,
    FAILED,
    FLOAT32,
    FLOAT64,
    HANDLES,
    INPUTS,
    KEPT,
    MISFIT,
    MOVED,
    NULL,
    OK,
    ONCE,
    OUTPUTS,
    PART,
    ROOM,
    SLOPES,
    SLOPES_TABLE,
    STATE_BATCH,
    STATE_FRAME,
    STATE_GO_BACK,
    TABLES,
    allocate,
    detach,
    free_array,
    get,
    get32,
    get_context,
    get_data,
    go_through,
    put,
    put32,
    release,
    wait_to_read,
    word,
)
from kernels.native.arrays import alike, bytes_of, make
from kernels.native.nodes import (
    GRADIENTS,
    INFORMATION,
    KNOWN,
    NODE,
    OPERATOR,
    PLACE,
    REQUEST,
    SOURCES,
    conclude,
    holders,
    state_of,
    tape_of,
    variable_of,
)
from kernels.whole import Whole

push = types.ExternalFunction(
    "MXEnginePushSync",
    types.int32(word, word, word, word, word, types.int32, word, types.int32, word, types.int32, word),
)

MOST_SOURCES = 64  # with more, comparing each with each takes as long as what it saves
AT_ONCE = 4  # MXNet's FnProperty::kAsync: on the calling thread if nothing is to be waited for

# What one run needs, a block of int64 that is the engine's until it calls ``forget``: an array that holds the tape;
# whether it is for training; the state of the recorded call; a context and a property for the engine; then handles (the
# head's, the gradients'), requests, the variables that are read and those that are written, and scratch.
TAPE, TRAINING, STATE, CONTEXT, PROPERTY, RUN_HANDLES = 0, 1, 2, 3, 4, 5


@cfunc(types.void(word, word), cache=True, pipeline_class=Whole)
def run(_context, block):
    """What the engine calls: compute the gradients."""
    state = get(block, STATE)
    frame = state + 8 * STATE_FRAME
    handles, slopes = block + 8 * RUN_HANDLES, get(frame, SLOPES)
    requests = handles + 8 * (1 + slopes)
    scratch = requests + 8 * (2 * slopes + 1 + get(frame, KEPT))
    kept = frame + 8 * get(frame, HANDLES)
    training, batch = get(block, TRAINING), get(state, STATE_BATCH)
    go_through(get(state, STATE_GO_BACK), frame, kept, batch, handles, requests, training, scratch)


@cfunc(types.void(word), cache=True, pipeline_class=Whole)
def forget(block):
    """Give up what a run held."""
    frame = get(block, STATE) + 8 * STATE_FRAME
    for index in range(1 + get(frame, SLOPES)):
        handle = get(block, RUN_HANDLES + index)
        if handle != 0:
            free_array(handle)
    free_array(get(block, TAPE))  # and with it the state
    release(block)


@njit(**ONCE)
def is_simple(output, frame):
    """Whether all sources are different variables, a gradient is wanted, and nothing else rests on what is forgotten.

    That are the output, and sources that want no gradient: the array itself holds them, and this tape.
    """
    slopes = get(frame, SLOPES)
    if slopes > MOST_SOURCES or holders(output + 8 * NODE) != 1:
        return False
    if get(frame, OUTPUTS) != 1 or get(frame, MOVED) != 0 or get(frame, DEVICE_TYPE) != CPU:
        return False
    sources = get(get(output, NODE), SOURCES)
    wanted = 0
    for index in range(slopes):
        node = get(sources, PLACE * index)
        if get(node, OPERATOR) != 0 or get(node, KNOWN) == 0:
            return False
        if get32(get(node, INFORMATION) + 8 * REQUEST, 0) != NULL:
            wanted += 1
        elif holders(sources + 8 * PLACE * index) > 2:
            return False
        for other in range(index):
            if get(sources, PLACE * other) == node:
                return False
    return wanted > 0


@njit(**PART)
def at_hand(frame, number, handle, batch, scratch):
    """OK if an array is like one of the plan's, on its device, and ``read_now``; MISFIT if not, or FAILED."""
    get_context(handle, scratch, scratch + 8)
    if get32(scratch, 0) != CPU:
        return MISFIT
    implied = alike(frame, number, handle, scratch)
    if implied < 0 or (implied > 0 and implied != batch):
        return MISFIT
    return read_now(handle, scratch)


@njit(**PART)
def read_now(handle, scratch):
    """OK once what an array holds is there as C reads it; FAILED if it cannot be computed, which MXNet says only once.

    MXNet reorders what oneDNN left in a layout of its own when it is asked for the address, and waits for that: if a
    run of the engine's asked first, it would wait for itself.
    """
    return OK if wait_to_read(handle) == 0 and get_data(handle, scratch) == 0 else FAILED


@njit(**ONCE)
def head_for(frame, head, batch, scratch):
    """A handle of the run's own for the head, of ones if none is given; else minus MISFIT or FAILED."""
    number = get(frame, INPUTS)
    if head != 0:
        status = at_hand(frame, number, head, batch, scratch)
        if status != OK:
            return -status
        detach(head, scratch)
        return get(scratch, 0)
    dtype = get(frame, TABLES + number * DESCRIPTOR)
    if dtype not in (FLOAT32, FLOAT64):
        return -MISFIT
    made = make(frame, number, batch, scratch)
    if made == 0:
        return -FAILED
    get_data(made, scratch)
    if dtype == FLOAT32:
        for index in range(bytes_of(frame, number, batch) // 4):
            put32(get(scratch, 0), index, 0x3F800000)
    else:
        for index in range(bytes_of(frame, number, batch) // 8):
            put(get(scratch, 0), index, 0x3FF0000000000000)
    return made


@njit(**ONCE)
def add_target(block, frame, sources, index, batch, read, reads, written, writes, scratch):
    """Note how and where to a gradient is written: 1 if it is, 0 if it is not wanted; else minus MISFIT or FAILED.

    A misfit is not like its source, or is memory that this run reads or writes for something else as well.
    """
    information = get(get(sources, PLACE * index), INFORMATION)
    request = get32(information + 8 * REQUEST, 0)
    put32(block + 8 * (RUN_HANDLES + 1 + get(frame, SLOPES)), index, request)
    if request == NULL:
        return 0
    gradient = get(information, GRADIENTS)
    if gradient == get(information, GRADIENTS + 1):  # there is none
        return -MISFIT
    status = at_hand(frame, get(frame, get(frame, SLOPES_TABLE) + index), gradient, batch, scratch)
    if status != OK:
        return -status
    variable = variable_of(gradient)
    for other in range(reads):
        if get(read, other) == variable:
            return -MISFIT
    for other in range(writes):
        if get(written, other) == variable:
            return -MISFIT
    detach(gradient, scratch)
    put(block, RUN_HANDLES + 1 + index, get(scratch, 0))
    put(written, writes, variable)
    return 1


@njit("int64(int64, int64, int64, int64)", **ENTRY)
def go_straight(output, head, training, names):
    """Have the engine compute the gradients of an output, and forget its tape.

    ``names`` are the addresses of MXNet's operator for custom functions, of ``backward_recorded``, ``run`` and
    ``forget``, and of the name that MXNet's profiler shall show.
    Returns 1 if so, 0 if MXNet must go back, and −FAILED if what is needed cannot be computed.
    """
    state = state_of(output, get(names, 0), get(names, 1))
    if state == 0:
        return 0
    frame, batch = state + 8 * STATE_FRAME, get(state, STATE_BATCH)
    if not is_simple(output, frame):
        return 0
    sources, slopes, count = get(get(output, NODE), SOURCES), get(frame, SLOPES), get(frame, KEPT)
    block = allocate(8 * (RUN_HANDLES + 3 + 5 * slopes + 2 * count + ROOM))
    requests = RUN_HANDLES + 1 + slopes
    read = block + 8 * (requests + slopes)
    written = read + 8 * (1 + count)
    scratch = written + 8 * slopes
    for index in range(1 + slopes):
        put(block, RUN_HANDLES + index, 0)
    own, status, writes = head_for(frame, head, batch, scratch), OK, 0
    if own < 0:
        status = -own
    else:
        put(block, RUN_HANDLES, own)
        put(read, 0, variable_of(own))
    for index in range(count):
        if status == OK:
            kept = get(frame, get(frame, HANDLES) + index)
            put(read, 1 + index, variable_of(kept))
            status = read_now(kept, scratch)
    for index in range(slopes):
        if status == OK:
            added = add_target(block, frame, sources, index, batch, read, 1 + count, written, writes, scratch)
            if added < 0:
                status = -added
            else:
                writes += added
    if status != OK:
        for index in range(1 + slopes):
            if get(block, RUN_HANDLES + index) != 0:
                free_array(get(block, RUN_HANDLES + index))
        release(block)
        return 0 if status == MISFIT else -FAILED
    for index in range(slopes):
        conclude(sources + 8 * PLACE * index)
    put(block, TAPE, tape_of(output, scratch))
    put(block, TRAINING, training)
    put(block, STATE, state)
    put(block, CONTEXT, CPU + (get(frame, DEVICE_ID) << 32))
    put(block, PROPERTY, AT_ONCE)
    where, what = block + 8 * CONTEXT, block + 8 * PROPERTY
    status = push(
        get(names, 2), block, get(names, 3), where, read, np.int32(1 + count), written, np.int32(writes), what,
        np.int32(0), get(names, 4),
    )  # fmt: skip
    return 1 if status == 0 else -FAILED
