"""One way to compare what a Block computes: MXNet itself, the primitives' NumPy meaning and the compiled kernels."""

import mxnet_compat  # noqa: F401, I001  (before anything imports mxnet)
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import mxnet as mx
import numpy as np
import pytest
from mxnet import autograd, gluon, nd

from kernels import jit, value_and_gradient
from kernels import trace as trace_block
from kernels.decompose import decompose
from kernels.engine import drawn
from kernels.gradient import gradients
from kernels.graph import INPUT, PARAMETER
from kernels.oracle import evaluate
from kernels.primitives.base import leaf
from kernels.trace import structural_parameters

# A float32 kernel may sum in another order than MXNet; a rule that is wrong is wrong by far more than this.
TOLERANCE = {"float32": 2e-5, "float64": 1e-12}

DRAWN = 17  # the seed of what forward draws: every way to run a block begins with it


class Layer(gluon.Block):
    """A Block around a function: ``function(inputs…, parameters…)``, parameters in the order of ``shapes``."""

    def __init__(self, function: Callable[..., Any], arity: int = 1, **shapes: tuple[int, ...]) -> None:
        super().__init__(prefix="")
        self._function, self._names, self._arity = function, tuple(shapes), arity
        for name, shape in shapes.items():
            setattr(self, name, self.params.get(name, shape=shape))

    def forward(self, *inputs: nd.NDArray) -> Any:
        return self._function(*inputs, *(getattr(self, name).data() for name in self._names))


@dataclass(frozen=True)
class Seeded(mx.init.Initializer):
    """Normal numbers from a generator of this file's own; MXNet's random stream is left alone."""

    generator: np.random.Generator = field(default_factory=lambda: np.random.default_rng(7))
    scale: float = 1.0

    def __call__(self, _: Any, array: nd.NDArray) -> None:
        array[:] = nd.array(self.generator.standard_normal(array.shape) * self.scale, dtype=array.dtype)


Results = dict[str, np.ndarray]


def _as_list(outputs: Any) -> list[nd.NDArray]:
    return list(outputs) if isinstance(outputs, (list, tuple)) else [outputs]


def _named(outputs: Any, gradient: dict[str, nd.NDArray | np.ndarray]) -> Results:
    results = {f"output {position}": value for position, value in enumerate(_as_list(outputs))}
    results |= {f"gradient {name}": value for name, value in gradient.items()}
    return {
        name: value.asnumpy() if isinstance(value, nd.NDArray) else np.asarray(value) for name, value in results.items()
    }


def recorded(
    runner: gluon.Block,
    block: gluon.Block,
    names: Sequence[str],
    arrays: Sequence[np.ndarray],
    heads: Sequence[np.ndarray],
    requests: Mapping[str, str] | None = None,
) -> Results:
    """Outputs and gradients of ``runner``, a variant of ``block``, by MXNet's own tape.

    ``requests``: input or parameter name → 'null' or 'add' (to ones) where the gradient is not simply written.
    """
    requests = requests or {}
    inputs = [nd.array(array, dtype=array.dtype) for array in arrays]
    parameters = {k: p for k, p in structural_parameters(block).items() if not isinstance(p, gluon.Constant)}
    for name, array in zip(names, inputs, strict=True):
        if requests.get(name) != "null":
            array.attach_grad(requests.get(name, "write"))
    for name, parameter in parameters.items():
        parameter.grad_req = requests.get(name, "write")
    holders = {name: array.grad for name, array in zip(names, inputs, strict=True)}
    holders |= {name: None if p.grad_req == "null" else p.grad() for name, p in parameters.items()}
    wanted = {name: gradient for name, gradient in holders.items() if gradient is not None}
    for name, gradient in wanted.items():
        gradient[:] = 1 if requests.get(name) == "add" else 0
    mx.random.seed(DRAWN)
    with autograd.record():
        outputs = runner(*inputs)
        heads_of = _as_list(outputs)
        if "null" in requests.values():
            # MXNet refuses to go back from an output that depends on nothing wanted: let each depend on all, by nothing
            anchors = [array for array in (*inputs, *(p.data() for p in parameters.values())) if array.grad is not None]
            heads_of = [output + sum((0 * anchor).sum() for anchor in anchors) for output in heads_of]
    if wanted:
        autograd.backward(heads_of, [nd.array(head, dtype=head.dtype) for head in heads])
    return _named(outputs, wanted)


def by_oracle(block: gluon.Block, arrays: Sequence[np.ndarray], heads: Sequence[np.ndarray]) -> Results:
    """Outputs and gradients by NumPy, in float64, from the primitive graph before any rewrite."""
    inputs = [nd.array(array, dtype=array.dtype) for array in arrays]
    with autograd.train_mode():
        graph = trace_block(block, *inputs)
    outputs, leaves, effects = decompose(graph)
    parameters = structural_parameters(block)
    known = {node.array.name: parameters[node.key].data().asnumpy() for node in graph.leaves if node.role != INPUT}
    known |= {node.array.name: array for node, array in zip(graph.leaves_of(INPUT), arrays, strict=True)}
    head_leaves = [leaf(f"head{k}", value.shape, value.dtype) for k, value in enumerate(outputs)]
    known |= {f"head{k}": head for k, head in enumerate(heads)}
    mx.random.seed(DRAWN)
    known |= {draw.value.name: drawn(draw, arrays[0].shape[0], mx.cpu()).asnumpy() for draw in effects.draws}
    known = {name: array.astype(np.float64) for name, array in known.items()}
    wanted = [node for node in graph.leaves if node.role in (INPUT, PARAMETER)]
    slopes = gradients(outputs, head_leaves, [leaves[node.array.name] for node in wanted])
    present = [(node, slope) for node, slope in zip(wanted, slopes, strict=True) if slope is not None]
    computed = evaluate([*outputs, *(slope for _, slope in present)], known, arrays[0].shape[0])
    keys = [node.key for node, _ in present]
    return _named(computed[: len(outputs)], dict(zip(keys, computed[len(outputs) :], strict=True)))


def heads_for(block: gluon.Block, arrays: Sequence[np.ndarray], seed: int = 11) -> list[np.ndarray]:
    """A random head gradient for each output."""
    generator = np.random.default_rng(seed)
    outputs = _as_list(block(*(nd.array(array, dtype=array.dtype) for array in arrays)))
    return [generator.standard_normal(output.shape).astype(output.dtype) for output in outputs]


def disagreements(expected: Results, found: Results, tolerance: float) -> list[str]:
    """What differs by more than ``tolerance`` of the largest element; a gradient that is absent is zero."""
    problems = []
    for name, right in expected.items():
        value = found.get(name, np.zeros_like(right))
        scale = max(1.0, float(np.abs(right[np.isfinite(right)]).max(initial=0.0)))
        if value.shape != right.shape:
            problems.append(f"{name}: shape {value.shape}, not {right.shape}")
        elif not np.allclose(value, right, rtol=tolerance, atol=tolerance * scale, equal_nan=True):
            problems.append(f"{name}: {value.ravel()[:6]} instead of {right.ravel()[:6]}")
    return problems


def agreement(
    block: gluon.Block, *arrays: np.ndarray, compiled: gluon.Block | None = None, seed: int | None = None
) -> list[str]:
    """What disagrees between MXNet, the oracle and the kernels (with a tape and without), as sentences.

    With a ``seed`` the kernels also run with random ``grad_req`` for every input and parameter.
    """
    if any(parameter._data is None for parameter in block.collect_params().values()):
        block.initialize(Seeded())
        block.cast(arrays[0].dtype)
    heads = heads_for(block, arrays)
    fast = jit(block) if compiled is None else compiled
    with autograd.train_mode():
        graph = trace_block(block, *(nd.array(array, dtype=array.dtype) for array in arrays))
        mx.random.seed(DRAWN)
        y, slopes = value_and_gradient(
            fast,
            [nd.array(array, dtype=array.dtype) for array in arrays],
            [nd.array(head, dtype=head.dtype) for head in heads],
        )
    names = [node.key for node in graph.leaves_of(INPUT)]
    tolerance = TOLERANCE[arrays[0].dtype.name]
    truth = recorded(block, block, names, arrays, heads)
    ways = {
        "oracle": by_oracle(block, arrays, heads),
        "recorded kernels": recorded(fast, block, names, arrays, heads),
        "kernels without a tape": _named(y, slopes),
    }
    problems = [
        f"{way}, {problem}" for way, found in ways.items() for problem in disagreements(truth, found, tolerance)
    ]
    if seed is not None:
        generator = np.random.default_rng(seed)
        sources = [*names, *structural_parameters(block)]
        requests = {name: str(generator.choice(["write", "add", "null"])) for name in sources}
        expected = recorded(block, block, names, arrays, heads, requests)
        found = recorded(fast, block, names, arrays, heads, requests)
        problems += [f"{requests}, {problem}" for problem in disagreements(expected, found, tolerance)]
    return problems


@pytest.fixture
def layer() -> type[Layer]:
    """The class of Blocks around a function."""
    return Layer


@pytest.fixture
def agree() -> Callable[..., list[str]]:
    """``agreement``: an empty list is agreement."""
    return agreement


@pytest.fixture
def normal() -> Callable[..., np.ndarray]:
    """Seeded normal numbers of a shape; float32 unless told."""

    def make(*shape: int, seed: int = 3, dtype: str = "float32") -> np.ndarray:
        return np.random.default_rng(seed).standard_normal(shape).astype(dtype)

    return make
