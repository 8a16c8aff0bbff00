"""Examples of the softmax family."""

import numpy as np
from mxnet import nd

from . import Call, Examples, Input, below

SOFTMAX: dict[str, Call] = {
    "softmax": lambda x: nd.softmax(x),
    "softmax along the batch": lambda x: nd.softmax(x, axis=0),
    "softmax, temperature": lambda x: nd.softmax(x, axis=1, temperature=0.7),
    "log_softmax": lambda x: nd.log_softmax(x),
    "log_softmax along axis 1, temperature": lambda x: nd.log_softmax(x, axis=1, temperature=3),
    "softmin": lambda x: nd.softmin(x),
    "softmax of computed numbers": lambda x: nd.softmax(x * x - x) * 2,
    "softmax of exponentials": lambda x: nd.softmax(nd.exp(x) * 0.5),
    "attention": lambda x: nd.batch_dot(nd.softmax(nd.batch_dot(x, x, transpose_b=True) / 2), x),
}


def large(generator: np.random.Generator, shape: tuple[int, ...]) -> np.ndarray:
    """Numbers whose exponentials overflow, and −∞ among them as a mask has it."""
    numbers = 500 * generator.standard_normal(shape)
    numbers[..., 0] = -np.inf
    return np.asarray(numbers)


EXAMPLES = {
    "softmax": Examples({"x": Input(3, 4)}, SOFTMAX),
    "softmax in float64": Examples({"x": Input(3, 4)}, SOFTMAX, dtype="float64"),
    "of one element": Examples({"x": Input(1)}, {"softmax": lambda x: nd.softmax(x)}),
    "of large numbers": Examples(
        {"x": Input(4, numbers=large)},
        {"softmax": lambda x: nd.softmax(x), "log_softmax": lambda x: nd.log_softmax(nd.maximum(x, -900))},
    ),
    "by SoftmaxActivation": Examples(
        {"x": Input(3, 4), "z": Input(5)},
        {
            "SoftmaxActivation of channels": lambda x: nd.SoftmaxActivation(x, mode="channel"),
            "SoftmaxActivation": lambda z: nd.SoftmaxActivation(z),
        },
        refused={"SoftmaxActivation of more axes": lambda x: nd.SoftmaxActivation(x)},
    ),
    "of lengths": Examples(
        {
            "x": Input(3, 4),
            "length": Input(3, numbers=below(5), dtype="int32"),
            "rows": Input(4, numbers=below(4), dtype="int64"),
        },
        {
            "softmax of lengths": lambda x, length: nd.softmax(x, length, use_length=True),
            "softmax of lengths, temperature": lambda x, length: nd.softmax(
                x, length, use_length=True, temperature=2, axis=-1
            ),
            "softmax of lengths along axis 1": lambda x, rows: nd.softmax(x, rows, use_length=True, axis=1),
        },
    ),
    "in another dtype": Examples(
        {"x": Input(4)},
        {
            "softmax to float64": lambda x: nd.softmax(x, dtype="float64"),
            "softmin to float64": lambda x: nd.softmin(x, dtype="float64"),
            "log_softmax to float64": lambda x: nd.log_softmax(x, dtype="float64"),
        },
    ),
    "losses": Examples(
        {"x": Input(4), "label": Input(numbers=below(4)), "truth": Input(4)},
        {
            "softmax_cross_entropy": lambda x, label: nd.softmax_cross_entropy(x, nd.BlockGrad(label)),
        },
    ),
}
