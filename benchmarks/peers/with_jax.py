"""The layers in JAX, jitted."""

from collections.abc import Callable, Mapping
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from benchmarks.grid import Cell
from benchmarks.peers.systems import Given, Prepared

Arrays = Mapping[str, jax.Array]


def centered_layer(x: jax.Array, _: Arrays) -> jax.Array:
    return x - x.mean()


def my_dense(x: jax.Array, given: Arrays) -> jax.Array:
    return jax.nn.relu(x @ given["weight"] + given["bias"])


def learned_affine(x: jax.Array, given: Arrays) -> jax.Array:
    return (x - x.mean(axis=0)) * given["gamma"] + given["beta"]


def tensor_reduction(x: jax.Array, given: Arrays) -> jax.Array:
    i, j, k = given["weight"].shape
    reduced_once = (x @ given["weight"].reshape(i, j * k)).reshape(-1, j, k)
    return jnp.einsum("nj,njk->nk", x, reduced_once)


def half_fourier(x: jax.Array, _: Arrays) -> jax.Array:
    bins = (x.shape[-1] + 1) // 2
    spectrum = jnp.fft.rfft(x)[:, :bins]
    return jnp.stack([spectrum.real, spectrum.imag], axis=-1).reshape(x.shape[0], 2 * bins)


LAYERS: dict[str, Callable[[jax.Array, Arrays], jax.Array]] = {
    "CenteredLayer": centered_layer,
    "MyDense": my_dense,
    "LearnedAffine": learned_affine,
    "TensorReduction": tensor_reduction,
    "HalfFourier": half_fourier,
}


def prepare(cell: Cell, given: Given, _: str) -> Prepared:
    """Jitted forward, or jitted value and gradient."""
    x, head = jnp.asarray(given.x), jnp.asarray(given.head)
    parameters = {name: jnp.asarray(array) for name, array in given.parameters.items()}
    function = LAYERS[cell.layer]
    forward = jax.jit(function)

    @jax.jit
    def value_and_gradient(x: jax.Array, parameters: Arrays, head: jax.Array) -> Any:
        y, pullback = jax.vjp(function, x, parameters)
        return y, pullback(head)

    def step() -> Any:
        return jax.block_until_ready(value_and_gradient(x, parameters, head))

    def results() -> dict[str, np.ndarray]:
        if cell.mode == "forward":
            return {"output": np.asarray(forward(x, parameters))}
        y, (slope, gradients) = step()
        named = {"output": y, "gradient of x": slope, **gradients}
        return {name: np.asarray(array) for name, array in named.items()}

    return Prepared(step if cell.mode == "train" else lambda: forward(x, parameters).block_until_ready(), results)
