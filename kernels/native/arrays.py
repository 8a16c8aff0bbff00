"""The arrays of a call, compiled: whether they are what its plan describes, and the new ones that it makes."""

import numpy as np
from numba import njit

from kernels.native import (
    BATCH,
    BROUGHT,
    CHANGED,
    DENSE,
    DESCRIPTOR,
    DEVICE_ID,
    DEVICE_TYPE,
    FAILED,
    FORWARD,
    FROZEN,
    FROZEN_ENTRY,
    FROZEN_TABLE,
    HANDLES,
    INPUTS,
    MISFIT,
    OK,
    ONCE,
    ORDER,
    OUTPUTS,
    PART,
    RECORDED,
    ROOM,
    RUN,
    SAVED,
    TABLES,
    TRAINING,
    UNPROVED,
    create,
    enter,
    free_array,
    get,
    get32,
    get_context,
    get_data,
    get_dtype,
    get_shape,
    get_storage,
    is_training,
    put,
    wait_to_read,
)


@njit(**PART)
def alike(frame, number, handle, scratch):
    """Whether an array has the storage, dtype and shape that the plan describes.

    Returns the batch size it implies: 0 for any, −1 for a misfit.
    """
    descriptor = frame + 8 * (TABLES + number * DESCRIPTOR)
    put(scratch, 0, 0)
    get_storage(handle, scratch)
    if get(scratch, 0) != DENSE:
        return -1
    put(scratch, 0, 0)
    get_dtype(handle, scratch)
    if get32(scratch, 0) != get(descriptor, 0):
        return -1
    get_shape(handle, scratch, scratch + 8)
    rank, shape = get(descriptor, 2), get(scratch, 1)
    if get32(scratch, 0) != rank:
        return -1
    batch = 0
    for axis in range(rank):
        slope, offset, extent = get(descriptor, 3 + 2 * axis), get(descriptor, 4 + 2 * axis), get(shape, axis)
        if slope == 0:
            if extent != offset:
                return -1
        else:
            implied = (extent - offset) // slope
            if implied < 1 or slope * implied + offset != extent or (batch != 0 and implied != batch):
                return -1
            batch = implied
    return batch


@njit(**ONCE)
def check(frame, scratch):
    """The batch size of a call, or minus a status."""
    batch = 0
    handles = frame + 8 * get(frame, HANDLES)
    for number in range(get(frame, UNPROVED)):
        handle = get(handles, number)
        put(scratch, 0, 0)
        put(scratch, 1, 0)
        get_context(handle, scratch, scratch + 8)
        if get(scratch, 0) != get(frame, DEVICE_TYPE) or get(scratch, 1) != get(frame, DEVICE_ID):
            return -MISFIT
        implied = alike(frame, number, handle, scratch)
        if implied < 0 or (implied > 0 and batch > 0 and implied != batch):
            return -MISFIT
        if implied > 0:
            batch = implied
    put(frame, UNPROVED, get(frame, BROUGHT))
    if get(frame, BATCH) > 0:
        batch = get(frame, BATCH)
    if get(frame, TRAINING) >= 0:
        put(scratch, 0, 0)
        is_training(scratch)
        if (get(scratch, 0) & 0xFF != 0) != (get(frame, TRAINING) == 1):  # a bool is one byte
            return -MISFIT
    return batch if batch > 0 else 1


@njit(**ONCE)
def admit(frame, scratch):
    """The batch size of a call that the plan is for, or minus a status."""
    batch = check(frame, scratch)
    if batch < 0:
        return batch
    for index in range(get(frame, FROZEN)):  # no frozen constant was written to since the plan was made or confirmed
        entry = frame + 8 * (get(frame, FROZEN_TABLE) + FROZEN_ENTRY * index)
        handle = get(frame, get(frame, HANDLES) + get(entry, 0))
        wait_to_read(handle)  # a write is counted when it ends
        chunk = get(handle, 0)  # the record of the memory that an array shares with its views
        variable = get(chunk, 9)  # the engine's, which counts
        if chunk != get(entry, 1) or get(variable, 1) != get(entry, 2):
            return -CHANGED
    return batch


@njit(**ONCE)
def extent_of(descriptor, axis, batch):
    """An extent of an array."""
    return get(descriptor, 3 + 2 * axis) * batch + get(descriptor, 4 + 2 * axis)


@njit(**PART)
def bytes_of(frame, number, batch):
    """The size of an array."""
    descriptor = frame + 8 * (TABLES + number * DESCRIPTOR)
    size = get(descriptor, 1)
    for axis in range(get(descriptor, 2)):
        size *= extent_of(descriptor, axis, batch)
    return size


@njit(**PART)
def make(frame, number, batch, scratch):
    """A new array as the plan describes it; 0 if MXNet refuses."""
    descriptor = frame + 8 * (TABLES + number * DESCRIPTOR)
    rank, shape = get(descriptor, 2), scratch + 16
    for axis in range(rank):
        put(shape, axis, extent_of(descriptor, axis, batch))
    put(scratch, 0, 0)
    kind, number_of_kind = np.int32(get(frame, DEVICE_TYPE)), np.int32(get(frame, DEVICE_ID))
    status = create(shape, np.int32(rank), kind, number_of_kind, np.int32(0), np.int32(get(descriptor, 0)), scratch)
    return get(scratch, 0) if status == 0 else 0


@njit(**ONCE)
def usable(frame, number, handle, batch, scratch):
    """Whether an output of an earlier call, that no Python object but ours holds, can be that of this one.

    It can unless views, tapes or unfinished operations share its memory, as the count of a std::shared_ptr says.
    """
    if handle == 0 or get32(get(handle, 1), 2) != 1:
        return False
    implied = alike(frame, number, handle, scratch)
    return implied == 0 or implied == batch


@njit(**ONCE)
def run_forward(frame, batch, recorded, scratch):
    """Wait for the inputs, make the results, run the kernel.  Returns a status."""
    inputs = get(frame, INPUTS)
    count = inputs + get(frame, OUTPUTS)
    if recorded:
        count += get(frame, SAVED)
    handles, data = frame + 8 * get(frame, HANDLES), scratch + 8 * ROOM
    for number in range(inputs):
        if wait_to_read(get(handles, number)) != 0:
            return FAILED
    for number in range(inputs, count):
        given = get(handles, number) if number < inputs + get(frame, OUTPUTS) else 0
        # What goes onto a tape is new.
        if (recorded and get(frame, ORDER) == RUN) or not usable(frame, number, given, batch, scratch):
            made = make(frame, number, batch, scratch)
            if made == 0:
                return FAILED
            put(handles, number, made)
    for number in range(count):
        get_data(get(handles, number), data + 8 * number)
    enter(get(frame, RECORDED if recorded else FORWARD), batch, data, 0)
    return OK


@njit(**ONCE)
def free_saved(frame):
    """Give up this call's own handles of saved arrays; the tape has its own."""
    first = get(frame, HANDLES) + get(frame, INPUTS) + get(frame, OUTPUTS)
    for index in range(get(frame, SAVED)):
        free_array(get(frame, first + index))
