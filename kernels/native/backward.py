"""Going back, compiled.  Loaded through the kernel cache, like the launcher."""

from llvmlite import ir
from numba import cfunc, njit, types
from numba.extending import intrinsic

from kernels.native import (
    ADD,
    BACKWARD,
    DESCRIPTOR,
    FLOAT16,
    FLOAT32,
    FLOAT64,
    INT8,
    INT32,
    INT64,
    KEPT,
    MOVED,
    NEEDS,
    NEEDS_TABLE,
    NULL,
    ONCE,
    OUTPUTS,
    PART,
    SLOPES,
    SLOPES_TABLE,
    TABLES,
    UINT8,
    allocate,
    copy_memory,
    enter,
    get,
    get32,
    get_data,
    place,
    put,
    put32,
    release,
    word,
)
from kernels.native.arrays import bytes_of
from kernels.whole import Whole


def addition_of(kind, add, wider=None):
    """``add(target, addend, index)``: add an element of LLVM's ``kind`` to another, perhaps in a ``wider`` one."""

    @intrinsic
    def add_element(typing_context, target, addend, index):  # noqa: ARG001
        def generate(context, builder, signature, arguments):  # noqa: ARG001
            target, addend, index = arguments
            where = place(builder, kind, target, index)
            terms = [builder.load(where), builder.load(place(builder, kind, addend, index))]
            if wider is None:
                total = getattr(builder, add)(*terms)
            else:
                total = builder.fptrunc(builder.fadd(*(builder.fpext(term, wider) for term in terms)), kind)
            builder.store(total, where)
            return context.get_dummy_value()

        return types.none(word, word, word), generate

    return add_element


add_single, add_double = addition_of(ir.FloatType(), "fadd"), addition_of(ir.DoubleType(), "fadd")
add_half = addition_of(ir.HalfType(), "fadd", ir.FloatType())
add8, add32, add64 = (addition_of(ir.IntType(bits), "add") for bits in (8, 32, 64))


@njit(**PART)
def add(target, addend, count, dtype):
    """Add ``count`` numbers of one of MXNet's dtypes to those at ``target``."""
    if dtype == FLOAT32:
        for index in range(count):
            add_single(target, addend, index)
        return
    for index in range(count):
        if dtype == FLOAT64:
            add_double(target, addend, index)
        elif dtype == FLOAT16:
            add_half(target, addend, index)
        elif dtype == INT32:
            add32(target, addend, index)
        elif dtype == INT64:
            add64(target, addend, index)
        elif dtype in (INT8, UINT8):  # both wrap around alike
            add8(target, addend, index)


@njit(**ONCE)
def moves(frame, index, requests):
    """Whether backward has to move a statistic: MXNet goes back through its operator only for a gradient behind it."""
    first = get(frame, SLOPES) - get(frame, MOVED)
    row = frame + 8 * (get(frame, NEEDS_TABLE) + (index - first) * (get(frame, SLOPES) // NEEDS + 1))
    for source in range(first):
        if get32(requests, source) != NULL and (get(row, source // NEEDS) >> (source % NEEDS)) & 1:
            return True
    return False


@cfunc(types.void(word, word, word, word, word, word, word), cache=True, pipeline_class=Whole)
def go_back(frame, kept, batch, handles, requests, training, scratch):
    """Compute into the arrays behind ``handles``: those of the heads, then of the gradients, then of the statistics.

    Statistics move only in a backward pass for ``training``, as MXNet calls it.  ``scratch`` has a word for each head,
    each kept array and, twice, each slope.
    """
    heads, slopes, count = get(frame, OUTPUTS), get(frame, SLOPES), get(frame, KEPT)
    gradients = slopes - get(frame, MOVED)
    buffers = scratch + 8 * (heads + count)
    wanted = buffers + 8 * slopes
    numbers = frame + 8 * get(frame, SLOPES_TABLE)
    targets = handles + 8 * heads
    for index in range(heads):
        get_data(get(handles, index), scratch + 8 * index)
    for index in range(count):
        get_data(get(kept, index), scratch + 8 * (heads + index))
    for index in range(slopes):
        request = get32(requests, index)
        if index >= gradients:  # it is read and written: never in place
            put32(wanted, index, training != 0 and request != NULL and moves(frame, index, requests))
        else:
            put32(wanted, index, request)
        # A fused loop may write what is not wanted.
        if index >= gradients or request in (NULL, ADD):
            put(buffers, index, allocate(bytes_of(frame, get(numbers, index), batch)))
        else:
            get_data(get(targets, index), buffers + 8 * index)
    enter(get(frame, BACKWARD), batch, scratch, wanted)
    for index in range(slopes):
        request = get32(requests, index)
        if index < gradients and request not in (NULL, ADD):
            continue
        number, buffer = get(numbers, index), get(buffers, index)
        if request != NULL:  # who wants no gradient may have no array for it
            get_data(get(targets, index), scratch)
        size, descriptor = bytes_of(frame, number, batch), frame + 8 * (TABLES + number * DESCRIPTOR)
        if index >= gradients:
            if get32(wanted, index) != 0:
                copy_memory(get(scratch, 0), buffer, size)
        elif request == ADD:
            add(get(scratch, 0), buffer, size // get(descriptor, 1), get(descriptor, 0))
        release(buffer)
