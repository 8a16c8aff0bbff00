"""Examples of operators that keep every number."""

from mxnet import nd

from . import Examples, Input

EXAMPLES = {
    "copies": Examples(
        {"x": Input(4)},
        {
            "of a sum": lambda x: nd.identity(x + 1),
            "of an input": lambda x: nd.identity(x),
            "by a method": lambda x: x.copy() * 2,
        },
    ),
    "dtypes": Examples(
        {"x": Input(3), "k": Input(3, dtype="int32")},
        {
            "there and back": lambda x: nd.Cast(nd.Cast(x, dtype="float64") * 1.5, dtype="float32"),
            "to whole numbers": lambda x: nd.cast(nd.cast(4 * x, dtype="int32"), dtype="float32") * x,
            "from whole numbers": lambda x, k: k.astype("float32") * x,
            "to truths": lambda x: nd.cast(nd.cast(x > 0, dtype="bool"), dtype="float32") * x,
            "to halves": lambda x: nd.amp_cast(x, dtype="float16"),
            "to the widest": lambda x: nd.amp_multicast(x, x * 2, num_outputs=2),
        },
        refused={"a sum of truths": lambda x: nd.cast(x, dtype="bool").sum()},
    ),
    "gradients": Examples(
        {"x": Input(3)},
        {
            "stopped": lambda x: nd.BlockGrad(x * 2) * x,
            "detached": lambda x: x.detach() * x,
            "a loss": lambda x: nd.make_loss(x * x),
            "a scaled loss": lambda x: nd.MakeLoss(x * x, grad_scale=3),
            "a loss by rows": lambda x: nd.MakeLoss(x * x, normalization="batch"),
            "a loss by counting what is positive": lambda x: nd.MakeLoss(x * x, normalization="valid"),
            "a loss by counting": lambda x: nd.MakeLoss(x * x, grad_scale=2, normalization="valid", valid_thresh=0.5),
        },
    ),
}
