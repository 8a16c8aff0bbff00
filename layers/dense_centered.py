"""DenseCentered: the chapter's first network, whose output has mean 0."""

from mxnet.gluon import nn

from ._reference import chain, dense
from ._subject import Input, Subject
from .centered_layer import CenteredLayer
from .centered_layer import reference as centered

reference = chain(dense, centered)


def build() -> nn.Sequential:
    """A network of Gluon's own Dense(128), input size deferred, and CenteredLayer: x (n, 256) -> y (n, 128)."""
    network = nn.Sequential()
    network.add(nn.Dense(128), CenteredLayer())
    return network


SUBJECT = Subject(
    name="DenseCentered",
    build=build,
    inputs=(Input((256,)),),
    parameters={"0.weight": (128, 256), "0.bias": (128,)},
    reference=reference,
    formula="y = z - mean(z), z = x·weightᵀ + bias",
    source="Dive into Deep Learning / MXNet, Custom Layers",
)
