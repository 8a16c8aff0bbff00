"""MyDensePair: the chapter's second network, made of its own layer."""

from mxnet.gluon import nn

from ._reference import chain
from ._subject import Input, Subject
from .my_dense import MyDense
from .my_dense import reference as my_dense

reference = chain(my_dense, my_dense)


def build() -> nn.Sequential:
    """A network of two MyDense layers: x (n, 64) -> hidden (n, 8) -> y (n, 1)."""
    network = nn.Sequential()
    network.add(MyDense(8, in_units=64), MyDense(1, in_units=8))
    return network


SUBJECT = Subject(
    name="MyDensePair",
    build=build,
    inputs=(Input((64,)),),
    parameters={"0.weight": (64, 8), "0.bias": (8,), "1.weight": (8, 1), "1.bias": (1,)},
    reference=reference,
    formula="y = relu(relu(x·weight₀ + bias₀)·weight₁ + bias₁)",
    source="Dive into Deep Learning / MXNet, Custom Layers",
)
