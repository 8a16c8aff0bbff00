"""Print one procedure as a kernel: a plain function of arrays."""

from dataclasses import dataclass, field
from itertools import groupby

from ..dtypes import element
from ..extent import Shape, show
from ..fuse import Loop, Schedule, Stage, Whole
from ..memory import is_alias
from ..primitives.base import Value
from ..primitives.contract import Contract
from ..procedure import Procedure
from .expressions import number_text
from .lines import broken, wrapped
from .loops import print_loop
from .shares import Known, print_shared
from .wholes import PRINTERS


def print_kernel(plan: Schedule, main: str, known: Known) -> str:
    """A kernel, after the functions that its threads share, unless they are ``known``."""
    procedure = plan.procedure
    inputs, outputs = ([name for name, _ in arrays] for arrays in (procedure.inputs, procedure.outputs))
    body = print_body(plan, main, known)
    return "\n".join(
        [
            *(piece for line in body.functions for piece in broken(line)),
            "@njit(**OPTIONS)",
            *wrapped(f"def {procedure.name}(", ["n", *inputs, *flags(procedure), *outputs], "):"),
            *(piece for line in body.lines or ["pass"] for piece in broken(f"    {line}")),
        ]
    )


def flags(procedure: Procedure) -> list[str]:
    """One flag for each output that a call may not want; a procedure with one output is only called for it."""
    optional = procedure.optional and len(procedure.outputs) > 1
    return [f"want_{name}" for name, _ in procedure.outputs] if optional else []


@dataclass
class Body:
    """What is printed for a procedure: functions that its threads share, and its own lines."""

    functions: list[str] = field(default_factory=list)
    lines: list[str] = field(default_factory=list)


def print_body(plan: Schedule, main: str, known: Known) -> Body:
    """The stages in order.  Neighbours that are needed for the same outputs stand under one condition."""
    body = Body()
    made: set[str] = set()
    for wants, stages in groupby(plan.stages, key=lambda stage: stage.wants):
        condition = _condition(plan.procedure, wants)
        prepared: list[str] = []
        computed: list[str] = []
        for stage in stages:
            shared = print_shared(plan, stage, main, known) if isinstance(stage, Loop) else None
            if shared is None:
                views, code = _print_stage(plan, stage, main)
            else:
                views, code = shared.views, shared.lines
                body.functions += ["@njit(**OPTIONS)", *shared.function, "", ""] if shared.function else []
            memory = [*_memory(plan, stage, main, bool(condition)), *views]
            fresh = [line for line in memory if line not in made]
            made.update(fresh)
            if condition:  # what a later stage may read must exist even if this one is skipped
                prepared += fresh
            else:
                computed += fresh
            computed += [*_comment(plan, stage), *code]
        body.lines += prepared
        body.lines += [f"if {condition}:", *(f"    {line}" for line in computed)] if condition else computed
    return body


def _condition(procedure: Procedure, wants: frozenset[str]) -> str:
    names = [name for name, _ in procedure.outputs]
    if not flags(procedure) or wants == frozenset(names):
        return ""
    return " or ".join(f"want_{name}" for name in names if name in wants)


def _memory(plan: Schedule, stage: Stage, main: str, conditional: bool) -> list[str]:
    """What must exist before a stage: temporaries that it writes, arrays that it reads under another shape."""
    lines = [line for source in _sources(plan, stage) for line in _alias(plan, source)]
    for target in _targets(stage):
        name = plan.names[id(target)]
        if name in plan.temporaries and target.shape:
            lines.append(f"{name} = np.empty({numba_shape(target.shape)}, {element(target.dtype)})")
        elif not target.shape and conditional:
            lines.append(f"{name} = {number_text(0.0, target.dtype, main)}")
    return lines


def _targets(stage: Stage) -> tuple[Value, ...]:
    return stage.targets if isinstance(stage, Loop) else (stage.target,)  # type: ignore[attr-defined]


def _sources(plan: Schedule, stage: Stage) -> list[Value]:
    if isinstance(stage, Whole):
        return list(stage.target.inputs)
    return [source for target in _targets(stage) for source, _ in plan.reads(target)]


def _alias(plan: Schedule, value: Value) -> list[str]:
    if not is_alias(value) or plan.names[id(value)] in dict(plan.procedure.outputs):
        return []
    source = value.inputs[0]
    shape = numba_shape(value.shape)
    return [*_alias(plan, source), f"{plan.names[id(value)]} = {plan.names[id(source)]}.reshape({shape})"]


def numba_shape(shape: Shape) -> str:
    """A shape as the code of a kernel says it: a tuple, or the number where there is one axis."""
    return str(shape[0]) if len(shape) == 1 else show(shape)


def _comment(plan: Schedule, stage: Stage) -> list[str]:
    """A contraction in one line of mathematics; loops speak for themselves."""
    if not isinstance(stage, Whole) or not isinstance(stage.target.primitive, Contract):
        return []
    primitive = stage.target.primitive
    factors = " * ".join(
        f"{plan.names[id(source)]}[{', '.join(letters)}]"
        for source, letters in zip(stage.target.inputs, primitive.operands, strict=True)
    )
    return [f"# {plan.names[id(stage.target)]}[{', '.join(primitive.result)}] = sum of {factors}"]


def _print_stage(plan: Schedule, stage: Stage, main: str) -> tuple[list[str], list[str]]:
    if isinstance(stage, Loop):
        return print_loop(plan, stage, main)
    assert isinstance(stage, Whole)
    names = [plan.names[id(source)] for source in stage.target.inputs]
    return [], PRINTERS[type(stage.target.primitive)](stage.target, names, plan.names[id(stage.target)], main)
