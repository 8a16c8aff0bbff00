"""Examples of operators that move no data."""

from mxnet import nd

from . import Examples, Input, Parameter

EXAMPLES = {
    "shapes": Examples(
        {"x": Input(2, 6)},
        {
            "Reshape": lambda x: nd.Reshape(x, shape=(0, -1)),
            "reshape to one axis": lambda x: nd.reshape(x, shape=(-1,)),
            "reshape -3": lambda x: x.reshape((-3, 0)),
            "reshape -4": lambda x: x.reshape((0, 0, -4, 2, 3)),
            "reshape to unit axes": lambda x: x.reshape((0, 1, 2, 6, 1)),
            "reshape across": lambda x: x.reshape((0, 3, 4)),
            "Flatten": lambda x: nd.Flatten(x),
            "expand_dims in front": lambda x: nd.expand_dims(x, axis=0),
            "expand_dims in the middle": lambda x: nd.expand_dims(x, axis=2),
            "expand_dims at the end": lambda x: nd.expand_dims(x, axis=-1),
            "squeeze": lambda x: nd.squeeze(nd.expand_dims(x * 2, axis=1)),
            "squeeze one axis": lambda x: nd.squeeze(nd.sum(x, axis=1, keepdims=True), axis=1),
            "reshape_like": lambda x: nd.reshape_like(x.reshape((-1,)), x * 2),
            "transpose": lambda x: nd.transpose(x),
            "transpose of chosen axes": lambda x: nd.transpose(x, axes=(0, 2, 1)),
            "transpose, summed": lambda x: nd.transpose(x, axes=(2, 0, 1)).sum(axis=1),
            "transpose, then reshape": lambda x: nd.transpose(x, axes=(0, 2, 1)).reshape((0, -1)),
            "reshape, then transpose": lambda x: x.reshape((-1, 6)).T,
            "SwapAxis": lambda x: nd.SwapAxis(x, dim1=1, dim2=2),
            "swapaxes with the batch": lambda x: x.swapaxes(0, 2),
        },
    ),
    "repetition": Examples(
        {"x": Input(1, 3), "w": Parameter(1, 3)},
        {
            "broadcast_to": lambda w: nd.broadcast_to(w, shape=(2, 3)),
            "broadcast_to, one axis": lambda x: nd.broadcast_to(x, shape=(0, 5, 3)),
            "broadcast_axis": lambda x: nd.broadcast_axis(x, axis=1, size=4),
            "broadcast_axis of a product": lambda x: nd.broadcast_axis(x * 2, axis=1, size=2),
            "broadcast_like": lambda x: nd.broadcast_like(x, nd.broadcast_axis(x, axis=1, size=2)),
        },
    ),
}
