"""A call on MXNet's tape, compiled.  Loaded through the kernel cache, like the launcher."""

import numpy as np
from numba import cfunc, njit, types

from kernels.native import (
    BROUGHT,
    CONTEXTS,
    ENTRY,
    FAILED,
    FUNCTIONS,
    HANDLES,
    INPUTS,
    KEPT,
    KEPT_TABLE,
    LIST,
    MOVED,
    NOW,
    OK,
    ONCE,
    OUTPUTS,
    ROOM,
    SCRATCH,
    SLOPES,
    SLOPES_TABLE,
    STATE_BATCH,
    STATE_FRAME,
    STATE_GO_BACK,
    WRITE,
    allocate,
    copy_memory,
    detach,
    free_array,
    get,
    get_data,
    go_through,
    put,
    release,
    word,
)
from kernels.native.arrays import alike, bytes_of, free_saved, make
from kernels.whole import Whole

mark = types.ExternalFunction("MXAutogradMarkVariables", types.int32(types.int32, word, word, word))
record_function = types.ExternalFunction(
    "MXCustomFunctionRecord", types.int32(types.int32, word, types.int32, word, word)
)


@cfunc(types.int32(types.int32, types.int32, word, word, types.int32, word), cache=True, pipeline_class=Whole)
def backward_recorded(heads, slopes, handles, requests, training, address):
    """MXNet's call for the gradients: handles of heads, then of gradients, which this function owns.

    Returns 0, which MXNet makes an error of, if a head is not like its output.
    """
    frame, batch = address + 8 * STATE_FRAME, get(address, STATE_BATCH)
    kept = frame + 8 * get(frame, HANDLES)
    scratch = allocate(8 * (ROOM + heads + get(frame, KEPT) + 2 * slopes))
    fitting = 1
    for index in range(heads):
        implied = alike(frame, get(frame, INPUTS) + index, get(handles, index), scratch)
        if implied < 0 or (implied > 0 and implied != batch):
            fitting = 0
    if fitting:
        go_through(get(address, STATE_GO_BACK), frame, kept, batch, handles, requests, training, scratch)
    release(scratch)
    for index in range(heads + slopes):
        free_array(get(handles, index))
    return np.int32(fitting)


@cfunc(types.int32(word), cache=True, pipeline_class=Whole)
def delete_recorded(address):
    """MXNet no longer needs a recorded call."""
    frame = address + 8 * STATE_FRAME
    for index in range(get(frame, KEPT)):
        free_array(get(frame, get(frame, HANDLES) + index))
    release(address)
    return np.int32(1)


@njit(**ONCE)
def copied(frame, number, handle, batch, scratch):
    """A copy of an input.

    The engine knows that our backward reads the heads but not what it kept, so a write to an input after
    ``backward()`` returned could overtake it: ``x[:] = next_batch`` is common.  Parameters are shared: their updates
    read the gradient first, which orders them.
    """
    result = make(frame, number, batch, scratch)
    get_data(handle, scratch)
    get_data(result, scratch + 8)
    copy_memory(get(scratch, 1), get(scratch, 0), bytes_of(frame, number, batch))
    return result


@njit(**ONCE)
def movable(handle, scratch):
    """A statistic as a variable of MXNet's whose gradient, written in place, is the statistic itself.

    So the engine knows that backward writes to it, and orders whatever else reads or writes it.
    """
    detach(handle, scratch)
    detach(handle, scratch + 8)
    put(scratch, 2, WRITE)
    mark(np.int32(1), scratch, scratch + 16, scratch + 8)
    free_array(get(scratch, 1))
    return get(scratch, 0)


@njit("int64(int64, int64, int64, int64)", **ENTRY)
def record(frame, on_backward, on_delete, go_back_address):
    """Put a finished call on MXNet's tape, with the addresses of what that will call.  Returns a status."""
    batch, scratch = get(frame, NOW), frame + 8 * get(frame, SCRATCH)
    length, count = get(frame, HANDLES), get(frame, KEPT)
    handles = frame + 8 * length
    address = allocate(8 * (STATE_FRAME + length + count))
    put(address, LIST, 2)
    put(address, LIST + 1, address + 8 * FUNCTIONS)
    put(address, LIST + 2, address + 8 * CONTEXTS)
    put(address, FUNCTIONS, on_backward)
    put(address, FUNCTIONS + 1, on_delete)
    put(address, CONTEXTS, address)
    put(address, CONTEXTS + 1, address)
    put(address, STATE_BATCH, batch)
    put(address, STATE_GO_BACK, go_back_address)
    copy_memory(address + 8 * STATE_FRAME, frame, 8 * length)
    kept = address + 8 * (STATE_FRAME + length)
    for index in range(count):
        number = get(frame, get(frame, KEPT_TABLE) + index)
        if number < get(frame, BROUGHT):
            put(kept, index, copied(frame, number, get(handles, number), batch, scratch))
        else:
            detach(get(handles, number), kept + 8 * index)
    sources, slopes = scratch + 8 * ROOM, get(frame, SLOPES)
    gradients = slopes - get(frame, MOVED)
    for index in range(slopes):
        handle = get(handles, get(frame, get(frame, SLOPES_TABLE) + index))
        put(sources, index, handle if index < gradients else movable(handle, scratch))
    outputs = handles + 8 * get(frame, INPUTS)
    status = record_function(np.int32(slopes), sources, np.int32(get(frame, OUTPUTS)), outputs, address)
    for index in range(gradients, slopes):
        free_array(get(sources, index))  # the tape has its own
    free_saved(frame)
    return OK if status == 0 else FAILED
