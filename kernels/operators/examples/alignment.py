"""Examples of losses of sequences."""

from typing import Any

import numpy as np
from mxnet import nd

from . import Examples, Input, below


def padded(generator: np.random.Generator, shape: tuple[int, ...]) -> np.ndarray:
    """Labels of which many are equal, 1, 2, 3 or none a row, and −1 behind them.

    Where no row has any, MXNet returns what its memory held.
    """
    labels = generator.integers(0, 2, shape) * 3
    labels[np.arange(shape[1]) >= (np.arange(1, shape[0] + 1) % (shape[1] + 1))[:, None]] = -1
    return np.asarray(labels)


def enough(generator: np.random.Generator, shape: tuple[int, ...]) -> np.ndarray:
    """5 to 8 frames: three equal labels fit into them."""
    return np.asarray(generator.integers(5, 9, shape))


def some(generator: np.random.Generator, shape: tuple[int, ...]) -> np.ndarray:
    """1 to 3 labels."""
    return np.asarray(generator.integers(1, 4, shape))


SEQUENCES = {
    "x": Input(8, 5),
    "labels": Input(3, numbers=padded, dtype="int32"),
    "known": Input(3, numbers=below(4), dtype="int32"),
    "frames": Input(numbers=enough),
    "count": Input(numbers=some, dtype="int32"),
}


def cost(x: nd.NDArray, labels: nd.NDArray, *lengths: nd.NDArray, **attributes: Any) -> nd.NDArray:
    """Frames before samples, as the operator has them; MXNet leaves the memory of the others' gradients as it was."""
    return nd.CTCLoss(x.swapaxes(0, 1), nd.BlockGrad(labels), *map(nd.BlockGrad, lengths), **attributes)


EXAMPLES = {
    "CTCLoss": Examples(
        SEQUENCES,
        {
            "CTCLoss": lambda x, labels: cost(x, labels + 1),
            "CTCLoss of counted labels": lambda x, known, count: cost(
                x, known, count, use_label_lengths=True, blank_label="last"
            ),
            "CTCLoss of counted frames": lambda x, labels, frames: cost(
                x, labels, frames, use_data_lengths=True, blank_label="last"
            ),
        },
    ),
}
