"""Examples of normalization."""

from mxnet import nd

from . import Examples, Input, Parameter

ROWS = {
    "LayerNorm": lambda x, gamma, beta: nd.LayerNorm(x, gamma, beta),
    "LayerNorm, eps": lambda x, gamma, beta: nd.LayerNorm(x * 3 + 1, gamma, beta, eps=0.1),
    "LayerNorm with moments": lambda x, gamma, beta: nd.LayerNorm(x, gamma, beta, output_mean_var=True),
    "LayerNorm along axis 1": lambda x, wide, high: nd.LayerNorm(x, wide, high, axis=1),
    "InstanceNorm": lambda x, wide, high: nd.InstanceNorm(x, wide, high),
    "GroupNorm": lambda x, one, zero: nd.GroupNorm(x, one, zero, num_groups=1),
}
VECTORS = {"gamma": Parameter(4), "beta": Parameter(4), "wide": Parameter(3), "high": Parameter(3),
           "one": Parameter(1), "zero": Parameter(1)}  # fmt: skip

EXAMPLES = {
    "of rows": Examples({"x": Input(3, 4), **VECTORS}, ROWS),
    "of rows in float64": Examples(
        {"x": Input(3, 4), **VECTORS},
        {name: call for name, call in ROWS.items() if name != "InstanceNorm"},  # MXNet has it in float32 only
        dtype="float64",
    ),
    "of images": Examples(
        {"x": Input(4, 2, 3), "gamma": Parameter(4), "beta": Parameter(4), "two": Parameter(2), "more": Parameter(2)},
        {
            "InstanceNorm": lambda x, gamma, beta: nd.InstanceNorm(x, gamma, beta, eps=1e-4),
            "GroupNorm of 2": lambda x, two, more: nd.GroupNorm(x, two, more, num_groups=2),
            "GroupNorm with moments": lambda x, gamma, beta: nd.GroupNorm(
                x, gamma, beta, num_groups=4, output_mean_var=True
            ),
        },
    ),
    "lengths": Examples(
        {"x": Input(3, 2, 2)},
        {
            "L2Normalization": lambda x: nd.L2Normalization(x),
            "L2Normalization of channels": lambda x: nd.L2Normalization(x, mode="channel"),
            "L2Normalization of places": lambda x: nd.L2Normalization(x, mode="spatial", eps=0.1),
        },
    ),
    "moments": Examples(
        {"x": Input(3, 2)},
        {
            "moments": lambda x: nd.moments(x, axes=(0, 1, 2)),
            "moments of rows": lambda x: nd.moments(x, axes=(1,), keepdims=True),
            "moments of one axis": lambda x: nd.moments(x, axes=1),
            "moments of the batch": lambda x: nd.moments(x, axes=(0, 2)),
        },
        dtype="float64",
    ),
}
