"""LearnedAffine: exercise 1, a learned offset (and scale) in the place of each feature's own mean."""

from collections.abc import Mapping
from functools import partial

from mxnet import nd
from mxnet.gluon import nn
from mxnet.gluon.parameter import DeferredInitializationError

from ._subject import Array, Input, Pullback, Subject


class LearnedAffine(nn.Block):
    """Replace each feature's mean over the batch by a learned one: y = (x - mean₀(x))·gamma + beta.

    mean₀ is the mean over the first axis; without ``scale`` there is no gamma, and y = x - mean₀(x) + beta.

    Shapes (n batch, i in_units): x (n, i) -> y (n, i).
    Parameters: beta (i,), initially 0; with ``scale`` gamma (i,), initially 1.  With ``in_units=0``, i is found
    at the first call or by loading.
    Source: Dive into Deep Learning / MXNet, Custom Layers, exercise 1.
    """

    def __init__(self, in_units: int = 0, scale: bool = False, **kwargs: object) -> None:
        super().__init__(**kwargs)
        with self.name_scope():
            self.beta = self.params.get("beta", shape=(in_units,), init="zeros", allow_deferred_init=True)
            self.gamma = None
            if scale:
                self.gamma = self.params.get("gamma", shape=(in_units,), init="ones", allow_deferred_init=True)

    def forward(self, x: nd.NDArray) -> nd.NDArray:
        """``x`` with learned means; see the class for shapes."""
        centered = x - x.mean(axis=0)
        try:
            return self.affine(centered)
        except DeferredInitializationError:
            self.infer_shape(x)
            return self.affine(centered)

    def affine(self, centered: nd.NDArray) -> nd.NDArray:
        """centered·gamma + beta, or centered + beta without ``scale``."""
        if self.gamma is not None:
            centered = centered * self.gamma.data(centered.context)
        return centered + self.beta.data(centered.context)

    def infer_shape(self, x: nd.NDArray) -> None:
        """Take the input size from ``x`` and initialise the parameters that were waiting for it."""
        for parameter in filter(None, (self.beta, self.gamma)):
            parameter.shape = x.shape[-1:]
            parameter._finish_deferred_init()


def reference(x: Array, parameters: Mapping[str, Array]) -> tuple[Array, Pullback]:
    """LearnedAffine in NumPy, with a gamma exactly if ``parameters`` hold one."""
    centered = x - x.mean(axis=0)
    gamma = parameters.get("gamma", 1.0)

    def pullback(head: Array) -> tuple[Array, dict[str, Array]]:
        gradients = {"beta": head.sum(axis=0)}
        if "gamma" in parameters:
            gradients["gamma"] = (head * centered).sum(axis=0)
        scaled = head * gamma
        return scaled - scaled.mean(axis=0), gradients

    return centered * gamma + parameters["beta"], pullback


SUBJECT = Subject(
    name="LearnedAffine",
    build=partial(LearnedAffine, in_units=256, scale=True),
    inputs=(Input((256,)),),
    parameters={"beta": (256,), "gamma": (256,)},
    reference=reference,
    formula="y = (x - mean₀(x))·gamma + beta",
    source="Dive into Deep Learning / MXNet, Custom Layers, exercise 1",
)
