"""Examples of operators that choose elements by their places."""

import numpy as np
from mxnet import nd

from . import Examples, Input, Parameter, below


def around(generator: np.random.Generator, shape: tuple[int, ...]) -> np.ndarray:
    """Places inside and outside an axis of 4, with fractions."""
    return np.asarray(generator.uniform(-6, 9, shape))


def lengths(x: nd.NDArray) -> nd.NDArray:
    """Whole numbers from 1 to 4, without a gradient: MXNet leaves the memory of one as it was."""
    return 1 + (x > 1) + (x > 2) + (x > 3)


EXAMPLES = {
    "x[..]": Examples(
        {"x": Input(3, 4), "w": Parameter(3, 4)},
        {
            "x[:, 0]": lambda x: x[:, 0],
            "x[:, -1]": lambda x: x[:, -1] * 2,
            "x[:, 1, 2]": lambda x: x[:, 1, 2],
            "x[0]": lambda x: x[0],
            "x[-1]": lambda x: nd.tanh(x)[-1],
            "x[0, 1]": lambda x: x[0, 1],
            "x[0:1]": lambda x: x[0:1],
            "x[..., ::2]": lambda x: x[..., ::2],
            "x[:, 1:] - x[:, :-1]": lambda x: x[:, 1:] - x[:, :-1],
            "x[:, ::-1]": lambda x: x[:, ::-1] * x,
            "x[:, :, 3:0:-2]": lambda x: x[:, :, 3:0:-2],
            "x[:, -2:]": lambda x: x[:, -2:],
            "x[::-1]": lambda x: x[::-1] + x,
            "x[:, None]": lambda x: x[:, None],
            "x[:, None, 0]": lambda x: x[:, None, 0],
            "x[:, 1:2, None]": lambda x: x[:, 1:2, None] * x.expand_dims(3),
            "w[1]": lambda w: w[1],
            "w[1:]": lambda w: w[1:],
            "w[::-1, 1]": lambda w: w[::-1, 1],
        },
    ),
    "rows of the batch": Examples(
        {"x": Input(3, 2)},
        {
            "x[1:]": lambda x: x[1:],
            "x[1:] - x[:-1]": lambda x: x[1:] - x[:-1],
            "x[-2]": lambda x: x[-2],
            "all but the last row": lambda x: nd.slice_axis(x, axis=0, begin=0, end=x.shape[0] - 1),
            "x[1:-1] summed": lambda x: x[1:-1].sum(axis=0),
            "x[1:] times a matrix": lambda x: nd.dot(x[1:].reshape((0, -1)), nd.ones((6, 2))),
        },
        batches=(5, 3),
    ),
    "slices": Examples(
        {"x": Input(3, 4), "w": Parameter(2, 6)},
        {
            "slice": lambda x: nd.slice(x, begin=(None, 1), end=(None, 3)),
            "slice with steps": lambda x: nd.slice(x, begin=(None, None, 3), end=(None, None, 0), step=(1, 1, -2)),
            "slice from the end": lambda x: nd.slice(x, begin=(0, -2), end=(None, None)),
            "slice beyond": lambda x: nd.slice(x, begin=(0, -7), end=(None, 9)),
            "slice of a sum": lambda x: nd.slice(x.sum(axis=1), begin=(0, 1), end=(None, 3)),
            "slice_axis": lambda x: nd.slice_axis(x, axis=1, begin=1, end=3),
            "slice_axis at the end": lambda x: nd.slice_axis(x, axis=-1, begin=-3, end=None),
            "slice_like": lambda x, w: nd.slice_like(w, x.sum(axis=0)[:2]),
            "slice_like along an axis": lambda x: nd.slice_like(x, x.sum(axis=2, keepdims=True), axes=(2,)),
            "slice_like, counted from the end": lambda x: nd.slice_like(nd.tanh(x), x[:, :2], axes=(-2,)),
            "reverse": lambda x: nd.reverse(x, axis=1),
            "flip of two axes": lambda x: nd.flip(x, axis=(1, 2)) * x,
            "flip of the batch": lambda x: nd.flip(x, axis=0),
        },
    ),
    "taken": Examples(
        {"x": Input(4, 4), "at": Input(3, numbers=around), "place": Input(numbers=below(4)), "w": Parameter(4, 3)},
        {
            "take of rows": lambda w, at: nd.take(w, at),
            "take wrapped": lambda w, at: nd.take(w, at, mode="wrap"),
            "take along an axis": lambda x, at: nd.take(x, at, axis=1),
            "take along the last axis": lambda x, at: nd.take(nd.tanh(x), at, axis=-1, mode="wrap"),
            "take of the batch": lambda x, place: nd.take(x, place, axis=0),
            "take of twice the batch": lambda x, at: nd.take(nd.concat(x, 2 * x, dim=0), at, mode="wrap"),
            "Embedding": lambda w: nd.Embedding(nd.arange(3), w, input_dim=4, output_dim=3),
            "pick": lambda x, place: nd.pick(x.sum(axis=1), place),
            "pick along an axis": lambda x, place: nd.pick(x, nd.stack(*[place] * 4, axis=1), axis=1),
            "pick with keepdims": lambda x, place: nd.pick(x.sum(axis=1), place, axis=1, keepdims=True),
            "pick outside": lambda x, at: nd.pick(x[:, :3], at, axis=2),
            "pick wrapped": lambda x, at: nd.pick(x[:, :3], at, axis=2, mode="wrap"),
            "batch_take": lambda x, place: (
                x[:, 0, 0] + nd.BlockGrad(nd.batch_take(x[:, 1], place.astype("int32") * 2 - 1))
            ),
            "one_hot": lambda place: nd.one_hot(place, depth=4),
            "one_hot of more axes": lambda at: nd.one_hot(at, depth=3, on_value=2, off_value=-1),
            "gather_nd": lambda w, place: nd.gather_nd(w, nd.stack(place, nd.minimum(place, 2))),
            "gather_nd of rows": lambda x, place: nd.gather_nd(x[0], place.reshape((1, -1))),
            "diag": lambda x: nd.diag(x[0]),
            "diag above": lambda w: nd.diag(w, k=1),
            "diag below": lambda w: nd.diag(w, k=-1),
            "diag of a vector": lambda x: nd.diag(x[0, 0]),
            "diag of a vector, above": lambda x: nd.diag(x[0, 0], k=1),
        },
        {"take that checks": lambda w, place: nd.take(w, place, mode="raise")},
    ),
    "sequences": Examples(
        {"x": Input(4, 2), "length": Input(numbers=lambda generator, shape: generator.integers(1, 5, shape))},
        {
            "SequenceMask": lambda x, length: nd.SequenceMask(x, lengths(length), use_sequence_length=True, axis=1),
            "SequenceMask by a number": lambda x, length: nd.SequenceMask(
                x.swapaxes(0, 1), lengths(length), use_sequence_length=True, value=-1.5
            ),
            "SequenceMask of nothing": lambda x: nd.SequenceMask(x * 2),
            "SequenceLast": lambda x, length: nd.SequenceLast(
                x.swapaxes(0, 1), lengths(length), use_sequence_length=True
            ),
            "SequenceLast along an axis": lambda x, length: nd.SequenceLast(
                nd.tanh(x), lengths(length), use_sequence_length=True, axis=1
            ),
            "SequenceLast of all": lambda x: nd.SequenceLast(x, axis=1),
            "SequenceReverse": lambda x, length: nd.SequenceReverse(
                x.swapaxes(0, 1), lengths(length), use_sequence_length=True
            ),
            "SequenceReverse of all": lambda x: nd.SequenceReverse(x.swapaxes(0, 1)),
        },
    ),
    "chosen in float64": Examples(
        {"x": Input(4, 2), "w": Parameter(4, 3), "place": Input(numbers=below(4))},
        {
            "slice": lambda x: x[:, 1:3, ::-1],
            "take": lambda w, place: nd.take(w, place),
            "pick": lambda x, place: nd.pick(x.sum(axis=2), place),
            "SequenceMask": lambda x, place: nd.SequenceMask(x, lengths(place), use_sequence_length=True, axis=1),
        },
        dtype="float64",
    ),
}
