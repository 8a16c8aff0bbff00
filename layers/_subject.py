"""What the rest of the suite knows about a layer."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy
from mxnet import gluon
from numpy.typing import NDArray

Array = NDArray[numpy.float64]

# The gradient of a scalar with respect to the output (the head gradient, of the output's shape)
# -> its gradients with respect to the input and to each parameter, by structural name.
Pullback = Callable[[Array], tuple[Array, dict[str, Array]]]

# The input and the parameters by structural name -> the output and its pullback.
Reference = Callable[[Array, Mapping[str, Array]], tuple[Array, Pullback]]


class LayerError(ValueError):
    """A layer that cannot be found or built.  The message is one sentence for the person who named it."""


@dataclass(frozen=True)
class Subject:
    """One layer at one size, with all that is needed to run it and to judge its results."""

    name: str
    """The catalogue name, or the class name of a layer from elsewhere."""

    build: Callable[[], gluon.Block]
    """A fresh block at this size, not yet initialised."""

    features: tuple[int, ...]
    """The input's shape without its first axis, the batch."""

    parameters: Mapping[str, tuple[int, ...]]
    """Structural name (``weight``, ``0.weight``) -> shape, constants included.

    The shapes of a catalogue entry are complete; in a layer from elsewhere an extent of 0 is found at its first call.
    """

    reference: Reference | None
    """Independent float64 NumPy; ``None`` for a layer from elsewhere that brings none.

    It ignores constants, and its pullback gives no gradient for them.
    """

    formula: str
    source: str
    """Where the layer comes from: a chapter and exercise, or the file of a layer from elsewhere."""
