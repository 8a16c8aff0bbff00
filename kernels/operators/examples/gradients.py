"""Examples of operators that say what their gradient is."""

from mxnet import nd

from . import Examples, Input

EXAMPLES = {
    "gradients": Examples(
        {"x": Input(3)},
        {
            "BlockGrad": lambda x: nd.BlockGrad(x * x) * x,
            "stop_gradient": lambda x: nd.stop_gradient(x) + x,
            "make_loss": lambda x: nd.make_loss(x * x),
            "_contrib_gradientmultiplier": lambda x: nd.contrib.gradientmultiplier(x * x, scalar=-0.5),
        },
    ),
}
