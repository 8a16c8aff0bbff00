"""The errors that this room raises for what it cannot trace, generate or compile."""


class KernelError(ValueError):
    """A Block, an input or a variant that ``kernels`` cannot serve; the message is one sentence for the user."""


class UncompilableError(KernelError):
    """A forward pass that the numba variant cannot compile, though MXNet can run it."""


class PartError(KernelError):
    """A call that one part of a network cannot serve; the message names the part."""
