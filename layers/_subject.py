"""What the rest of the suite knows about a layer."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy
from mxnet import gluon
from numpy.typing import NDArray

from ._input import FLOATS
from ._input import Input as Input

Array = NDArray[numpy.float64]

# The gradient of a scalar with respect to the output (the head gradient, of the output's shape)
# -> its gradients with respect to the input and to each parameter, by structural name.
Pullback = Callable[[Any], tuple[Any, dict[str, Array]]]

# The input and the parameters by structural name -> the output and its pullback.  A layer with several inputs or
# outputs has lists of arrays in their place; an input of integers has the gradient None.
Reference = Callable[[Any, Mapping[str, Array]], tuple[Any, Pullback]]


@dataclass(frozen=True)
class Subject:
    """One layer at one size, with all that is needed to run it and to judge its results."""

    name: str
    """The catalogue name, or the class name of a layer from elsewhere."""

    build: Callable[[], gluon.Block]
    """A fresh block at this size, not yet initialised."""

    inputs: tuple[Input, ...]
    """The shapes and dtypes of forward's arrays, in order."""

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

    @property
    def dtype(self) -> str:
        """What its parameters are in: the dtype of the first input of floats that says one, or else float32."""
        return next((one.dtype for one in self.inputs if one.dtype in FLOATS), "float32")

    @property
    def features(self) -> tuple[int, ...]:
        """The first input's shape without its first axis, the batch."""
        return self.inputs[0].features
