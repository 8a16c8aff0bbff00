"""Examples of activation functions."""

from mxnet import nd

from . import Call, Examples, Input, Parameter, apart, halves

KINDS: dict[str, Call] = {
    "relu": lambda x: nd.Activation(x, act_type="relu"),
    "sigmoid": lambda x: nd.Activation(x, act_type="sigmoid"),
    "tanh": lambda x: nd.Activation(x, act_type="tanh"),
    "softrelu": lambda x: nd.Activation(x, act_type="softrelu"),
    "softsign": lambda x: nd.Activation(x, act_type="softsign"),
    "hard_sigmoid": lambda x: nd.hard_sigmoid(x),
    "hard_sigmoid alpha=0.5": lambda x: nd.hard_sigmoid(x, alpha=0.5),
    "elu": lambda x: nd.LeakyReLU(x, act_type="elu", slope=0.3),
    "selu": lambda x: nd.LeakyReLU(x, act_type="selu"),
}
# MXNet computes them in single precision whatever the dtype.
IN_SINGLE: dict[str, Call] = {
    "leaky": lambda x: nd.LeakyReLU(x, act_type="leaky"),
    "leaky, 0.1": lambda x: nd.LeakyReLU(x, act_type="leaky", slope=0.1),
    "gelu": lambda x: nd.LeakyReLU(x, act_type="gelu"),
}
SLOPES: dict[str, Call] = {
    "prelu, one slope a channel": lambda x, slopes: nd.LeakyReLU(x, slopes, act_type="prelu"),
    "prelu, one slope": lambda x, slope: nd.LeakyReLU(x, slope, act_type="prelu"),
}
# In float32 oneDNN takes NaN for a number here; in float64 MXNet lets it pass.
NAN_LOST = ("relu", "elu")

EXAMPLES = {
    "of ties": Examples({"x": Input(4, numbers=halves)}, KINDS | IN_SINGLE),
    "in float64": Examples({"x": Input(4)}, KINDS, dtype="float64"),
    "slopes": Examples(
        {"x": Input(4, numbers=halves), "slopes": Parameter(4), "slope": Parameter(1)},
        SLOPES,
    ),
    "slopes of four axes": Examples({"x": Input(3, 2, 2), "slopes": Parameter(3), "slope": Parameter(1)}, SLOPES),
    "special values": apart({name: call for name, call in KINDS.items() if name not in NAN_LOST}),
    "special values in float64": apart(KINDS, dtype="float64"),
}
