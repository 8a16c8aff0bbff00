"""What is compiled between a Python call and a kernel, for every layer alike: its parts.

``launcher.py`` checks the arrays against the plan, waits for them, makes the results, finds the buffers and runs the
kernel; ``tape.py`` tells MXNet how to go back, ``backward.py`` does, ``straight.py`` has it do so without a search
through the tape where that holds nothing else, and ``tapeless.py`` goes back at once.  A whole call
costs a few microseconds because it stays out of Python; it may wait while another thread needs the interpreter because
it holds no lock.  They are loaded through the kernel cache, when they are first needed: compiling takes seconds.

Addresses and handles are plain integers here, and memory is read and written through ``get`` and ``put``: arrays took
Numba several times as long to compile.  MXNet's entry points are those of its c_api.h.
"""

from llvmlite import ir
from numba import types
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
