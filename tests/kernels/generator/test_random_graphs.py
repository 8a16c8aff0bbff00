"""Random layers: fusion, memory and gradients of combinations that nobody thought of."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from mxnet import nd

BATCH = 5
WIDTHS = (1, 2, 3, 4, 6)

UNARY: tuple[Callable[[nd.NDArray], nd.NDArray], ...] = (
    nd.tanh, nd.sigmoid, nd.sin, nd.relu, nd.abs, nd.square, lambda a: -a,
    lambda a: nd.exp(nd.tanh(a)), lambda a: nd.sqrt(a * a + 0.5),
)  # fmt: skip
SCALAR: tuple[Callable[[nd.NDArray, float], nd.NDArray], ...] = (
    lambda a, s: a + s, lambda a, s: a - s, lambda a, s: s - a, lambda a, s: a * s, nd.maximum,
)  # fmt: skip
BINARY: tuple[Callable[[nd.NDArray, nd.NDArray], nd.NDArray], ...] = (
    lambda a, b: a + b, lambda a, b: a - b, lambda a, b: a * b, lambda a, b: a / (nd.abs(b) + 1), nd.maximum,
)  # fmt: skip
REDUCTIONS = (nd.sum, nd.mean, nd.max, nd.min)
SHAPES = ((-1,), (0, -1), (-1, 1), (1, -1))


class RandomForward:
    """A forward pass of so many steps, each drawn from the tables above for the arrays at hand."""

    def __init__(self, seed: int, steps: int) -> None:
        self._seed, self._steps = seed, steps

    def __call__(self, *arrays: nd.NDArray) -> list[nd.NDArray]:
        generator = np.random.default_rng(self._seed)
        live = list(arrays)
        for _ in range(self._steps):
            recent = live[-1] if generator.random() < 0.5 else live[generator.integers(len(live))]
            made = self._step(generator, recent, live)
            if made.size < 2000:
                live.append(made)
        results = [live[-1], *(live[generator.integers(len(live))] for _ in range(generator.integers(3)))]
        return [result for place, result in enumerate(results) if not any(result is other for other in results[:place])]

    def _step(self, generator: np.random.Generator, a: nd.NDArray, live: list[nd.NDArray]) -> nd.NDArray:
        def one(choices: Any) -> Any:
            return choices[generator.integers(len(choices))]

        kinds = "unary scalar binary binary reduce reduce centre shape turn product part part join join take mask"
        kind = one(kinds.split())
        axis = int(generator.integers(a.ndim))
        if kind == "scalar":
            return one(SCALAR)(a, float(np.round(generator.normal(), 2)))
        if kind == "binary":
            return one(BINARY)(a, one([b for b in live if broadcasts(a.shape, b.shape)]))
        if kind == "reduce":
            where = one(({}, {"axis": axis}, {"axis": axis, "keepdims": True}, {"axis": tuple({0, a.ndim - 1})}))
            return one(REDUCTIONS)(a, **where)
        if kind == "centre":
            return a - a.mean(axis=axis, keepdims=True)
        if kind == "shape":
            return a.reshape(one(SHAPES) if a.ndim > 1 else (-1,))
        if kind == "turn":
            return nd.transpose(a)
        if kind == "part":
            begin, length = int(generator.integers(a.shape[axis])), a.shape[axis]
            places = one((slice(begin, None), slice(None, begin + 1), slice(None, None, -1), slice(begin, None, -2),
                          slice(None, None, 2), begin, begin - length))  # fmt: skip
            return a[(slice(None),) * axis + (places,)]
        if kind == "join":
            others = [b for b in live if joins(a.shape, b.shape, axis)]
            return nd.concat(a, one(others), one(UNARY)(a), dim=axis) if len(others) > 1 else nd.stack(a, -a, axis=axis)
        if kind == "take":
            places = nd.arange(-1, int(generator.integers(1, 5)))  # MXNet's take fails for places with a gradient
            return nd.take(a, places, axis=axis, mode=one(("clip", "wrap")))
        if kind == "mask":
            return nd.where(
                nd.broadcast_like(
                    nd.contrib.arange_like(a, axis=axis).reshape(
                        [-1 if other == axis else 1 for other in range(a.ndim)]
                    ),
                    a,
                )
                < 2,
                a,
                a * 3,
            )
        matrices = [b for b in live if b.ndim == a.ndim == 2]
        for b in matrices if kind == "product" else ():
            if a.shape[1] == b.shape[0]:
                return nd.dot(a, b)
            if a.shape[0] == b.shape[0]:
                return nd.dot(a, b, transpose_a=True)
            if a.shape[1] == b.shape[1]:
                return nd.dot(a, b, transpose_b=True)
        return one(UNARY)(a)


def broadcasts(first: tuple[int, ...], second: tuple[int, ...]) -> bool:
    return len(first) == len(second) and all(a == b or 1 in (a, b) for a, b in zip(first, second, strict=True))


def joins(first: tuple[int, ...], second: tuple[int, ...], axis: int) -> bool:
    return len(first) == len(second) and all(
        a == b or place == axis for place, (a, b) in enumerate(zip(first, second, strict=True))
    )


def agreement_of(seed: int, layer: Any, agree: Callable[..., list[str]]) -> list[str]:
    """Build the layer of that seed and compare it, in float64, where no sum is near a kink by rounding."""
    generator = np.random.default_rng(seed)
    width, depth = (int(extent) for extent in generator.choice(WIDTHS, 2))
    shapes = [[(width,)], [(width,), (width,)], [(width, depth)], [()], [(width,), (width, depth)]][seed % 5]
    parameters = {f"w{k}": tuple(map(int, generator.choice(WIDTHS, 1 + k))) for k in range(seed % 3)}
    forward = RandomForward(seed, steps=int(generator.integers(6, 16)))
    arrays = [generator.standard_normal((BATCH, *extents)) for extents in shapes]
    return agree(layer(forward, arity=len(arrays), **parameters), *arrays, seed=seed)


@pytest.mark.parametrize("seed", range(10))
def test_random_layers_agree(seed: int, layer: Any, agree: Callable[..., list[str]]) -> None:
    assert agreement_of(seed, layer, agree) == []
