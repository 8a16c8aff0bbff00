"""From a procedure to its schedule: which values get memory, and which loops compute them together.

A value gets memory where it must (results, sums, matrix products, whatever would otherwise be computed again for
every element that repeats it); all others are written into the expressions that use them.  Loops over the same
elements become one loop, and a result that only one later step reads, element by element, shares that step's memory.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from .extent import Shape
from .indices import Indices, identity
from .memory import is_alias, is_loop, memory
from .primitives.base import Leaf, Value, topological
from .primitives.iota import Iota
from .primitives.reduce import Reduce
from .primitives.view import View
from .procedure import Procedure
from .reads import MOVES, branches

Term = tuple[Value, Indices]


@dataclass(frozen=True)
class Stage:
    """One step of a schedule.  ``wants``: the outputs that depend on it."""

    wants: frozenset[str]


@dataclass(frozen=True)
class Loop(Stage):
    """Values computed element by element in one nest of loops over ``domain``; reductions run over their source's."""

    domain: Shape
    targets: tuple[Value, ...]


@dataclass(frozen=True)
class Whole(Stage):
    """A value computed by code of its own: a contraction, a transform."""

    target: Value


@dataclass
class Schedule:
    """The stages in order; the names of values in memory, under which names they are stored, and what is temporary."""

    procedure: Procedure
    stages: list[Stage] = field(default_factory=list)
    names: dict[int, str] = field(default_factory=dict)
    temporaries: dict[str, Value] = field(default_factory=dict)

    def reads(self, target: Value) -> list[Term]:
        """The values in memory that computing ``target`` reads, with the indices it reads them at."""
        return [term for term in self._terms(target) if self._is_read(term[0], target)]

    def asks_where(self, target: Value) -> bool:
        """Whether computing an element needs to know its place: what it is read from depends on it, or it is it."""
        return any(not self._is_read(value, target) for value, _ in self._terms(target))

    def _is_read(self, value: Value, target: Value) -> bool:
        return value is not target and id(value) in self.names

    def _terms(self, target: Value) -> Iterator[Term]:
        """What the expression for ``target`` reads, and what in it depends on the place."""
        source = target.inputs[0] if isinstance(target.primitive, Reduce) else target
        stack: list[Term] = [(source, identity(source.shape))]
        seen: set[tuple[int, Indices]] = set()
        while stack:
            value, indices = stack.pop()
            if (id(value), indices) in seen:
                continue
            seen.add((id(value), indices))
            if self._is_read(value, target):
                yield value, indices
            elif isinstance(value.primitive, MOVES):
                found = branches(value, indices)
                if len(found) > 1:
                    yield value, indices
                stack += [(branch.source, branch.indices) for branch in reversed(found) if branch.source is not None]
            elif isinstance(value.primitive, Iota):
                yield value, indices
            else:
                stack += [(source, indices) for source in reversed(value.inputs)]


def schedule(procedure: Procedure) -> Schedule:
    """The schedule of a procedure."""
    plan = Schedule(procedure)
    outputs = [value for _, value in procedure.outputs]
    order = topological(outputs)
    wants = _wants(procedure, order)
    plan.names, plan.temporaries = memory(procedure.inputs, procedure.outputs)
    computed = [
        value
        for value in order
        if id(value) in plan.names and not isinstance(value.primitive, Leaf) and not is_alias(value)
    ]
    place: dict[int, int] = {}
    for value in [*computed, *_copies(plan, procedure)]:
        wanted = wants.get(id(value)) or frozenset({plan.names[id(value)]})
        if is_loop(value):
            _place_loop(plan, place, value, wanted)
        else:
            place[id(value)] = len(plan.stages)
            plan.stages.append(Whole(wanted, value))
    _share_memory(plan)
    return plan


def domain(target: Value) -> Shape:
    """The elements that the loop for ``target`` runs over."""
    return target.inputs[0].shape if isinstance(target.primitive, Reduce) else target.shape


def is_identity(value: Value, indices: Indices, shape: Shape) -> bool:
    """Whether a read takes, for each element of ``shape``, the same element of ``value``."""
    return value.shape == shape and indices == identity(shape)


def _wants(procedure: Procedure, order: Sequence[Value]) -> dict[int, frozenset[str]]:
    wants: dict[int, frozenset[str]] = {}
    for name, value in procedure.outputs:
        wants[id(value)] = wants.get(id(value), frozenset()) | {name}
    for value in reversed(order):
        for source in value.inputs:
            wants[id(source)] = wants.get(id(source), frozenset()) | wants[id(value)]
    return wants


def _copies(plan: Schedule, procedure: Procedure) -> list[Value]:
    """Outputs that are another value's memory under a second name: each is copied."""
    copies = []
    for name, value in procedure.outputs:
        if plan.names.get(id(value)) != name:
            copy = Value(View(tuple(range(len(value.shape))), value.shape), (value,), value.shape, value.dtype, name)
            plan.names[id(copy)] = name
            copies.append(copy)
    return copies


def _place_loop(plan: Schedule, place: dict[int, int], value: Value, wanted: frozenset[str]) -> None:
    """Put a value into the first loop over the same elements that comes after all it reads, or into a new one."""
    earliest = 0
    for source, indices in plan.reads(value):
        producer = _producer(source)
        if id(producer) in place:
            follows_inside = is_loop(producer) and not isinstance(producer.primitive, Reduce)
            inside = follows_inside and producer is source and is_identity(source, indices, domain(value))
            earliest = max(earliest, place[id(producer)] + (not inside))
    for position in range(earliest, len(plan.stages)):
        group = plan.stages[position]
        if isinstance(group, Loop) and group.domain == domain(value):
            plan.stages[position] = Loop(group.wants | wanted, group.domain, (*group.targets, value))
            place[id(value)] = position
            return
    place[id(value)] = len(plan.stages)
    plan.stages.append(Loop(wanted, domain(value), (value,)))


def _producer(value: Value) -> Value:
    """The value whose memory a reshaped one is."""
    while is_alias(value):
        value = value.inputs[0]
    return value


def stage_reads(plan: Schedule, stage: Stage) -> list[tuple[Value, Value, Indices]]:
    """(target, value read, indices) for everything that a stage reads."""
    if isinstance(stage, Whole):
        return [(stage.target, source, ()) for source in stage.target.inputs]
    assert isinstance(stage, Loop)
    return [(target, source, indices) for target in stage.targets for source, indices in plan.reads(target)]


def _share_memory(plan: Schedule) -> None:
    """Let a temporary live in the memory of the result that its only last reader writes, element by element."""
    readers: dict[int, list[tuple[int, Value, Indices, Value]]] = {}
    for position, stage in enumerate(plan.stages):
        for target, source, indices in stage_reads(plan, stage):
            readers.setdefault(id(_producer(source)), []).append((position, target, indices, source))
    for position, stage in reversed(list(enumerate(plan.stages))):
        if not isinstance(stage, Loop):
            continue
        for target in reversed(stage.targets):  # what a target gives away, those before it must know
            if isinstance(target.primitive, Reduce) or not target.shape:
                continue
            for source, indices in plan.reads(target):
                name = plan.names[id(source)]
                if (
                    name in plan.temporaries
                    and plan.temporaries[name] is source
                    and is_identity(source, indices, target.shape)
                    and source.dtype == target.dtype
                    and all(
                        reader is target and read is source and is_identity(source, at, target.shape)
                        if where == position
                        else where < position
                        for where, reader, at, read in readers[id(source)]
                    )
                ):
                    del plan.temporaries[name]
                    plan.names[id(source)] = plan.names[id(target)]
                    break
