"""What MXNet's tape knows, read and written where this build of its last release keeps it.

None of that is in a C interface; ``kernels/nodes.py`` tries it before it is used.
"""

from llvmlite import ir
from numba import njit, types
from numba.extending import intrinsic

from kernels.native import LIST, NULL, ONCE, PART, detach, get, get32, put, put32, word

CHUNK, NODE = 0, 11  # of an array: the memory that it shares with its views, and its place on a tape, if it has one
VARIABLE = 9  # of a chunk: what the engine orders reads and writes by
PLACE = 3  # words of a place: a node, the count of who holds that (a std::shared_ptr), and which of its results
HOLDERS = 1  # of that count
OPERATOR, ATTRIBUTES, SOURCES, KNOWN, INFORMATION = 0, 9, 15, 21, 22  # of a node; KNOWN is 0 once it was forgotten
DESTROY = 0  # of what KNOWN points to: the function that frees the information
CALLBACKS = 2  # of the attributes of a custom function
REQUEST, GRADIENTS, FRESH = 1, 7, 10  # of a node's information: how to write which arrays, and whether they are new


@intrinsic
def destroy(typing_context, function, address):  # noqa: ARG001
    """Call a C function at an address with the address of what it is to destroy."""

    def generate(context, builder, signature, arguments):  # noqa: ARG001
        kind = ir.FunctionType(ir.VoidType(), [ir.IntType(64)])
        builder.call(builder.inttoptr(arguments[0], kind.as_pointer()), arguments[1:])
        return context.get_dummy_value()

    return types.none(word, word), generate


@njit(**ONCE)
def variable_of(handle):
    """What the engine knows an array's memory by."""
    return get(get(handle, CHUNK), VARIABLE)


@njit(**ONCE)
def state_of(output, custom, on_backward):
    """The state of the recorded call that an array is the output of; 0 if it is of none, or of somebody else's."""
    node = get(output, NODE)
    if node == 0 or get(node, KNOWN) == 0 or get(node, OPERATOR) != custom:
        return 0
    state = get(get(node, ATTRIBUTES), CALLBACKS) + 8 * LIST
    return state if get(get(state, 1), 0) == on_backward else 0


@njit(**PART)
def holders(place):
    """How many hold the node of a place on a tape."""
    return get32(get(place, 1) + 8 * HOLDERS, 0)


@njit(**ONCE)
def conclude(place):
    """What MXNet does to a source after a backward pass: a gradient is new, and what wants none is no variable more."""
    node = get(place, 0)
    information = get(node, INFORMATION)
    if get32(information + 8 * REQUEST, 0) != NULL:
        put32(information + 8 * FRESH, 0, 1)
    else:
        destroy(get(get(node, KNOWN), DESTROY), node + 8 * INFORMATION)
        put(node, KNOWN, 0)


@njit(**ONCE)
def tape_of(output, scratch):
    """A handle of an array that takes over the place of the output, which has none then, as MXNet leaves it."""
    detach(output, scratch)
    other = get(scratch, 0)
    for word_of_place in range(NODE, NODE + PLACE):
        here, there = get(output, word_of_place), get(other, word_of_place)
        put(output, word_of_place, there)
        put(other, word_of_place, here)
    return other
