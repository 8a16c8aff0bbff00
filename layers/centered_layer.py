"""CenteredLayer: the chapter's first layer, which has no parameters."""

from collections.abc import Mapping

from mxnet import nd
from mxnet.gluon import nn

from ._subject import Array, Input, Pullback, Subject


class CenteredLayer(nn.Block):
    """Subtract the mean over the whole array: y = x - mean(x).

    Shapes: x of any shape -> y of the same shape.
    Parameters: none.
    Source: Dive into Deep Learning / MXNet, Custom Layers.
    """

    def forward(self, x: nd.NDArray) -> nd.NDArray:
        """The centred ``x``; see the class for shapes."""
        return x - x.mean()


def reference(x: Array, parameters: Mapping[str, Array]) -> tuple[Array, Pullback]:  # noqa: ARG001
    """CenteredLayer in NumPy.  Centring is symmetric, so it is its own pullback."""

    def pullback(head: Array) -> tuple[Array, dict[str, Array]]:
        return head - head.mean(), {}

    return x - x.mean(), pullback


SUBJECT = Subject(
    name="CenteredLayer",
    build=CenteredLayer,
    inputs=(Input((256,)),),
    parameters={},
    reference=reference,
    formula="y = x - mean(x)",
    source="Dive into Deep Learning / MXNet, Custom Layers",
)
