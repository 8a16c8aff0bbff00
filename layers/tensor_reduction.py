"""TensorReduction: exercise 2, a bilinear form for each unit."""

from collections.abc import Mapping
from functools import partial

import numpy
from mxnet import nd
from mxnet.gluon import nn

from ._subject import Array, Input, Pullback, Subject


class TensorReduction(nn.Block):
    """One bilinear form of the input for each unit: y_k = Σ_ij weight_ijk x_i x_j.

    Shapes (n batch, i = j in_units, k units): x (n, i) -> y (n, k).
    Parameters: weight (i, j, k).
    Source: Dive into Deep Learning / MXNet, Custom Layers, exercise 2.
    """

    def __init__(self, units: int, in_units: int, **kwargs: object) -> None:
        super().__init__(**kwargs)
        with self.name_scope():
            self.weight = self.params.get("weight", shape=(in_units, in_units, units))

    def forward(self, x: nd.NDArray) -> nd.NDArray:
        """The reductions of ``x``; see the class for shapes."""
        # Two products are MXNet's fastest form.  At 64 -> 16 units, batch 256, multiplying and summing in the place
        # of the second product takes 3 times as long, forming all x_i x_j first 4 times, and 10 times in training.
        reduced_once = nd.dot(x, self.weight.data(x.context))
        return nd.batch_dot(reduced_once, x.expand_dims(axis=2), transpose_a=True).squeeze(axis=2)


def reference(x: Array, parameters: Mapping[str, Array]) -> tuple[Array, Pullback]:
    """TensorReduction in NumPy."""
    weight = parameters["weight"]
    contract = partial(numpy.einsum, optimize=True)

    def pullback(head: Array) -> tuple[Array, dict[str, Array]]:
        left = contract("nk,ijk,nj->ni", head, weight, x)
        right = contract("nk,ijk,ni->nj", head, weight, x)
        return left + right, {"weight": contract("nk,ni,nj->ijk", head, x, x)}

    return contract("ijk,ni,nj->nk", weight, x, x), pullback


SUBJECT = Subject(
    name="TensorReduction",
    build=partial(TensorReduction, 16, in_units=64),
    inputs=(Input((64,)),),
    parameters={"weight": (64, 64, 16)},
    reference=reference,
    formula="y_k = Σ_ij weight_ijk x_i x_j",
    source="Dive into Deep Learning / MXNet, Custom Layers, exercise 2",
)
