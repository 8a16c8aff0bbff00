"""The generated kernels, run by Python on NumPy arrays: the printed source is tested without compiling it."""

import ast
import math
import operator
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from itertools import pairwise
from types import SimpleNamespace
from typing import Any

import numpy as np
import scipy.special

from kernels.emit import shares
from kernels.emit.cpu import print_kernels
from kernels.primitives.base import concrete
from kernels.procedure import Procedure
from kernels.program import Program

# What NumPy and SciPy call the functions of ``math``, where they have another name.
OTHER_NAMES = {"acos": "arccos", "asin": "arcsin", "atan": "arctan", "acosh": "arccosh", "asinh": "arcsinh",
               "atanh": "arctanh", "atan2": "arctan2", "lgamma": "gammaln"}  # fmt: skip
UNWRITTEN = -77.0  # what memory holds before a kernel writes it


def functions(program: Program) -> dict[str, Callable[..., None]]:
    """The kernels of a program by name, without Numba's decorators."""
    tree = ast.parse(print_kernels(program))
    tree.body = [node for node in tree.body if not _belongs_to_numba(node)]
    for node in tree.body:
        if isinstance(node, ast.FunctionDef):
            node.decorator_list = []
    space: dict[str, Any] = {}
    exec(compile(tree, "generated", "exec"), space)
    space["math"] = SimpleNamespace(gamma=scipy.special.gamma)
    space["plus"] = operator.add
    space["in_chunks"] = in_chunks
    for name in [name for name in space if hasattr(math, name) and callable(space[name])]:
        # overflow is infinity there, an exception here
        other = OTHER_NAMES.get(name, name)
        space[name] = getattr(np, other, None) or getattr(scipy.special, other)
    return space


def in_chunks(function: Callable[..., None], chunks: int, nanoseconds: int, arguments: tuple[Any, ...]) -> None:
    """Three shares, the last first, as threads might happen to take them, however short the work."""
    assert nanoseconds >= 0
    cuts = [chunks * share // 3 for share in range(4)]
    for first, last in reversed(list(pairwise(cuts))):
        function(first, last, *arguments)


@contextmanager
def everything_shared() -> Iterator[None]:
    """Loops are shared, and sums made of parts, however small they are."""
    usual = shares.LIMITS
    shares.LIMITS = shares.Limits(worth=0, part=12)
    try:
        yield
    finally:
        shares.LIMITS = usual


def _belongs_to_numba(node: ast.stmt) -> bool:
    return isinstance(node, ast.ImportFrom) and node.module in ("numba", "rocket_fft")


def outputs_and_gradients(
    program: Program, arrays: Mapping[str, np.ndarray], heads: list[np.ndarray], batch: int, wanted: set[str]
) -> tuple[list[np.ndarray], list[np.ndarray], dict[str, np.ndarray]]:
    """Outputs of ``forward``, outputs of ``forward_recorded``, and the wanted gradients by the names of the arrays."""
    kernels = functions(program)
    known = dict(arrays)
    names = [name for name, _ in program.outputs]
    with np.errstate(all="ignore"):
        plain = _run(kernels, program.forward, known, batch, [])
        recorded = _run(kernels, program.forward_recorded, known, batch, []) if program.saved else plain
        known |= recorded | {name: head for (name, _), head in zip(program.heads, heads, strict=True)}
        flags = [name in wanted for name in program.differentiated] if len(program.differentiated) > 1 else []
        slopes = _run(kernels, program.backward, known, batch, flags) if program.differentiated else {}
    found = {name: slopes[f"d_{name}"] for name in program.differentiated if name in wanted or not flags}
    return [plain[name] for name in names], [recorded[name] for name in names], found


def _run(
    kernels: Mapping[str, Callable[..., None]],
    procedure: Procedure,
    known: Mapping[str, np.ndarray],
    batch: int,
    flags: list[bool],
) -> dict[str, np.ndarray]:
    made = {name: np.full(concrete(value.shape, batch), UNWRITTEN, value.dtype) for name, value in procedure.outputs}
    given = [known[name].reshape(concrete(value.shape, batch)).astype(value.dtype) for name, value in procedure.inputs]
    kernels[procedure.name](batch, *given, *flags, *made.values())
    return made
