"""One input of a layer: its shape, its dtype, and whether its first axis is the batch."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy

from ._errors import LayerError

MOST_AXES = 32  # of a NumPy array, from which inputs are made
MOST_ELEMENTS = 2**31 - 1  # MXNet counts them in 32 bits
MOST_DIGITS = 20  # more than 64 bits need
LONGEST = 60  # letters of what a person typed, quoted in a sentence
FLOATS = ("float16", "float32", "float64")
INTEGERS = ("uint8", "int8", "int32", "int64")


@dataclass(frozen=True)
class Input:
    """``features`` is the shape without the batch, or the whole shape of an input that has none.

    ``dtype`` is empty for the dtype that the layer computes in.  An input of integers holds numbers from 0 up to, but
    not including, ``below``.
    """

    features: tuple[int, ...]
    dtype: str = ""
    below: int = 2
    batched: bool = True

    def shape(self, batch: int) -> tuple[int, ...]:
        """The whole shape."""
        return (batch, *self.features) if self.batched else self.features

    @property
    def whole(self) -> bool:
        """Whether it holds integers, which have no gradient."""
        return self.dtype in INTEGERS

    def __str__(self) -> str:
        shape = ", ".join(map(str, ("batch", *self.features) if self.batched else self.features))
        return f"{shape}:{self.dtype}" if self.dtype else shape


def parse_inputs(texts: Sequence[str]) -> tuple[int, tuple[Input, ...]]:
    """The batch size and the inputs that ``4,16`` or ``4,16:int32`` or ``4,16:int32:1000`` say, one text for each.

    The batch is the first axis of the first input and of every other one that has as many rows.  The last number is
    ``below``.  Raises ``LayerError`` for what is no such text.
    """
    parsed = [_parse(text) for text in texts]
    batch = parsed[0][0][0]
    inputs = []
    for shape, dtype, below in parsed:
        batched = shape[0] == batch
        inputs.append(Input(shape[1:] if batched else shape, dtype, below, batched))
    return batch, tuple(inputs)


def _parse(text: str) -> tuple[tuple[int, ...], str, int]:
    shape, _, kind = text.partition(":")
    dtype, colon, below = kind.partition(":")
    extents = [extent.strip() for extent in shape.split(",")]
    if not all(is_number(extent) for extent in extents):
        raise LayerError(f"a shape is a list of positive whole numbers such as 4,16, not {_short(shape)}")
    if len(extents) > MOST_AXES:
        raise LayerError(f"an input has at most {MOST_AXES} axes, not {len(extents)}")
    if math.prod(map(int, extents)) > MOST_ELEMENTS:
        raise LayerError(f"an input of shape {_short(shape)} has more elements than an array can hold")
    if text.count(":") and dtype not in FLOATS + INTEGERS:
        raise LayerError(f"the dtype of an input is one of {', '.join(FLOATS + INTEGERS)}, not {dtype!r}")
    if colon and not (dtype in INTEGERS and is_number(below)):
        raise LayerError(f"an input of integers is written 4,16:int32:1000 for numbers below 1000, not {_short(text)}")
    if colon and int(below) - 1 > numpy.iinfo(dtype).max:
        raise LayerError(f"{dtype} holds numbers up to {numpy.iinfo(dtype).max}, not up to one below {below}")
    return tuple(map(int, extents)), dtype, int(below) if colon else 2


def is_number(text: str) -> bool:
    """Whether ``text`` is a positive whole number, in digits that people type, that MXNet can count to."""
    return text.isascii() and text.isdecimal() and len(text) <= MOST_DIGITS and int(text) > 0


def _short(text: str) -> str:
    return repr(text if len(text) <= LONGEST else f"{text[:LONGEST]}…")
