"""What differs by more than rounding explains.

Random graphs may be badly conditioned, so that no fixed tolerance fits.  What differs at first sight is therefore
judged by MXNet itself, in float64, with every rounded result shaken by a few units in the last place of the plan's
dtype: what then moves as far, or becomes special, is no finding.
"""

import ctypes
from collections.abc import Mapping
from contextlib import nullcontext
from dataclasses import dataclass

import numpy as np
from mxnet import MXNetError, autograd, nd
from mxnet.base import _LIB

from kernels import KernelError, jit
from kernels import trace as trace_block
from kernels.decompose import decompose
from kernels.extent import BATCH
from kernels.gradient import gradients
from kernels.graph import INPUT, Graph
from kernels.oracle import evaluate
from kernels.primitives.base import leaf
from kernels.program import program
from kernels.trace.run import first_line

from .graphs import Fuzzed, Plan, block_of
from .kernels_in_python import everything_shared, outputs_and_gradients

Results = dict[str, np.ndarray]

FIRST_SIGHT = 64  # units in the last place, of the largest element
SHAKES = 6
UNITS = 4  # the size of a shake, in units in the last place
FACTOR = 8.0  # how much further than a shake moves it a result may lie


class Refused(Exception):  # noqa: N818 (no error: a rule said no)
    """The generator refuses the plan, in one sentence."""


@dataclass
class Compared:
    """One plan at one batch size: the data of every way to compute it."""

    plan: Plan
    batch: int

    def __post_init__(self) -> None:
        count = len(self.plan.inputs)
        arrays = self.plan.arrays(self.batch)
        self.inputs, self.parameters = arrays[:count], arrays[count:]
        outputs = self._block("float64")(*self._given("float64"))
        generator = np.random.default_rng(self.plan.seed + 1)
        self.heads = [
            np.round(2 * generator.standard_normal(output.shape), 1).astype(self.plan.dtype) for output in outputs
        ]

    def _block(self, dtype: str) -> Fuzzed:
        return block_of(self.plan, dtype, self.parameters)

    def _given(self, dtype: str) -> list[nd.NDArray]:
        return [nd.array(array, dtype=dtype) for array in self.inputs]

    def by_mxnet(self, dtype: str, shake: int | None = None, compiled: bool = False) -> Results:
        """Outputs and gradients on MXNet's tape."""
        block = self._block(dtype)
        if shake is not None:
            size, coarse = (UNITS * float(np.finfo(dtype).eps) for dtype in (self.plan.dtype, "float32"))
            generator = np.random.default_rng([shake, self.plan.seed])
            block.shaken = lambda shape, single: (coarse if single else size) * generator.uniform(-1, 1, shape)
        inputs = self._given(dtype)
        for array in inputs:
            array.attach_grad()
        runner = jit(block) if compiled else block
        block.cut = not compiled
        with autograd.record():
            outputs = runner(*inputs)
        heads = [nd.array(head, dtype=dtype) for head in self.heads]
        pairs = [pair for pair in zip(outputs, heads, strict=True) if _recorded(pair[0])]
        if pairs:
            autograd.backward(*map(list, zip(*pairs, strict=True)))
        found = {f"output {place}": output for place, output in enumerate(outputs)}
        found |= {f"gradient of input {place}": array.grad for place, array in enumerate(inputs)}
        found |= {f"gradient of w{place}": getattr(block, f"w{place}").grad() for place in range(len(self.parameters))}
        return {name: array.asnumpy() for name, array in found.items()}

    def known(self, graph: Graph) -> dict[str, np.ndarray]:
        """The leaves of a graph by name."""
        places = iter(self.inputs)
        return {
            node.array.name: next(places) if node.role == INPUT else self.parameters[int(node.key[1:])]
            for node in graph.leaves
        }

    def by_oracle(self, graph: Graph) -> Results:
        """Outputs and gradients by NumPy in float64."""
        outputs, leaves, _ = decompose(graph)
        heads = [leaf(f"head {place}", value.shape, value.dtype) for place, value in enumerate(outputs)]
        slopes = gradients(outputs, heads, [leaves[node.array.name] for node in graph.leaves])
        known = self.known(graph) | {f"head {place}": head for place, head in enumerate(self.heads)}
        with np.errstate(all="ignore"):
            computed = evaluate(
                [*outputs, *(slope for slope in slopes if slope is not None)],
                {name: array.astype(np.float64) for name, array in known.items()},
                self.batch,
            )
        names = [name for name, slope in zip(graph_names(graph), slopes, strict=True) if slope is not None]
        results = {f"output {place}": array for place, array in enumerate(computed[: len(outputs)])}
        return results | dict(zip(names, computed[len(outputs) :], strict=True))

    def by_kernels(self, graph: Graph) -> list[Results]:
        """Outputs without a tape; outputs and gradients with one, where some gradients may be unwanted."""
        made = program(graph, {})
        choice = np.random.default_rng(self.plan.seed).random(len(made.differentiated)) < 0.7
        wanted = {name for name, chosen in zip(made.differentiated, choice, strict=True) if chosen}
        with everything_shared() if self.plan.seed % 2 else nullcontext():  # every other graph
            plain, recorded, slopes = outputs_and_gradients(made, self.known(graph), self.heads, self.batch, wanted)
        names = dict(zip((node.array.name for node in graph.leaves), graph_names(graph), strict=True))
        with_tape = {f"output {place}": array for place, array in enumerate(recorded)}
        with_tape |= {names[name]: slope for name, slope in slopes.items()}
        unwanted = {names[name]: np.empty(0) for name in set(made.differentiated) - set(slopes)}
        return [{f"output {place}": array for place, array in enumerate(plain)}, with_tape | unwanted]


def _recorded(output: nd.NDArray) -> bool:
    """Whether the output depends on anything with a gradient."""
    handle = ctypes.c_void_p()
    return bool(_LIB.MXAutogradGetSymbol(output.handle, ctypes.byref(handle)) == 0 and handle.value)


def graph_names(graph: Graph) -> list[str]:
    """The name of the gradient of each leaf, as ``Compared.by_mxnet`` gives it."""
    inputs = iter(range(len(graph.leaves)))
    return [
        f"gradient of input {next(inputs)}" if node.role == INPUT else f"gradient of {node.key}"
        for node in graph.leaves
    ]


def problems(plan: Plan, compiled: bool = False) -> list[str]:
    """What is wrong with this plan, as sentences.  Raises ``Refused``."""
    count = len(plan.inputs)
    arrays = plan.arrays(plan.traced)
    block = block_of(plan, plan.dtype, arrays[count:])
    try:
        with autograd.train_mode():
            graph = trace_block(block, *(nd.array(array, dtype=plan.dtype) for array in arrays[:count]))
        decompose(graph)
    except KernelError as error:
        if "\n" in str(error):
            return [f"refused in more than a sentence: {error}"]
        raise Refused(str(error)) from error
    batched = graph.polymorphic and all(node.array.shape[0] == BATCH for node in graph.leaves_of(INPUT))
    try:
        compared = Compared(plan, plan.batch if batched else plan.traced)
        same, double = compared.by_mxnet(plan.dtype), compared.by_mxnet("float64")
    except MXNetError as error:  # no gradient there, or no such batch size
        raise Refused(f"MXNet: {first_line(error)}") from error
    shaken: list[Results] = []

    # A remainder of 0 may be 0 or -0, as which it decides what is infinite and what, of two infinities, is NaN.
    remainders = any("mod" in step.operator for step in plan.steps)

    def judge(way: str, found: Mapping[str, np.ndarray], dtype: str) -> list[str]:
        doubtful = first_sight(found, double, dtype) & first_sight(found, same, dtype)
        if doubtful and not shaken:
            shaken.extend(compared.by_mxnet("float64", shake) for shake in range(SHAKES))
        return [
            f"{way}, {name}: {found[name].tolist()} instead of {double[name].tolist()} "
            f"({plan.dtype}: {same[name].tolist()})"
            for name in sorted(doubtful)
            if not explained(found[name], name, same, double, shaken, dtype, way == "oracle", remainders)
        ]

    # What MXNet computes in float32 is as exact as that, forward and backward, whatever the plan's dtype.
    coarse = "float32" if any(step.single for step in plan.steps) else plan.dtype
    found = judge("oracle", filled(compared.by_oracle(graph), double), coarse)
    for way, kernels in zip(("forward", "recorded and backward"), compared.by_kernels(graph), strict=True):
        found += judge(way, filled(kernels, double) if way != "forward" else kernels, coarse)
    if compiled and any(node.array.name in program(graph, {}).differentiated for node in graph.leaves):
        found += judge("compiled", compared.by_mxnet(plan.dtype, compiled=True), coarse)
    return found


def filled(found: Results, expected: Results) -> Results:
    """A gradient that is absent is zero; one that was not wanted (empty) is not compared."""
    whole = {name: found.get(name, np.zeros_like(array)) for name, array in expected.items()}
    return {name: array for name, array in whole.items() if array.size}


def permitted(array: np.ndarray, dtype: str) -> float:
    """The rounding errors of a healthy computation whose largest result this is."""
    largest = float(np.abs(array[np.isfinite(array)]).max(initial=1.0))
    return FIRST_SIGHT * float(np.finfo(dtype).eps) * largest


def first_sight(found: Mapping[str, np.ndarray], expected: Results, dtype: str) -> set[str]:
    """The names of what is not plainly equal."""
    return {
        name
        for name, array in found.items()
        if array.shape != expected[name].shape
        or not np.allclose(array, expected[name], rtol=0, atol=permitted(expected[name], dtype), equal_nan=True)
    }


def explained(
    found: np.ndarray,
    name: str,
    same: Results,
    double: Results,
    shaken: list[Results],
    dtype: str,
    signed: bool,
    remainders: bool,
) -> bool:
    """Whether every element lies where rounding may carry it.

    ``signed``: the sign of infinities counts; ``remainders``: what is infinite or NaN does not.
    """
    if found.shape != double[name].shape:
        return False
    with np.errstate(all="ignore"):
        exact = double[name]
        moved = [np.abs(other[name] - exact) for other in shaken] + [np.abs(same[name].astype(np.float64) - exact)]
        moves = np.stack([np.where(alike(other[name], exact, signed), move, np.inf)
                          for other, move in zip([*shaken, same], moved, strict=True)])  # fmt: skip
        moves = np.where(np.isnan(moves), 0.0, moves)  # equal infinities
        unsettled = np.isinf(moves).any(axis=0)  # special in one way of computing it and not in another
        if remainders:
            unsettled |= ~np.isfinite(exact)
        room = permitted(exact, dtype) + FACTOR * float(np.where(np.isinf(moves), 0, moves).max(initial=0.0))
        near = alike(found, exact, signed) & (np.isinf(exact) | ~(np.abs(found - exact) > room))
        return bool((near | unsettled).all())


def alike(one: np.ndarray, other: np.ndarray, signed: bool) -> np.ndarray:
    """Both finite, both NaN or both infinite.  The sign of infinity may come from that of a zero, which neither
    rewrites ((−x) + (−y) is −(x + y), x + 0 is x) nor compiled code (``nsz``) keep."""
    infinite = np.isinf(one) & np.isinf(other)
    same = infinite & (one == other) if signed else infinite
    return (np.isfinite(one) & np.isfinite(other)) | (np.isnan(one) & np.isnan(other)) | same
