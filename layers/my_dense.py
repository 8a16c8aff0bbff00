"""MyDense: the chapter's layer with parameters, and with the deferred input size that it says is missing."""

from collections.abc import Mapping
from functools import partial

from mxnet import nd
from mxnet.gluon import nn
from mxnet.gluon.parameter import DeferredInitializationError

from ._subject import Array, Input, Pullback, Subject


class MyDense(nn.Block):
    """A fully connected layer with a rectifier: y = relu(x·weight + bias).

    Shapes (n batch, i in_units, u units): x (n, i) -> y (n, u).
    Parameters: weight (i, u), bias (u,); with ``in_units=0``, i is found at the first call or by loading.
    Source: Dive into Deep Learning / MXNet, Custom Layers.
    """

    def __init__(self, units: int, in_units: int = 0, **kwargs: object) -> None:
        super().__init__(**kwargs)
        with self.name_scope():
            self.weight = self.params.get("weight", shape=(in_units, units), allow_deferred_init=True)
            self.bias = self.params.get("bias", shape=(units,), init="zeros")

    def forward(self, x: nd.NDArray) -> nd.NDArray:
        """The activations of ``x``; see the class for shapes."""
        try:
            weight = self.weight.data(x.context)
        except DeferredInitializationError:
            self.infer_shape(x)
            weight = self.weight.data(x.context)
        return nd.relu(nd.dot(x, weight) + self.bias.data(x.context))

    def infer_shape(self, x: nd.NDArray) -> None:
        """Take the input size from ``x`` and initialise the weight that was waiting for it."""
        self.weight.shape = (x.shape[-1], self.weight.shape[1])
        self.weight._finish_deferred_init()


def reference(x: Array, parameters: Mapping[str, Array]) -> tuple[Array, Pullback]:
    """MyDense in NumPy.  As in MXNet, the rectifier's slope at 0 is 0."""
    weight = parameters["weight"]
    linear = x @ weight + parameters["bias"]

    def pullback(head: Array) -> tuple[Array, dict[str, Array]]:
        slope = head * (linear > 0)
        return slope @ weight.T, {"weight": x.T @ slope, "bias": slope.sum(axis=0)}

    return linear.clip(min=0), pullback


SUBJECT = Subject(
    name="MyDense",
    build=partial(MyDense, 256, in_units=256),
    inputs=(Input((256,)),),
    parameters={"weight": (256, 256), "bias": (256,)},
    reference=reference,
    formula="y = relu(x·weight + bias)",
    source="Dive into Deep Learning / MXNet, Custom Layers",
)
