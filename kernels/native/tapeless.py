"""Gradients without a tape, compiled.  Loaded through the kernel cache, like the launcher."""

from numba import njit, types

from kernels.native import (
    ENTRY,
    FAILED,
    HANDLES,
    HEADS,
    INPUTS,
    KEPT,
    KEPT_TABLE,
    MISFIT,
    MOVED,
    NOW,
    OK,
    OUTPUTS,
    ROOM,
    SCRATCH,
    SLOPES,
    SLOPES_TABLE,
    WRITE,
    get,
    go_through,
    put,
    put32,
    wait_to_read,
    word,
)
from kernels.native.arrays import alike, free_saved, make, usable

wait_to_write = types.ExternalFunction("MXNDArrayWaitToWrite", types.int32(word))


@njit("int64(int64, int64)", **ENTRY)
def gradients(frame, go_back_address):
    """Go back from a call that kept what is needed, from heads that stand in the frame.  Returns a status.

    Gradients come in new arrays, or in those of an earlier call whose handles are given.
    """
    scratch, batch = frame + 8 * get(frame, SCRATCH), get(frame, NOW)
    inputs, outputs, slopes, count = get(frame, INPUTS), get(frame, OUTPUTS), get(frame, SLOPES), get(frame, KEPT)
    handles, heads = frame + 8 * get(frame, HANDLES), frame + 8 * get(frame, HEADS)
    targets = heads + 8 * outputs
    for index in range(outputs):
        implied = alike(frame, inputs + index, get(heads, index), scratch)
        if implied < 0 or (implied > 0 and implied != batch):
            return MISFIT
        if wait_to_read(get(heads, index)) != 0:
            return FAILED
    for index in range(slopes):
        number = get(frame, get(frame, SLOPES_TABLE) + index)
        handle = get(handles, number)
        if index < slopes - get(frame, MOVED):
            handle = get(targets, index)
            if not usable(frame, number, handle, batch, scratch):
                handle = make(frame, number, batch, scratch)
                if handle == 0:
                    return FAILED
        elif wait_to_write(handle) != 0:
            return FAILED
        put(targets, index, handle)
    kept = scratch + 8 * (ROOM + outputs + count + 2 * slopes)
    requests = kept + 8 * count
    for index in range(count):
        put(kept, index, get(handles, get(frame, get(frame, KEPT_TABLE) + index)))
    for index in range(slopes):
        put32(requests, index, WRITE)
    go_through(go_back_address, frame, kept, batch, heads, requests, 1, scratch)
    free_saved(frame)
    return OK
