"""What goes wrong with layers."""


class LayerError(ValueError):
    """A layer that cannot be found or built.  The message is one sentence for the person who named it."""
