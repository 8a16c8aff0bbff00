"""Layers as people write them: each as a whole by compiled kernels, forward and gradients as MXNet has them."""

import math
from typing import Any

import numpy as np
import pytest
from mxnet import gluon, nd
from mxnet.gluon import nn

from kernels import jit

from .generator.conftest import agreement

BATCH, LENGTH, WIDTH = 3, 5, 8


class Attention(nn.Block):
    """Multi-head self-attention; positions behind each length are masked with −10⁹ before the softmax."""

    def __init__(self, heads: int = 2) -> None:
        super().__init__()
        self.heads = heads
        self.project = nn.Dense(3 * WIDTH, in_units=WIDTH, flatten=False, use_bias=False)
        self.out = nn.Dense(WIDTH, in_units=WIDTH, flatten=False)

    def split(self, x: nd.NDArray) -> nd.NDArray:
        x = x.reshape((0, 0, self.heads, -1)).transpose((0, 2, 1, 3))
        return x.reshape((-1, 0, 0), reverse=True)

    def forward(self, x: nd.NDArray, lengths: nd.NDArray) -> nd.NDArray:
        q, k, v = (self.split(part) for part in nd.split(self.project(x), 3, axis=-1))
        scores = nd.batch_dot(q, k, transpose_b=True) / math.sqrt(WIDTH / self.heads)
        mask = nd.broadcast_lesser(nd.arange(x.shape[1]).reshape((1, -1)), lengths.reshape((-1, 1)))
        mask = nd.repeat(mask, self.heads, axis=0).expand_dims(1)
        weights = nd.softmax(nd.where(nd.broadcast_like(mask, scores), scores, nd.full(scores.shape, -1e9)))
        mixed = nd.batch_dot(weights, v).reshape((-1, self.heads, 0, 0), reverse=True)
        return self.out(mixed.transpose((0, 2, 1, 3)).reshape((0, 0, -1)))


class RelativeBias(nn.Block):
    """Causal attention of one head with a learned bias for each distance between two positions."""

    def __init__(self, longest: int = 3) -> None:
        super().__init__()
        self.longest = longest
        with self.name_scope():
            self.bias = self.params.get("bias", shape=(2 * longest + 1,))

    def forward(self, x: nd.NDArray) -> nd.NDArray:
        place = nd.arange(x.shape[1])
        distance = nd.clip(place.expand_dims(0) - place.expand_dims(1), -self.longest, self.longest) + self.longest
        scores = nd.batch_dot(x, x, transpose_b=True) * x.shape[-1] ** -0.5
        scores = nd.broadcast_add(scores, nd.take(self.bias.data(), distance).expand_dims(0))
        future = nd.broadcast_greater(place.expand_dims(0), place.expand_dims(1)).expand_dims(0)
        return nd.batch_dot(nd.softmax(nd.broadcast_sub(scores, future * 1e9), axis=-1), x)


class Positions(nn.Block):
    """Sines and cosines of positions, built inside forward, added to scaled inputs."""

    def forward(self, x: nd.NDArray) -> nd.NDArray:
        width = x.shape[-1]
        rates = nd.exp(nd.arange(0, width, 2) * (-math.log(10000.0) / width))
        angles = nd.dot(nd.arange(x.shape[1]).expand_dims(1), rates.expand_dims(0))
        code = nd.stack(nd.sin(angles), nd.cos(angles), axis=-1).reshape((x.shape[1], width))
        return nd.broadcast_add(x * math.sqrt(width), code.expand_dims(0))


class Gated(nn.Block):
    """A gated linear unit, and a Highway layer behind it."""

    def __init__(self) -> None:
        super().__init__()
        self.both = nn.Dense(2 * WIDTH, in_units=WIDTH, flatten=False)
        self.carry = nn.Dense(WIDTH, in_units=WIDTH, flatten=False, bias_initializer=None)

    def forward(self, x: nd.NDArray) -> nd.NDArray:
        value, gate = nd.split(self.both(x), num_outputs=2, axis=-1)
        y = value * nd.sigmoid(gate)
        share = self.carry(x).sigmoid()
        return share * y.relu() + (1 - share) * x


class Excited(nn.HybridBlock):
    """Squeeze and excitation: channels weighted by what their means say."""

    def __init__(self) -> None:
        super().__init__()
        self.squeeze = nn.GlobalAvgPool2D()
        self.excite = nn.HybridSequential()
        self.excite.add(nn.Dense(2, activation="relu", in_units=4), nn.Dense(4, activation="sigmoid", in_units=2))

    def hybrid_forward(self, F: Any, x: Any) -> Any:  # noqa: N803
        return F.broadcast_mul(x, self.excite(self.squeeze(x)).expand_dims(2).expand_dims(3))


class RootMeanSquare(nn.Block):
    """x / √(mean of x² + ε), times a weight."""

    def __init__(self) -> None:
        super().__init__()
        self.weight = self.params.get("weight", shape=(WIDTH,), init="ones")

    def forward(self, x: nd.NDArray) -> nd.NDArray:
        return x * nd.rsqrt(nd.square(x).mean(axis=-1, keepdims=True) + 1e-6) * self.weight.data()


class WeightNormed(nn.Block):
    """Weight normalisation: directions of unit length times learned lengths."""

    def __init__(self, units: int = 4) -> None:
        super().__init__()
        self.direction = self.params.get("direction", shape=(units, WIDTH))
        self.length = self.params.get("length", shape=(units, 1))
        self.bias = self.params.get("bias", shape=(units,))

    def forward(self, x: nd.NDArray) -> nd.NDArray:
        direction = self.direction.data()
        weight = self.length.data() * direction / nd.norm(direction, axis=1, keepdims=True)
        return nd.FullyConnected(x, weight, self.bias.data(), num_hidden=weight.shape[0])


class Cosine(nn.Block):
    """Logits that are scaled cosines of the angles to class vectors."""

    def __init__(self, classes: int = 4) -> None:
        super().__init__()
        self.classes = self.params.get("classes", shape=(classes, WIDTH))

    def forward(self, x: nd.NDArray) -> nd.NDArray:
        return 16 * nd.dot(nd.L2Normalization(x), nd.L2Normalization(self.classes.data()), transpose_b=True)


class Experts(nn.Block):
    """A mixture of experts, each a layer of its own, weighted by a softmax over the best two gates."""

    def __init__(self, count: int = 3) -> None:
        super().__init__()
        self.gate = nn.Dense(count, in_units=WIDTH)
        self.experts = nn.Sequential()
        self.experts.add(*(nn.Dense(4, activation="tanh", in_units=WIDTH) for _ in range(count)))

    def forward(self, x: nd.NDArray) -> nd.NDArray:
        weights = nd.softmax(self.gate(x)).expand_dims(2)
        outputs = nd.stack(*[expert(x) for expert in self.experts], axis=1)
        return (weights * outputs).sum(axis=1)


class MaskedMean(nn.Block):
    """The mean, and the largest, of the embeddings of each row's words; word 0 is the padding."""

    def __init__(self) -> None:
        super().__init__()
        self.embed = nn.Embedding(6, WIDTH)

    def forward(self, words: nd.NDArray) -> nd.NDArray:
        mask = (words != 0).expand_dims(2)
        vectors = self.embed(nd.stop_gradient(words))
        mean = nd.broadcast_div((vectors * mask).sum(axis=1), nd.maximum(mask.sum(axis=1), 1))
        highest = (vectors * mask - (1 - mask) * 1e9).max(axis=1)
        return nd.concat(mean, highest, dim=1)


class Factorisation(nn.Block):
    """A factorisation machine: linear, and all pairs of features by their vectors."""

    def __init__(self, factors: int = 3) -> None:
        super().__init__()
        self.linear = nn.Dense(1, in_units=WIDTH)
        self.factors = self.params.get("factors", shape=(WIDTH, factors))

    def forward(self, x: nd.NDArray) -> nd.NDArray:
        v = self.factors.data()
        pairs = nd.dot(x, v) ** 2 - nd.dot(x**2, v**2)
        return self.linear(x) + 0.5 * pairs.sum(axis=1, keepdims=True)


class Sines(nn.Block):
    """Two layers of a SIREN."""

    def __init__(self) -> None:
        super().__init__()
        self.first, self.last = nn.Dense(6, in_units=WIDTH), nn.Dense(2, in_units=6)

    def forward(self, x: nd.NDArray) -> nd.NDArray:
        return self.last(nd.sin(3.0 * self.first(x)))


class Spectrum(nn.Block):
    """Logarithms of the powers of a windowed Fourier transform, by a basis built inside forward."""

    def forward(self, x: nd.NDArray) -> nd.NDArray:
        length = x.shape[-1]
        place = nd.arange(length)
        angles = 2 * math.pi / length * nd.dot(place.reshape((-1, 1)), nd.arange(length // 2 + 1).reshape((1, -1)))
        windowed = x * (0.5 - 0.5 * nd.cos(2 * math.pi / length * place))
        return nd.log(nd.dot(windowed, nd.cos(angles)) ** 2 + nd.dot(windowed, nd.sin(angles)) ** 2 + 1e-3)


class Partition(nn.Block):
    """The logarithm of a chain's partition function, as a conditional random field has it: the forward algorithm."""

    def __init__(self, tags: int = 4) -> None:
        super().__init__()
        self.transitions = self.params.get("transitions", shape=(tags, tags))

    def forward(self, scores: nd.NDArray) -> nd.NDArray:
        total = scores[:, 0]
        for step in range(1, scores.shape[1]):
            paths = total.expand_dims(2) + self.transitions.data().expand_dims(0)
            largest = paths.max(axis=1, keepdims=True)
            summed = nd.log(nd.exp(nd.broadcast_sub(paths, nd.stop_gradient(largest))).sum(axis=1))
            total = summed + nd.stop_gradient(largest).reshape((0, -1)) + scores[:, step]
        return nd.log(nd.exp(total).sum(axis=1))


def numbers(*shape: int) -> np.ndarray:
    return np.random.default_rng(3).standard_normal((BATCH, *shape)).astype(np.float32)


def whole(end: int, *shape: int) -> np.ndarray:
    return np.random.default_rng(4).integers(0, end, (BATCH, *shape)).astype(np.float32)


SEQUENCE, ROWS = numbers(LENGTH, WIDTH), numbers(WIDTH)
LAYERS: dict[str, tuple[type[gluon.Block], tuple[np.ndarray, ...]]] = {
    "attention with lengths": (Attention, (SEQUENCE, whole(LENGTH) + 1)),
    "relative positions": (RelativeBias, (SEQUENCE,)),
    "positional encoding": (Positions, (SEQUENCE,)),
    "gates": (Gated, (SEQUENCE,)),
    "squeeze and excitation": (Excited, (numbers(4, 3, 3),)),
    "root mean square": (RootMeanSquare, (SEQUENCE,)),
    "weight normalisation": (WeightNormed, (ROWS,)),
    "cosines": (Cosine, (ROWS,)),
    "mixture of experts": (Experts, (ROWS,)),
    "masked mean": (MaskedMean, (whole(6, LENGTH),)),
    "factorisation machine": (Factorisation, (ROWS,)),
    "SIREN": (Sines, (ROWS,)),
    "spectrum": (Spectrum, (ROWS,)),
    "partition function": (Partition, (numbers(LENGTH, 4),)),
}


@pytest.mark.parametrize("name", LAYERS)
def test_layers_of_everyday_agree_with_mxnet(name: str) -> None:
    layer, arrays = LAYERS[name]
    block = layer()
    fast = jit(block, strict=True)
    assert agreement(block, *arrays, compiled=fast) == []
