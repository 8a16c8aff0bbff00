"""A call, compiled: ``launch.py`` loads this file through the kernel cache."""

from numba import njit, types

from kernels.native import (
    ENTRY,
    FORWARD,
    KEPT_FOR_BACKWARD,
    MOVED,
    NOW,
    OK,
    ONLY_ADMIT,
    ORDER,
    RECORDED,
    RUN,
    RUN_AND_KEEP,
    SCRATCH,
    SLOPES,
    UNPREPARED,
    get,
    put,
    word,
)
from kernels.native.arrays import admit, run_forward

is_recording = types.ExternalFunction("MXAutogradIsRecording", types.int32(word))


@njit("int64(int64)", **ENTRY)
def launch(frame):
    """One call.  The frame holds the handles of the inputs and receives those of the outputs.  Returns a status."""
    scratch, order = frame + 8 * get(frame, SCRATCH), get(frame, ORDER)
    batch = admit(frame, scratch)
    if batch < 0:
        return -batch
    put(frame, NOW, batch)
    if order == ONLY_ADMIT:
        return OK
    put(scratch, 0, 0)
    if order == RUN and get(frame, SLOPES) > get(frame, MOVED):
        is_recording(scratch)
    keeping = order == RUN_AND_KEEP or get(scratch, 0) & 0xFF != 0  # a bool is one byte
    if get(frame, RECORDED if keeping else FORWARD) == 0:
        return UNPREPARED
    status = run_forward(frame, batch, keeping, scratch)
    return KEPT_FOR_BACKWARD if status == OK and keeping else status
