"""The one error that this room raises for what it cannot trace, generate or compile."""


class KernelError(ValueError):
    """A Block, an input or a variant that ``kernels`` cannot serve; the message is one sentence for the user."""
