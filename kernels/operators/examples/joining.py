"""Examples of operators that put arrays together, take them apart, or repeat them."""

from mxnet import nd

from . import Examples, Input, Parameter

EXAMPLES = {
    "joined": Examples(
        {"x": Input(2, 3), "y": Input(2, 3), "w": Parameter(2, 3)},
        {
            "Concat of features": lambda x, y: nd.Concat(x, y, x * y, dim=1),
            "concat of maps": lambda x, y: nd.concat(nd.tanh(x), y * 2, dim=-1) * 3,
            "concat along the batch": lambda x, y: nd.concat(x, y, dim=0),
            "concat of one": lambda x: nd.concat(x * 2, dim=1),
            "concat of a sum": lambda x: nd.concat(x, x.sum(axis=2, keepdims=True), dim=2),
            "a product of what is joined": lambda x, y: nd.dot(
                nd.concat(x, y, dim=1).reshape((0, -1)), nd.ones((12, 2))
            ),
            "stack in front": lambda x, y: nd.stack(x, y),
            "stack in the middle": lambda x, y: nd.stack(x, y * x, x, axis=1),
            "stack at the end": lambda x, y: nd.stack(x, y, axis=-1),
            "stack of parameters": lambda w: nd.stack(w, w * 2, axis=1),
        },
    ),
    "taken apart": Examples(
        {"x": Input(4, 6), "w": Parameter(2, 4)},
        {
            "split": lambda x: nd.split(x, num_outputs=2, axis=2),
            "split and used": lambda x: (lambda a, b: a * nd.sigmoid(b))(*nd.split(x, num_outputs=2, axis=1)),
            "split of a product": lambda x, w: nd.split(
                nd.FullyConnected(x.swapaxes(1, 2), w, no_bias=True, num_hidden=2, flatten=False),
                num_outputs=2,
                axis=-1,
            ),
            "SliceChannel squeezed": lambda x: nd.SliceChannel(x, num_outputs=4, axis=1, squeeze_axis=True),
            "SliceChannel of default axis": lambda x: nd.SliceChannel(x * 2, num_outputs=2),
            "split_v2 at places": lambda x: nd.split_v2(x, (1, 3), axis=2),
            "split_v2 in sections": lambda x: nd.split_v2(x, 3, axis=-1),
            "split_v2 squeezed": lambda x: nd.split_v2(x, 4, axis=1, squeeze_axis=True),
        },
    ),
    "again and again": Examples(
        {"x": Input(2, 3), "w": Parameter(2, 3)},
        {
            "repeat": lambda x: nd.repeat(x, repeats=2, axis=1),
            "repeat along the last axis": lambda x: nd.repeat(nd.tanh(x), repeats=3, axis=-1),
            "repeat along the batch": lambda x: nd.repeat(x, repeats=2, axis=0),
            "repeat of everything": lambda x: nd.repeat(x, repeats=2),
            "tile": lambda x: nd.tile(x, reps=(2, 1, 3)),
            "tile of fewer axes": lambda x: nd.tile(x, reps=2),
            "tile of more axes": lambda x: nd.tile(x, reps=(2, 1, 1, 2)),
            "tile of a parameter": lambda w: nd.tile(w, reps=(3, 2)),
        },
    ),
    "padded": Examples(
        {"x": Input(1, 3, 4)},
        {
            "Pad by a number": lambda x: nd.Pad(
                x, mode="constant", constant_value=1.5, pad_width=(0, 0, 0, 0, 1, 2, 3, 1)
            ),
            "pad by zero": lambda x: nd.pad(nd.tanh(x), mode="constant", pad_width=(0, 0, 0, 0, 0, 1, 2, 0)),
            "pad by the edge": lambda x: nd.pad(x, mode="edge", pad_width=(0, 0, 0, 0, 1, 2, 3, 1)),
            "pad by reflection": lambda x: nd.pad(x, mode="reflect", pad_width=(0, 0, 0, 0, 1, 2, 3, 1)),
            "pad by the edge, one side": lambda x: nd.pad(x * 2, mode="edge", pad_width=(0, 0, 0, 0, 0, 2, 1, 0)),
        },
    ),
    "depth and space": Examples(
        {"x": Input(4, 2, 6)},
        {
            "space_to_depth": lambda x: nd.space_to_depth(x, block_size=2),
            "depth_to_space": lambda x: nd.depth_to_space(x, block_size=2),
        },
    ),
    "joined in float64": Examples(
        {"x": Input(3), "y": Input(1)},
        {
            "concat": lambda x, y: nd.concat(x, y, nd.exp(x), dim=1),
            "stack and take apart": lambda x: nd.split(nd.stack(x, x * x, axis=1), num_outputs=2, axis=1),
            "repeat": lambda x: nd.repeat(x, repeats=2, axis=1),
        },
        dtype="float64",
    ),
}
