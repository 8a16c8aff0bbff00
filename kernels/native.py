"""The launcher: one compiled function between a Python call and a kernel, for every layer alike.

It checks the arrays against the plan, waits for them, makes the results, finds the buffers, runs the kernel and, under
``autograd.record()``, tells MXNet how to go back.  A whole call costs a few microseconds because it stays out of
Python; it may wait while another thread needs the interpreter because it holds no lock.

This file is compiled through the kernel cache like generated source: ``engine.py`` reads it, nothing imports it.
Addresses and handles are plain integers here; MXNet's entry points are those of its c_api.h.
"""

import numpy as np
from llvmlite import ir
from numba import carray, cfunc, njit, types
from numba.extending import intrinsic

from kernels.half import half, single

# A frame is an array of int64 that one call owns.  It begins with the plan's constants:
FORWARD, RECORDED, BACKWARD, DEVICE_TYPE, DEVICE_ID = 0, 1, 2, 3, 4  # entries of the kernels, context of all arrays
INPUTS, OUTPUTS, SAVED, KEPT, SLOPES, FROZEN = 5, 6, 7, 8, 9, 10  # how many of each
BATCH, TRAINING = 11, 12  # what the plan holds for: a batch size or 0, a training mode or -1
BROUGHT = 13  # how many inputs the call itself brings, before parameters
DRAWN = 14  # how many inputs are drawn for each call: the last ones
MOVED = 15  # how many of the slopes are statistics that backward moves in place, not inputs with a gradient: the last
TABLES = 16
# then, one after the other: a descriptor for each input, output and saved array (see DESCRIPTOR); the numbers of the
# arrays that backward reads; the numbers of the inputs that have a gradient or are moved; for each moved one the
# gradients of which one must be wanted, as bits of NEEDS words; for each frozen constant its number, the memory it is
# in and how often that was written to;
# the handles of inputs, outputs and saved arrays; the handles of heads and of gradients.
FROZEN_ENTRY = 3
NEEDS = 62  # bits of a word that are used
MAXIMUM_RANK = 8
DESCRIPTOR = 2 + 2 * MAXIMUM_RANK  # dtype, rank, then slope and offset of each extent

# MXNet's numbers of dtypes are 0 float32, 1 float64, 2 float16, 3 uint8, 4 int32, 5 int8, 6 int64, 7 bool.
FLOAT32, FLOAT64, FLOAT16, UINT8, INT32, INT8, INT64 = 0, 1, 2, 3, 4, 5, 6
BYTES = (4, 8, 2, 1, 4, 1, 8, 1)

DENSE = 0  # MXNet's storage type of ordinary arrays

OK, MISFIT, CHANGED, FAILED = 0, 1, 2, 3

OPTIONS = {"nogil": True, "cache": True, "error_model": "numpy"}

word = types.intp
wait_to_read = types.ExternalFunction("MXNDArrayWaitToRead", types.int32(word))
wait_to_write = types.ExternalFunction("MXNDArrayWaitToWrite", types.int32(word))
get_data = types.ExternalFunction("MXNDArrayGetData", types.int32(word, word))
get_shape = types.ExternalFunction("MXNDArrayGetShapeEx64", types.int32(word, word, word))
get_storage = types.ExternalFunction("MXNDArrayGetStorageType", types.int32(word, word))
get_dtype = types.ExternalFunction("MXNDArrayGetDType", types.int32(word, word))
get_context = types.ExternalFunction("MXNDArrayGetContext", types.int32(word, word, word))
create = types.ExternalFunction(
    "MXNDArrayCreateEx64", types.int32(word, types.int32, types.int32, types.int32, types.int32, types.int32, word)
)
detach = types.ExternalFunction("MXNDArrayDetach", types.int32(word, word))
free_array = types.ExternalFunction("MXNDArrayFree", types.int32(word))
is_recording = types.ExternalFunction("MXAutogradIsRecording", types.int32(word))
is_training = types.ExternalFunction("MXAutogradIsTraining", types.int32(word))
mark = types.ExternalFunction("MXAutogradMarkVariables", types.int32(types.int32, word, word, word))
record = types.ExternalFunction("MXCustomFunctionRecord", types.int32(types.int32, word, types.int32, word, word))
allocate = types.ExternalFunction("malloc", word(word))
release = types.ExternalFunction("free", types.void(word))
copy_memory = types.ExternalFunction("memcpy", word(word, word, word))


def pointer_to(item):
    """A function from an address to a pointer to ``item``."""

    @intrinsic
    def pointer(typing_context, address):  # noqa: ARG001
        def generate(context, builder, signature, arguments):
            return builder.inttoptr(arguments[0], context.get_value_type(signature.return_type))

        return types.CPointer(item)(types.intp), generate

    return pointer


pointer, bits16 = pointer_to(types.int64), pointer_to(types.uint16)
singles, doubles = pointer_to(types.float32), pointer_to(types.float64)
bytes8, words32 = pointer_to(types.uint8), pointer_to(types.int32)


@intrinsic
def enter(typing_context, entry, batch, data, requests):  # noqa: ARG001
    """Call the kernel entry at an address: ``void entry(intp n, void **data, int *requests)``."""

    def generate(context, builder, signature, arguments):  # noqa: ARG001
        integer = ir.IntType(64)
        function = ir.FunctionType(ir.VoidType(), [integer, integer, integer])
        builder.call(builder.inttoptr(arguments[0], function.as_pointer()), arguments[1:])
        return context.get_dummy_value()

    return types.none(types.intp, types.intp, types.intp, types.intp), generate


@njit(**OPTIONS)
def words(address, count):
    """``count`` int64 at an address, as an array."""
    return carray(pointer(address), count)


@njit(**OPTIONS)
def chunk(handle):
    """The address of the memory record that an array and its views share."""
    return words(handle, 1)[0]


@njit(**OPTIONS)
def version(handle):
    """How often the memory has been written to, as MXNet's engine counts: chunk → variable → version."""
    return words(words(chunk(handle), 10)[9], 2)[1]


@njit(**OPTIONS)
def flag(function_result):
    """Whether an out-parameter of type bool was set."""
    return (function_result & 0xFF) != 0


@njit(**OPTIONS)
def alike(frame, number, handle, scratch):
    """Whether an array has the storage, dtype and shape that the plan describes.

    Returns the batch size it implies: 0 for any, −1 for a misfit.
    """
    descriptor = TABLES + number * DESCRIPTOR
    out = scratch.ctypes.data
    scratch[0] = 0
    get_storage(handle, out)
    if scratch[0] != DENSE:
        return -1
    scratch[0] = 0
    get_dtype(handle, out)
    if np.int32(scratch[0] & 0xFFFFFFFF) != frame[descriptor]:
        return -1
    scratch[0] = 0
    get_shape(handle, out, out + 8)
    rank = frame[descriptor + 1]
    if (scratch[0] & 0xFFFFFFFF) != rank:
        return -1
    shape = words(scratch[1], rank)
    batch = 0
    for axis in range(rank):
        slope, offset = frame[descriptor + 2 + 2 * axis], frame[descriptor + 3 + 2 * axis]
        if slope == 0:
            if shape[axis] != offset:
                return -1
        else:
            implied = (shape[axis] - offset) // slope
            if implied < 1 or slope * implied + offset != shape[axis] or (batch != 0 and implied != batch):
                return -1
            batch = implied
    return batch


@njit(**OPTIONS)
def fits(frame, number, handle, scratch):
    """``alike``, and on the plan's context."""
    out = scratch.ctypes.data
    scratch[0] = 0
    scratch[1] = 0
    get_context(handle, out, out + 8)
    if scratch[0] != frame[DEVICE_TYPE] or scratch[1] != frame[DEVICE_ID]:
        return -1
    return alike(frame, number, handle, scratch)


@njit(**OPTIONS)
def check(frame, handles, scratch):
    """The batch size of a call, or minus a status."""
    batch = 0
    for number in range(frame[INPUTS] - frame[DRAWN]):
        implied = fits(frame, number, frame[handles + number], scratch)
        if implied < 0 or (implied > 0 and batch > 0 and implied != batch):
            return -MISFIT
        batch = max(batch, implied)
    if frame[BATCH] > 0:
        batch = frame[BATCH]
    if frame[TRAINING] >= 0:
        scratch[0] = 0
        is_training(scratch.ctypes.data)
        if flag(scratch[0]) != (frame[TRAINING] == 1):
            return -MISFIT
    return max(batch, 1)


@njit(**OPTIONS)
def kept_table(frame):
    """Where the numbers of the arrays that backward reads begin."""
    return TABLES + (frame[INPUTS] + frame[OUTPUTS] + frame[SAVED]) * DESCRIPTOR


@njit(**OPTIONS)
def needs_table(frame):
    """Where the table of what moved statistics need begins."""
    return kept_table(frame) + frame[KEPT] + frame[SLOPES]


@njit(**OPTIONS)
def frozen_table(frame):
    """Where the table of frozen constants begins."""
    return needs_table(frame) + frame[MOVED] * (frame[SLOPES] // NEEDS + 1)


@njit(**OPTIONS)
def make(frame, number, batch, scratch):
    """A new array as the plan describes it; 0 if MXNet refuses."""
    descriptor = TABLES + number * DESCRIPTOR
    rank = frame[descriptor + 1]
    for axis in range(rank):
        scratch[2 + axis] = frame[descriptor + 2 + 2 * axis] * batch + frame[descriptor + 3 + 2 * axis]
    out = scratch.ctypes.data
    scratch[0] = 0
    status = create(
        out + 16,
        np.int32(rank),
        np.int32(frame[DEVICE_TYPE]),
        np.int32(frame[DEVICE_ID]),
        np.int32(0),
        np.int32(frame[descriptor]),
        out,
    )
    return scratch[0] if status == 0 else 0


@njit(**OPTIONS)
def run_forward(frame, handles, batch, recorded, scratch):
    """Wait for the inputs, make the results, run the kernel."""
    inputs, results = frame[INPUTS], frame[OUTPUTS] + (frame[SAVED] if recorded else 0)
    data = np.empty(inputs + results, np.int64)
    for number in range(inputs):
        if wait_to_read(frame[handles + number]) != 0:
            return FAILED
    for number in range(inputs, inputs + results):
        frame[handles + number] = make(frame, number, batch, scratch)
        if frame[handles + number] == 0:
            return FAILED
    for number in range(inputs + results):
        get_data(frame[handles + number], data.ctypes.data + 8 * number)
    enter(frame[RECORDED] if recorded else frame[FORWARD], batch, data.ctypes.data, 0)
    return OK


@njit(**OPTIONS)
def bytes_of(frame, number, batch):
    """The size of an array."""
    descriptor = TABLES + number * DESCRIPTOR
    size = BYTES[frame[descriptor]]
    for axis in range(frame[descriptor + 1]):
        size *= frame[descriptor + 2 + 2 * axis] * batch + frame[descriptor + 3 + 2 * axis]
    return size


# The state of a recorded call is a block of int64 that MXNet owns until it calls ``delete_recorded``: the
# MXCallbackList with its two arrays, the batch size, the constant part of the frame with its length, and the handles of
# the arrays that backward reads.
LIST, CALLBACKS, CONTEXTS, STATE_BATCH, STATE_LENGTH, STATE_FRAME = 0, 3, 5, 7, 8, 9

NULL, WRITE, ADD = 0, 1, 3  # MXNet's OpReqType; 2 is write in place

Backward = types.int32(
    types.int32, types.int32, types.CPointer(types.intp), types.CPointer(types.int32), types.int32, types.intp
)


@njit(**OPTIONS)
def add(target, addend, count, dtype):
    """Add ``count`` numbers of one of MXNet's dtypes to those at ``target``."""
    if dtype == FLOAT32:
        add_elements(carray(singles(target), count), carray(singles(addend), count))
    elif dtype == FLOAT64:
        add_elements(carray(doubles(target), count), carray(doubles(addend), count))
    elif dtype == INT32:
        add_elements(carray(words32(target), count), carray(words32(addend), count))
    elif dtype == INT64:
        add_elements(carray(pointer(target), count), carray(pointer(addend), count))
    elif dtype in (INT8, UINT8):  # both wrap around alike
        add_elements(carray(bytes8(target), count), carray(bytes8(addend), count))
    elif dtype == FLOAT16:
        halves, more = carray(bits16(target), count), carray(bits16(addend), count)
        for index in range(count):
            halves[index] = half(single(halves[index]) + single(more[index]))


@njit(**OPTIONS)
def add_elements(total, addend):
    """Add one array to another."""
    for index in range(len(total)):
        total[index] += addend[index]


@njit(**OPTIONS)
def recorded_frame(address):
    """The constant part of the frame of a recorded call."""
    return words(address + 8 * STATE_FRAME, words(address, STATE_FRAME)[STATE_LENGTH])


@njit(**OPTIONS)
def recorded_arrays(address):
    """The handles of the arrays that backward reads."""
    frame = recorded_frame(address)
    return words(address + 8 * (STATE_FRAME + len(frame)), frame[KEPT])


@njit(**OPTIONS)
def slopes_of(frame):
    """The numbers of the inputs that have a gradient, then of those that are moved."""
    first = kept_table(frame) + frame[KEPT]
    return frame[first : first + frame[SLOPES]]


@njit(**OPTIONS)
def moves(frame, index, requests):
    """Whether backward has to move a statistic: MXNet goes back through its operator only for a gradient behind it."""
    first = frame[SLOPES] - frame[MOVED]
    words_each = frame[SLOPES] // NEEDS + 1
    row = needs_table(frame) + (index - first) * words_each
    for source in range(first):
        if requests[source] != NULL and (frame[row + source // NEEDS] >> (source % NEEDS)) & 1:
            return True
    return False


@njit(**OPTIONS)
def run_backward(frame, kept, batch, handles, requests, training):
    """Compute into the arrays behind ``handles``: those of the heads, then of the gradients, then of the statistics.

    Statistics move only in a backward pass for ``training``, as MXNet calls it.
    """
    heads, slopes = frame[OUTPUTS], frame[SLOPES]
    gradients = slopes - frame[MOVED]
    data = np.zeros(heads + len(kept) + slopes, np.int64)
    wanted = np.zeros(max(slopes, 1), np.int32)
    for index in range(heads):
        get_data(handles[index], data.ctypes.data + 8 * index)
    for index in range(len(kept)):
        get_data(kept[index], data.ctypes.data + 8 * (heads + index))
    first = heads + len(kept)
    for index in range(slopes):
        wanted[index] = requests[index]
        if index >= gradients:  # it is read and written: never in place
            wanted[index] = training and requests[index] != NULL and moves(frame, index, requests)
        # A fused loop may write what is not wanted.
        if index >= gradients or requests[index] == NULL or requests[index] == ADD:
            data[first + index] = allocate(bytes_of(frame, slopes_of(frame)[index], batch))
        else:
            get_data(handles[heads + index], data.ctypes.data + 8 * (first + index))
    enter(frame[BACKWARD], batch, data.ctypes.data, wanted.ctypes.data)
    target = np.zeros(1, np.int64)
    for index in range(slopes):
        number = slopes_of(frame)[index]
        size, dtype = bytes_of(frame, number, batch), frame[TABLES + number * DESCRIPTOR]
        get_data(handles[heads + index], target.ctypes.data)
        if index >= gradients:
            if wanted[index]:
                copy_memory(target[0], data[first + index], size)
        elif requests[index] == ADD:
            add(target[0], data[first + index], size // BYTES[dtype], dtype)
        if index >= gradients or requests[index] == NULL or requests[index] == ADD:
            release(data[first + index])


@cfunc(Backward, cache=True)
def backward_recorded(heads, slopes, handles, requests, training, address):
    """MXNet's call for the gradients: handles of heads, then of gradients, which this function owns.

    Returns 0, which MXNet makes an error of, if a head is not like its output.
    """
    frame, batch = recorded_frame(address), words(address, STATE_FRAME)[STATE_BATCH]
    scratch = np.empty(2 + MAXIMUM_RANK, np.int64)
    fitting = np.int32(1)
    for index in range(heads):
        implied = alike(frame, frame[INPUTS] + index, handles[index], scratch)
        if implied < 0 or (implied > 0 and implied != batch):
            fitting = np.int32(0)
    if fitting:
        run_backward(frame, recorded_arrays(address), batch, handles, requests, training != 0)
    for index in range(heads + slopes):
        free_array(handles[index])
    return fitting


@cfunc(types.int32(types.intp), cache=True)
def delete_recorded(address):
    """MXNet no longer needs a recorded call."""
    kept = recorded_arrays(address)
    for index in range(len(kept)):
        free_array(kept[index])
    release(address)
    return np.int32(1)


@njit(**OPTIONS)
def copied(frame, number, handle, batch, scratch):
    """A copy of an input.

    The engine knows that our backward reads the heads but not what it kept, so a write to an input after
    ``backward()`` returned could overtake it: ``x[:] = next_batch`` is common.  Parameters are shared: their updates
    read the gradient first, which orders them.
    """
    result = make(frame, number, batch, scratch)
    get_data(handle, scratch.ctypes.data)
    get_data(result, scratch.ctypes.data + 8)
    source, target = scratch[0], scratch[1]
    copy_memory(target, source, bytes_of(frame, number, batch))
    return result


@njit(**OPTIONS)
def movable(handle, scratch):
    """A statistic as a variable of MXNet's whose gradient, written in place, is the statistic itself.

    So the engine knows that backward writes to it, and orders whatever else reads or writes it.
    """
    detach(handle, scratch.ctypes.data)
    detach(handle, scratch.ctypes.data + 8)
    scratch[2] = WRITE
    mark(np.int32(1), scratch.ctypes.data, scratch.ctypes.data + 16, scratch.ctypes.data + 8)
    free_array(scratch[1])
    return scratch[0]


@njit(**OPTIONS)
def record_call(frame, handles, batch, backward_address, delete_address, scratch):
    """Put a finished call on MXNet's tape."""
    length = frozen_table(frame)
    address = allocate(8 * (STATE_FRAME + length + frame[KEPT]))
    state = words(address, STATE_FRAME)
    state[LIST] = 2
    state[LIST + 1] = address + 8 * CALLBACKS
    state[LIST + 2] = address + 8 * CONTEXTS
    state[CALLBACKS] = backward_address
    state[CALLBACKS + 1] = delete_address
    state[CONTEXTS] = address
    state[CONTEXTS + 1] = address
    state[STATE_BATCH] = batch
    state[STATE_LENGTH] = length
    copy_memory(address + 8 * STATE_FRAME, frame.ctypes.data, 8 * length)
    kept = recorded_arrays(address)
    for index in range(len(kept)):
        number = frame[kept_table(frame) + index]
        if number < frame[BROUGHT]:
            kept[index] = copied(frame, number, frame[handles + number], batch, scratch)
        else:
            detach(frame[handles + number], kept.ctypes.data + 8 * index)
    numbers = slopes_of(frame)
    sources = np.empty(max(len(numbers), 1), np.int64)
    gradients = len(numbers) - frame[MOVED]
    for index in range(len(numbers)):
        handle = frame[handles + numbers[index]]
        sources[index] = handle if index < gradients else movable(handle, scratch)
    outputs = frame.ctypes.data + 8 * (handles + frame[INPUTS])
    status = record(np.int32(len(numbers)), sources.ctypes.data, np.int32(frame[OUTPUTS]), outputs, address)
    for index in range(gradients, len(numbers)):
        free_array(sources[index])  # the tape has its own
    return status


@njit(**OPTIONS)
def free_saved(frame, handles):
    """Give up this call's own handles of saved arrays; the tape has its own."""
    first = handles + frame[INPUTS] + frame[OUTPUTS]
    for index in range(frame[SAVED]):
        free_array(frame[first + index])


@njit(**OPTIONS)
def constants_unchanged(frame, handles):
    """Whether no frozen constant was written to since the plan was made or last confirmed."""
    table = frozen_table(frame)
    for index in range(frame[FROZEN]):
        entry = table + FROZEN_ENTRY * index
        handle = frame[handles + frame[entry]]
        wait_to_read(handle)  # a write is counted when it ends
        if chunk(handle) != frame[entry + 1] or version(handle) != frame[entry + 2]:
            return False
    return True


@njit(**OPTIONS)
def admit(frame, handles, scratch):
    """The batch size of a call that the plan is for, or minus a status."""
    batch = check(frame, handles, scratch)
    return batch if batch < 0 or constants_unchanged(frame, handles) else -CHANGED


@njit("int64(int64[::1])", **OPTIONS)
def batch_of(frame):
    """The batch size of a call, or minus a status, before anything is drawn for it."""
    return admit(frame, frozen_table(frame) + FROZEN_ENTRY * frame[FROZEN], np.empty(2 + MAXIMUM_RANK, np.int64))


@njit("int64(int64[::1], int64, int64)", **OPTIONS)
def launch(frame, backward_address, delete_address):
    """One call.  The frame holds the handles of the inputs and receives those of the outputs.  Returns a status."""
    scratch = np.empty(2 + MAXIMUM_RANK, np.int64)
    handles = frozen_table(frame) + FROZEN_ENTRY * frame[FROZEN]
    batch = admit(frame, handles, scratch)
    if batch < 0:
        return -batch
    scratch[0] = 0
    is_recording(scratch.ctypes.data)
    recorded = flag(scratch[0]) and frame[SLOPES] > frame[MOVED]
    status = run_forward(frame, handles, batch, recorded, scratch)
    if status == OK and recorded:
        recorded_status = record_call(frame, handles, batch, backward_address, delete_address, scratch)
        status = OK if recorded_status == 0 else FAILED
        free_saved(frame, handles)
    return status


@njit("int64(int64[::1])", **OPTIONS)
def launch_with_gradients(frame):
    """One call and its gradients, without a tape.  The frame holds handles of inputs and heads, receives the rest."""
    scratch = np.empty(2 + MAXIMUM_RANK, np.int64)
    handles = frozen_table(frame) + FROZEN_ENTRY * frame[FROZEN]
    batch = admit(frame, handles, scratch)
    if batch < 0:
        return -batch
    inputs, outputs = frame[INPUTS], frame[OUTPUTS]
    heads = handles + inputs + outputs + frame[SAVED]
    for index in range(outputs):
        implied = alike(frame, inputs + index, frame[heads + index], scratch)
        if implied < 0 or (implied > 0 and implied != batch):
            return MISFIT
        if wait_to_read(frame[heads + index]) != 0:
            return FAILED
    if run_forward(frame, handles, batch, True, scratch) != OK:
        return FAILED
    numbers = slopes_of(frame)
    for index in range(len(numbers)):
        if index < len(numbers) - frame[MOVED]:
            frame[heads + outputs + index] = make(frame, numbers[index], batch, scratch)
            if frame[heads + outputs + index] == 0:
                return FAILED
        else:
            frame[heads + outputs + index] = frame[handles + numbers[index]]
            if wait_to_write(frame[heads + outputs + index]) != 0:
                return FAILED
    kept = np.empty(frame[KEPT], np.int64)
    for index in range(len(kept)):
        kept[index] = frame[handles + frame[kept_table(frame) + index]]
    run_backward(frame, kept, batch, frame[heads:], np.ones(max(len(numbers), 1), np.int32), True)
    free_saved(frame, handles)
    return OK


@njit("int64(int64)", **OPTIONS)
def chunk_of(handle):
    """``chunk`` for Python."""
    return chunk(handle)


@njit("int64(int64)", **OPTIONS)
def version_of(handle):
    """``version`` for Python."""
    return version(handle)
