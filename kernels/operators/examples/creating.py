"""Examples of operators that make arrays of numbers known beforehand."""

from mxnet import nd

from . import Examples, Input

EXAMPLES = {
    "made": Examples(
        {"x": Input(3, 4)},
        {
            "zeros_like": lambda x: nd.zeros_like(x) + x,
            "ones_like": lambda x: nd.ones_like(x) * x,
            "zeros": lambda x: nd.zeros((3, 4)) - x,
            "ones of the batch": lambda x: nd.ones(x.shape) * x,
            "full": lambda x: nd.full((4,), 2.5).reshape((1, 1, 4)) + x,
            "arange": lambda x: x * nd.arange(4).reshape((1, 1, 4)),
            "arange of the batch": lambda x: x * nd.arange(x.shape[0]).reshape((-1, 1, 1)),
            "arange by steps": lambda x: nd.arange(2, 8, 1.5).reshape((1, 1, 4)) * x,
            "arange again": lambda x: nd.arange(1, 3, repeat=2).reshape((1, 1, 4)) * x,
            "linspace": lambda x: nd.linspace(0, 1, 4).reshape((1, 1, 4)) * x,
            "linspace without its end": lambda x: nd.linspace(0, 2, 4, endpoint=False).reshape((1, 1, 4)) * x,
            "eye": lambda x: nd.eye(3, 4, 1).reshape((1, 3, 4)) * x,
            "eye below": lambda x: nd.eye(3, 4, -1).reshape((1, 3, 4)) * x,
            "arange_like along the batch": lambda x: nd.contrib.arange_like(x, axis=0).reshape((-1, 1, 1)) * x,
            "arange_like along an axis": lambda x: nd.contrib.arange_like(x, axis=2, start=1, step=0.5) * x,
            "arange_like of everything": lambda x: nd.contrib.arange_like(x) * x,
            "arange_like again": lambda x: nd.contrib.arange_like(x, axis=2, repeat=2) * x,
        },
    ),
    "made in float64": Examples(
        {"x": Input(4)},
        {
            "zeros_like": lambda x: nd.zeros_like(x) + x,
            "arange": lambda x: x * nd.arange(4, dtype="float64").reshape((1, 4)),
            "arange_like": lambda x: nd.contrib.arange_like(x, axis=1).reshape((1, 4)) * x,
        },
        dtype="float64",
    ),
}
