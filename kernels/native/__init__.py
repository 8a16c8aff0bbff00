"""What is compiled between a Python call and a kernel, for every layer alike: its parts.

``launcher.py`` checks the arrays against the plan, waits for them, makes the results, finds the buffers and runs the
kernel; ``tape.py`` tells MXNet how to go back, ``backward.py`` does, ``straight.py`` has it do so without a search
through the tape where that holds nothing else, and ``tapeless.py`` goes back at once.  A whole call
costs a few microseconds because it stays out of Python; it may wait while another thread needs the interpreter because
it holds no lock.  They are loaded through the kernel cache, when they are first needed: compiling takes seconds.

Addresses and handles are plain integers here, and memory is read and written through ``get`` and ``put``: arrays took
Numba several times as long to compile.  MXNet's entry points are those of its c_api.h.
"""

import numpy as np
from llvmlite import ir
from numba import njit, types
from numba.extending import intrinsic

from kernels import whole

# A frame is a block of int64 that one call owns.  It begins with the plan's constants:
FORWARD, RECORDED, BACKWARD = 0, 1, 2  # entries of the kernels, 0 until a call needs them
DEVICE_TYPE, DEVICE_ID = 3, 4  # context of all arrays
INPUTS, OUTPUTS, SAVED, KEPT, SLOPES, FROZEN = 5, 6, 7, 8, 9, 10  # how many of each
BATCH, TRAINING = 11, 12  # what the plan holds for: a batch size or 0, a training mode or -1
BROUGHT = 13  # how many inputs the call itself brings, before parameters
MOVED = 14  # how many of the slopes are statistics that backward moves in place, not inputs with a gradient: the last
ORDER = 15  # what this call shall do: see RUN
NOW = 16  # the batch size of this call
UNPROVED = 17  # how many inputs must be looked at: not parameters that are the same arrays as in an earlier call
# Where the parts that follow begin, in words from the frame's own beginning:
KEPT_TABLE = 18  # the numbers of the arrays that backward reads
SLOPES_TABLE = 19  # the numbers of the inputs that have a gradient or are moved
NEEDS_TABLE = 20  # for each moved one the gradients of which one must be wanted, as bits of NEEDS words
FROZEN_TABLE = 21  # for each frozen constant its number, the memory it is in and how often that was written to
HANDLES = 22  # of inputs, outputs and saved arrays; with them the constants end.  An output's may be given: that of an
# array of an earlier call, to be written to again.
HEADS = 23  # the handles of heads, then of gradients and of what is moved
SCRATCH = 24  # ROOM words for what C functions return, then addresses of buffers and the like
TABLES = 25  # the first part itself: a descriptor for each input, output and saved array
FROZEN_ENTRY = 3
NEEDS = 62  # bits of a word that are used
MAXIMUM_RANK = 8
ROOM = 2 + MAXIMUM_RANK
DESCRIPTOR = 3 + 2 * MAXIMUM_RANK  # dtype, bytes of an element, rank, then slope and offset of each extent

# MXNet's numbers of dtypes are 0 float32, 1 float64, 2 float16, 3 uint8, 4 int32, 5 int8, 6 int64, 7 bool.
FLOAT32, FLOAT64, FLOAT16, UINT8, INT32, INT8, INT64 = 0, 1, 2, 3, 4, 5, 6

NULL, WRITE, ADD = 0, 1, 3  # MXNet's OpReqType; 2 is write in place

DENSE, CPU = 0, 1  # MXNet's storage type of ordinary arrays, and its device type of a machine's own memory

# The state of a recorded call is a block of int64 that MXNet owns until it no longer needs the call: the MXCallbackList
# with its two arrays, the batch size, the address of ``go_back``, the constant part of the frame, and the handles of
# the arrays that backward reads.
LIST, FUNCTIONS, CONTEXTS, STATE_BATCH, STATE_GO_BACK, STATE_FRAME = 0, 3, 5, 7, 8, 9

RUN, RUN_AND_KEEP, ONLY_ADMIT = 0, 1, 2  # RUN keeps what backward reads if MXNet is recording
OK, MISFIT, CHANGED, FAILED, KEPT_FOR_BACKWARD, UNPREPARED = 0, 1, 2, 3, 4, 5  # UNPREPARED: its entry is 0

OPTIONS = {"error_model": "numpy", "no_rewrites": True}  # there are no arrays whose expressions Numba could rewrite
PART = {**OPTIONS, **whole.PART}  # compiled with what calls it, and cached with that
ONCE = {**PART, "inline": "always"}  # what one place calls: a function less for Numba to compile
ENTRY = {
    **OPTIONS,
    "nogil": True,
    "no_cfunc_wrapper": True,
    "cache": True,
    "pipeline_class": whole.Whole,
}

word = types.intp
wait_to_read = types.ExternalFunction("MXNDArrayWaitToRead", types.int32(word))
get_data = types.ExternalFunction("MXNDArrayGetData", types.int32(word, word))
get_shape = types.ExternalFunction("MXNDArrayGetShapeEx64", types.int32(word, word, word))
get_storage = types.ExternalFunction("MXNDArrayGetStorageType", types.int32(word, word))
get_dtype = types.ExternalFunction("MXNDArrayGetDType", types.int32(word, word))
get_context = types.ExternalFunction("MXNDArrayGetContext", types.int32(word, word, word))
create = types.ExternalFunction(
    "MXNDArrayCreateEx64", types.int32(word, types.int32, types.int32, types.int32, types.int32, types.int32, word)
)
is_training = types.ExternalFunction("MXAutogradIsTraining", types.int32(word))
detach = types.ExternalFunction("MXNDArrayDetach", types.int32(word, word))
free_array = types.ExternalFunction("MXNDArrayFree", types.int32(word))
allocate = types.ExternalFunction("malloc", word(word))
release = types.ExternalFunction("free", types.void(word))
copy_memory = types.ExternalFunction("memcpy", word(word, word, word))


def place(builder, kind, address, index):
    """A pointer to element ``index`` of those of one kind that begin at an address."""
    return builder.gep(builder.inttoptr(address, kind.as_pointer()), [index])


def memory_of(item):
    """``get(address, index)`` and ``put(address, index, value)`` for one type of element."""

    @intrinsic
    def get(typing_context, address, index):  # noqa: ARG001
        def generate(context, builder, signature, arguments):  # noqa: ARG001
            return builder.load(place(builder, context.get_value_type(item), *arguments))

        return item(word, word), generate

    @intrinsic
    def put(typing_context, address, index, value):  # noqa: ARG001
        def generate(context, builder, signature, arguments):  # noqa: ARG001
            *where, value = arguments
            builder.store(value, place(builder, context.get_value_type(item), *where))
            return context.get_dummy_value()

        return types.none(word, word, item), generate

    return get, put


get, put = memory_of(types.int64)
get32, put32 = memory_of(types.int32)


@intrinsic
def enter(typing_context, entry, batch, data, requests):  # noqa: ARG001
    """Call the kernel entry at an address: ``void entry(intp n, void **data, int *requests)``."""

    def generate(context, builder, signature, arguments):  # noqa: ARG001
        integer = ir.IntType(64)
        function = ir.FunctionType(ir.VoidType(), [integer, integer, integer])
        builder.call(builder.inttoptr(arguments[0], function.as_pointer()), arguments[1:])
        return context.get_dummy_value()

    return types.none(types.intp, types.intp, types.intp, types.intp), generate


@intrinsic
def go_through(typing_context, entry, frame, kept, batch, handles, requests, training, scratch):  # noqa: ARG001
    """Call ``go_back`` at its address: were it a part of whatever calls it, each would compile it once more."""

    def generate(context, builder, signature, arguments):  # noqa: ARG001
        entry, *others = arguments
        function = ir.FunctionType(ir.VoidType(), [ir.IntType(64)] * len(others))
        builder.call(builder.inttoptr(entry, function.as_pointer()), others)
        return context.get_dummy_value()

    return types.none(*[word] * 8), generate


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
