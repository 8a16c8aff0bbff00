"""The errors that this room raises for what it cannot trace, generate or compile."""

from traceback import TracebackException

LONGEST_WORDS = 200


def told(error: BaseException) -> str:
    """The type of an exception and what it says, on one line that a person likes to read."""
    words = " ".join(text_of(error).split())
    kind = type(error).__name__
    return f"{kind}: {words}"[:LONGEST_WORDS] if words else kind


def text_of(error: BaseException) -> str:
    """What an exception says; also of one that fails to say anything, as somebody else's may."""
    return str(TracebackException(type(error), error, None))


class KernelError(ValueError):
    """A Block, an input or a variant that ``kernels`` cannot serve; the message is one sentence for the user."""


class UncompilableError(KernelError):
    """A forward pass that the numba variant cannot compile, though MXNet can run it."""


class PartError(KernelError):
    """A call that one part of a network cannot serve; the message names the part."""
