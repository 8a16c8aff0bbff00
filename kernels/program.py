"""A program: what one layer computes forward and backward, and what the forward pass must keep for the backward."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from .decompose import decompose
from .dtypes import FLOATS, computed_in, main_float
from .effects import Draw, Move
from .extent import ONE
from .gradient import gradients
from .graph import INPUT, PARAMETER, Graph
from .memory import values_in_memory
from .names import fresh
from .primitives.base import Leaf, Value, leaf, rebuild, topological
from .primitives.literal import literal
from .primitives.map import cast
from .primitives.own_gradient import settled
from .primitives.reshape import reshape
from .primitives.view import spread
from .procedure import Named, Procedure
from .rewrite import rewrite


@dataclass(frozen=True)
class Program:
    """The procedures of one graph.

    ``inputs`` are the arrays that a call brings (inputs, then parameters and constants, then what is drawn for it) and
    ``differentiated`` names those of them that have a gradient; ``saved`` are arrays that ``forward_recorded`` returns
    after the outputs; ``kept`` are the arrays that ``backward`` reads after the heads.  ``frozen`` names the constants
    on whose values the program rests.  ``moves`` are the statistics whose new values ``backward`` returns last.
    ``main`` is the float dtype that most of the program computes in.
    """

    graph: Graph
    main: str
    inputs: Named
    outputs: Named
    saved: Named
    heads: Named
    kept: Named
    differentiated: tuple[str, ...]
    frozen: frozenset[str]
    draws: tuple[Draw, ...]
    moves: tuple[Move, ...]

    @property
    def forward(self) -> Procedure:
        """The outputs alone."""
        return Procedure("forward", self.inputs, self.outputs)

    @property
    def forward_recorded(self) -> Procedure:
        """The outputs and what the backward pass needs."""
        return Procedure("forward_recorded", self.inputs, self.outputs + self.saved)

    backward: Procedure

    @property
    def training(self) -> list[Procedure]:
        """What a call runs besides ``forward`` if it is to be gone back from."""
        return [self.forward_recorded, self.backward] if self.saved else [self.backward]


def program(graph: Graph, constants: Mapping[str, np.ndarray]) -> Program:
    """The program of a traced graph.  ``constants``: the values of its constants by array name.

    Raises ``KernelError`` for an operator that has no rule.
    """
    traced, leaves, effects = decompose(graph)
    moves = tuple(effects.moves())
    first, frozen = rewrite([*traced, *(move.new for move in moves)], constants)
    results, moved = first[: len(traced)], first[len(traced) :]
    leaves |= {draw.value.name: draw.value for draw in effects.draws}
    names = set(leaves)
    output_names = _numbered("y", len(results), names)
    heads = tuple(
        (name, leaf(name, value.shape, value.dtype))
        for name, value in zip(_numbered("head", len(results), names), results, strict=True)
    )
    arrays = [node.array for node in graph.leaves if node.role in (INPUT, PARAMETER)]
    wanted = [array.name for array in arrays if array.dtype != "bool"]  # a truth has no gradient
    sources = [leaves[name] for name in wanted]
    used = _used(graph) - {move.old.name for move in moves}  # statistics have no gradient
    slopes = _zero_where_used(gradients(results, [head for _, head in heads], sources), sources, used)
    differentiated = tuple(name for name, slope in zip(wanted, slopes, strict=True) if slope is not None)
    together = settled([*results, *(slope for slope in slopes if slope is not None), *moved])
    joint, also_frozen = rewrite(together, constants)
    results, backwards = joint[: len(results)], joint[len(results) :]

    kept_values = _worth_keeping(backwards, results, leaves)
    known = {id(value): name for name, value in zip(output_names, results, strict=True)}
    saved = []
    for value in kept_values:
        if isinstance(value.primitive, Leaf):
            known[id(value)] = value.primitive.name
        elif id(value) not in known:
            known[id(value)] = _named(value.name or "saved", names)
            saved.append((known[id(value)], _in_memory(value)))
    leaves_kept = {id(value): leaf(known[id(value)], _in_memory(value).shape, value.dtype) for value in kept_values}
    kept = tuple((known[key], value) for key, value in leaves_kept.items())
    cut = _cut(backwards, {id(value): reshape(leaves_kept[id(value)], value.shape) for value in kept_values})
    return Program(
        graph=graph,
        main=main_float(value.dtype for value in (*results, *leaves.values())),
        inputs=tuple(leaves.items()),
        outputs=tuple(zip(output_names, results, strict=True)),
        saved=tuple(saved),
        heads=heads,
        kept=kept,
        differentiated=differentiated,
        frozen=frozen | also_frozen,
        draws=tuple(effects.draws),
        moves=moves,
        backward=Procedure(
            "backward",
            heads + kept,
            tuple(zip(_returned(differentiated, moves, names), cut, strict=True)),
            optional=True,
        ),
    )


def _returned(differentiated: tuple[str, ...], moves: tuple[Move, ...], taken: set[str]) -> list[str]:
    """The names of what backward gives: gradients, then statistics."""
    return [*(f"d_{name}" for name in differentiated), *(_named(f"new_{move.old.name}", taken) for move in moves)]


def _zero_where_used(slopes: list[Value | None], sources: list[Value], used: set[str]) -> list[Value | None]:
    """MXNet writes zeros where an output depends on a source by operators without a gradient alone: by rounding, or
    by its shape (``ones_like``), so that nothing of it is left among the primitives."""
    return [
        cast(spread(literal(0.0, computed_in(source.dtype)), source.shape, ()), source.dtype)
        if slope is None and source.name in used and source.dtype in FLOATS
        else slope
        for slope, source in zip(slopes, sources, strict=True)
    ]


def _used(graph: Graph) -> set[str]:
    """The names of the arrays that the outputs were computed from, on MXNet's tape."""
    used = {array.name for array in graph.outputs}
    for call in reversed(graph.calls):
        if any(array.name in used for array in call.outputs):
            used.update(array.name for array in call.inputs)
    return used


def _numbered(stem: str, count: int, taken: set[str]) -> list[str]:
    return [_named(stem if count == 1 else f"{stem}{position}", taken) for position in range(count)]


def _named(stem: str, taken: set[str]) -> str:
    name = fresh(stem, taken)
    taken.add(name)
    return name


def _in_memory(value: Value) -> Value:
    """A value as an array that MXNet can hold: a number is an array of one element."""
    return value if value.shape else reshape(value, (ONE,))


def _worth_keeping(slopes: list[Value], results: list[Value], leaves: Mapping[str, Value]) -> list[Value]:
    """What the backward pass reads of the forward pass: going back from the gradients, the first values of the
    forward pass that it has in memory anyway and that are not cheaper to compute again."""
    in_memory = values_in_memory(results) | {id(value) for value in leaves.values()}
    fixed = _independent(results)
    ends = {id(value) for value in results}
    order: list[Value] = []
    seen: set[int] = set()
    stack = list(reversed(slopes))
    while stack:
        value = stack.pop()
        if id(value) in seen:
            continue
        seen.add(id(value))
        if id(value) in ends or (id(value) in in_memory and id(value) not in fixed and not value.primitive.recomputed):
            order.append(value)
        else:
            stack.extend(reversed(value.inputs))
    return order


def _independent(results: list[Value]) -> set[int]:
    """Values that depend on no array, such as √n."""
    fixed: set[int] = set()
    for value in topological(results):
        if not isinstance(value.primitive, Leaf) and all(id(source) in fixed for source in value.inputs):
            fixed.add(id(value))
    return fixed


def _cut(slopes: list[Value], stand_ins: Mapping[int, Value]) -> list[Value]:
    """The gradients with every kept value replaced by the leaf that stands for it."""
    made: dict[int, Value] = {}
    for value in topological(slopes):
        inputs = tuple(made[id(source)] for source in value.inputs)
        made[id(value)] = stand_ins.get(id(value)) or Value(
            value.primitive, inputs, value.shape, value.dtype, value.name
        )
    return rebuild([made[id(slope)] for slope in slopes], lambda value: value)
