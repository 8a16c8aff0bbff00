"""Losses and pieces of layers as people write them: the generated kernels, run by Python, against MXNet.

Nothing is compiled, so that many fit into seconds; test_everyday_layers.py has whole layers by compiled kernels.
"""

import math
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import pytest
from mxnet import autograd, nd

from kernels import trace
from kernels.graph import INPUT, PARAMETER
from kernels.program import program
from kernels.trace import structural_parameters

from .fuzz.kernels_in_python import outputs_and_gradients
from .generator.conftest import Layer, Seeded, disagreements, heads_for, recorded

BATCH, LENGTH, WIDTH = 3, 5, 8
TOLERANCE = 2e-5


def numbers(*shape: int, seed: int = 3) -> np.ndarray:
    return np.random.default_rng(seed).standard_normal((BATCH, *shape)).astype(np.float32)


def whole(end: int) -> np.ndarray:
    return np.random.default_rng(4).integers(0, end, BATCH).astype(np.float32)


def smoothed_cross_entropy(x: nd.NDArray, label: nd.NDArray) -> nd.NDArray:
    classes = x.shape[-1]
    truth = nd.one_hot(nd.stop_gradient(label), classes) * 0.9 + 0.1 / classes
    return -(truth * nd.log_softmax(x)).sum(axis=-1).mean()


def triplet_margin(anchor: nd.NDArray, same: nd.NDArray, other: nd.NDArray) -> nd.NDArray:
    return nd.relu(nd.norm(anchor - same, axis=1) - nd.norm(anchor - other, axis=1) + 0.5).mean()


def quantiles(x: nd.NDArray, y: nd.NDArray) -> nd.NDArray:
    loss = 0
    for place, share in enumerate((0.1, 0.5, 0.9)):
        off = y - x[:, place]
        loss = loss + nd.maximum(share * off, (share - 1) * off)
    return loss.mean()


def focal(x: nd.NDArray, label: nd.NDArray) -> nd.NDArray:
    share = nd.pick(nd.softmax(x), nd.stop_gradient(label), axis=1)
    return -((1 - share) ** 2 * nd.log(share + 1e-9)).mean()


def contrastive(x: nd.NDArray, y: nd.NDArray) -> nd.NDArray:
    scores = nd.dot(nd.L2Normalization(x), nd.L2Normalization(y), transpose_b=True) / 0.1
    return (
        -nd.pick(nd.log_softmax(scores), nd.arange(x.shape[0])).mean() - nd.diag(nd.log_softmax(scores, axis=0)).mean()
    )


def hardest_pairs(x: nd.NDArray) -> nd.NDArray:
    squares = (x.expand_dims(0) - x.expand_dims(1)).square().sum(axis=2)
    return nd.sqrt(squares + 1e-3).max(axis=1).mean()


def overlap(x: nd.NDArray, truth: nd.NDArray) -> nd.NDArray:
    share = nd.sigmoid(x)
    return 1 - (2 * (share * truth).sum() + 1) / (share.sum() + truth.sum() + 1)


def gated_recurrence(x: nd.NDArray, w: nd.NDArray, u: nd.NDArray, b: nd.NDArray) -> nd.NDArray:
    h, states = nd.zeros((x.shape[0], 4)), []
    for step in range(x.shape[1]):
        reset_in, update_in, new_in = nd.split(nd.dot(x[:, step], w) + b, 3, axis=1)
        reset_of, update_of, new_of = nd.split(nd.dot(h, u), 3, axis=1)
        update = nd.sigmoid(update_in + update_of)
        h = (1 - update) * nd.tanh(new_in + nd.sigmoid(reset_in + reset_of) * new_of) + update * h
        states.append(h)
    return nd.stack(*states, axis=1)


def rotary(x: nd.NDArray) -> nd.NDArray:
    half = x.shape[-1] // 2
    angles = nd.arange(x.shape[1]).expand_dims(1) * nd.power(100.0, -nd.arange(half) / half).expand_dims(0)
    first, second, cos, sin = x[:, :, :half], x[:, :, half:], nd.cos(angles), nd.sin(angles)
    return nd.concat(first * cos - second * sin, first * sin + second * cos, dim=2)


def linear_attention(q: nd.NDArray, k: nd.NDArray, v: nd.NDArray) -> nd.NDArray:
    q, k = (nd.LeakyReLU(one, act_type="elu", slope=1) + 1 for one in (q, k))
    return nd.batch_dot(q, nd.batch_dot(k, v, transpose_a=True)) / nd.batch_dot(q, k.sum(axis=1).expand_dims(2))


def distance_penalty(x: nd.NDArray) -> nd.NDArray:
    place = nd.arange(x.shape[1])
    penalty = -nd.abs(place.reshape((-1, 1)) - place.reshape((1, -1))) * 0.5
    return nd.batch_dot(nd.softmax(nd.batch_dot(x, x, transpose_b=True) + penalty), x)


def squashed(x: nd.NDArray) -> nd.NDArray:
    square = (x**2).sum(axis=-1, keepdims=True)
    return square / (1 + square) * x / nd.sqrt(square + 1e-8)


def spectrally_normed(x: nd.NDArray, w: nd.NDArray, u: nd.NDArray) -> nd.NDArray:
    v = nd.L2Normalization(nd.dot(u, w))
    turned = nd.L2Normalization(nd.dot(v, w, transpose_b=True))
    return nd.dot(x, w / (nd.dot(nd.stop_gradient(turned), w) * nd.stop_gradient(v)).sum())


def chebyshev(x: nd.NDArray, c: nd.NDArray) -> nd.NDArray:
    terms = [nd.ones_like(x), nd.tanh(x)]
    for _ in range(3):
        terms.append(2 * terms[1] * terms[-1] - terms[-2])
    return sum(c[place] * term for place, term in enumerate(terms))


def whitened(x: nd.NDArray) -> nd.NDArray:
    centred = x - x.mean(axis=0, keepdims=True)
    return nd.dot(centred, centred, transpose_a=True) / (x.shape[0] - 1)


def masked_huber(x: nd.NDArray, y: nd.NDArray, mask: nd.NDArray) -> nd.NDArray:
    off, mask = nd.abs(x - y), nd.stop_gradient(mask) > 0
    return (nd.where(off < 1, 0.5 * off * off, off - 0.5) * mask).sum() / nd.maximum(mask.sum(), 1)


def pairwise_ranking(x: nd.NDArray, y: nd.NDArray) -> nd.NDArray:
    above = nd.sign(y.expand_dims(2) - y.expand_dims(1))
    return nd.log1p(nd.exp(-above * (x.expand_dims(2) - x.expand_dims(1)))).sum(axis=(1, 2))


ROWS, OTHERS, MORE = numbers(WIDTH), numbers(WIDTH, seed=5), numbers(WIDTH, seed=6)
SEQUENCE = numbers(LENGTH, WIDTH)
Shapes = Mapping[str, tuple[int, ...]]
FUNCTIONS: dict[str, tuple[Callable[..., Any], tuple[np.ndarray, ...], Shapes]] = {
    "label smoothing": (smoothed_cross_entropy, (ROWS, whole(WIDTH)), {}),
    "triplet margin": (triplet_margin, (ROWS, OTHERS, MORE), {}),
    "quantiles": (quantiles, (numbers(3), numbers()), {}),
    "focal loss": (focal, (ROWS, whole(WIDTH)), {}),
    "contrastive loss": (contrastive, (ROWS, OTHERS), {}),
    "hardest pairs": (hardest_pairs, (ROWS,), {}),
    "overlap": (overlap, (ROWS, np.abs(ROWS)), {}),
    "masked Huber loss": (masked_huber, (ROWS, OTHERS, MORE), {}),
    "pairwise ranking": (pairwise_ranking, (ROWS, OTHERS), {}),
    "recurrence": (gated_recurrence, (SEQUENCE,), {"w": (WIDTH, 12), "u": (4, 12), "b": (12,)}),
    "rotary positions": (rotary, (SEQUENCE,), {}),
    "linear attention": (linear_attention, (SEQUENCE, SEQUENCE[::-1].copy(), 2 * SEQUENCE), {}),
    "penalty by distance": (distance_penalty, (SEQUENCE,), {}),
    "GELU by tanh": (
        lambda x: 0.5 * x * (1 + nd.tanh(math.sqrt(2 / math.pi) * (x + 0.044715 * x**3))), (SEQUENCE,), {},
    ),
    "capsules": (squashed, (SEQUENCE,), {}),
    "straight through": (lambda x: x + nd.stop_gradient(nd.round(x * 4) / 4 - x), (SEQUENCE,), {}),
    "spectral normalisation": (spectrally_normed, (ROWS,), {"w": (WIDTH, 4), "u": (1, WIDTH)}),
    "polynomials": (chebyshev, (ROWS,), {"c": (5,)}),
    "covariance": (whitened, (ROWS,), {}),
    "radial basis": (
        lambda x, c, g: nd.exp(-nd.exp(g) * ((x.expand_dims(1) - c.expand_dims(0)) ** 2).sum(axis=-1)),
        (ROWS,), {"c": (4, WIDTH), "g": (1,)},
    ),
    "maxout": (lambda x, w: nd.dot(x, w).reshape((0, 4, 3)).max(axis=2), (ROWS,), {"w": (WIDTH, 12)}),
    "attention pooling": (
        lambda x, w: nd.batch_dot(nd.softmax(nd.dot(x, w), axis=1), x, transpose_a=True),
        (SEQUENCE,), {"w": (WIDTH, 1)},
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", FUNCTIONS)
def test_functions_of_everyday_agree_with_mxnet(name: str) -> None:
    function, arrays, shapes = FUNCTIONS[name]
    block = Layer(function, len(arrays), **shapes)
    block.initialize(Seeded(scale=0.5))
    heads = heads_for(block, arrays)
    with autograd.train_mode():
        graph = trace(block, *map(nd.array, arrays))
    assert graph.polymorphic
    inputs = [leaf.array.name for leaf in graph.leaves_of(INPUT)]
    keys = {leaf.array.name: leaf.key for leaf in (*graph.leaves_of(INPUT), *graph.leaves_of(PARAMETER))}
    known = dict(zip(inputs, arrays, strict=True))
    known |= {
        leaf.array.name: structural_parameters(block)[leaf.key].data().asnumpy() for leaf in graph.leaves_of(PARAMETER)
    }
    made = program(graph, {})
    plain, kept, slopes = outputs_and_gradients(made, known, heads, BATCH, set(made.differentiated))
    expected = recorded(block, block, [keys[name] for name in inputs], arrays, heads)
    for outputs in (plain, kept):
        found = {f"output {place}": output for place, output in enumerate(outputs)}
        found |= {f"gradient {keys[name]}": slope for name, slope in slopes.items()}
        assert disagreements(expected, found, TOLERANCE) == []
