"""The numba variant's machinery: which plan serves a call, and how one is made."""

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import mxnet
import numpy as np
from mxnet import autograd, gluon, nd

from .arguments import NOTHING, Arguments
from .counts import versions_are_readable
from .engine import ConstantChangedError, MisfitError, Plan
from .errors import KernelError
from .graph import CONSTANT, INPUT, Graph
from .program import Program, program
from .shortcut import Shortcut, ShortcutWithGradients, closed, shortcut, shortcut_with_gradients
from .structure import Container
from .trace import check_hooks, structural_parameters, trace_modes

# What the plan last used raises for inputs that it is not for; the last if they are no arrays at all.
OTHER_INPUTS = (MisfitError, ConstantChangedError, AttributeError)


class JitPlans:
    """The plans of one block, by what they hold for; the last one used is tried first."""

    def __init__(self, subject: gluon.Block) -> None:
        self._subject = subject
        self._plans: dict[tuple[Any, ...], tuple[Plan, str]] = {}
        # By structure, which arrays have had the batch as their first axis in some plan.
        self._batched: dict[tuple[Container, Container], dict[tuple[bool, ...], None]] = {}
        self._latest: Plan | None = None  # for a call with nothing but arrays
        self._latest_structured: dict[tuple[Container, Container], Plan] = {}
        # Of the last one, for the arrays that its parameters had then:
        self.shortcut: Shortcut = closed
        self.shortcut_with_gradients: ShortcutWithGradients = closed

    def call(self, inputs: Sequence[Any]) -> Any:
        """What forward returns for these positional arguments."""
        result = self.shortcut(inputs)
        if result is not None:
            return result
        plan = self._latest
        if plan is not None and inputs:
            try:
                if plan.holds_for(inputs):
                    result = plan.returned(plan.call(inputs))
                    self.shortcut = shortcut(plan)
                    return result
            except OTHER_INPUTS:
                pass
        return self.call_structured(inputs)

    def call_structured(self, inputs: Sequence[Any], named: Mapping[str, Any] = NOTHING) -> Any:
        """What forward returns for positional and keyword arguments of any kind."""
        arguments = Arguments.of(self._subject, inputs, named)
        plan = self._latest_structured.get(arguments.structure)
        if plan is not None:
            try:
                if plan.holds_for(arguments.arrays):
                    return plan.returned(plan.call(arguments.arrays))
            except OTHER_INPUTS:
                pass
        plan = self._find(arguments)
        try:
            return plan.returned(plan.call(arguments.arrays))
        except MisfitError:  # parameters have other shapes or dtypes than when the plan was made
            plan = self._make(arguments)
            return plan.returned(plan.call(arguments.arrays))

    def call_with_gradients(
        self, inputs: Sequence[Any], heads: Sequence[nd.NDArray], named: Mapping[str, Any] = NOTHING
    ) -> tuple[Any, dict[str, nd.NDArray]]:
        """What forward returns, and gradients by input or structural parameter name."""
        plan = self._latest
        if plan is not None and inputs and not named and len(heads) == len(plan.program.outputs):
            result = self.shortcut_with_gradients(inputs, heads)
            if result is not None:
                return result
            try:
                if plan.holds_for(inputs):
                    result = _named(plan, *plan.call_with_gradients(inputs, heads))
                    self.shortcut_with_gradients = shortcut_with_gradients(plan)
                    return result
            except OTHER_INPUTS:
                pass
        arguments = Arguments.of(self._subject, inputs, named)
        plan = self._find(arguments)
        _check_heads(plan, heads)
        try:
            return _named(plan, *plan.call_with_gradients(arguments.arrays, heads))
        except MisfitError as error:
            raise _misfitting_heads(plan, heads) from error

    def _find(self, arguments: Arguments) -> Plan:
        """The plan for these arguments, made if there is none, its constants confirmed."""
        for key in self._keys(arguments):
            if key in self._plans:
                plan, digest = self._plans[key]
                if digest != _digest(self._subject, plan.program, arguments.arrays[0].context):
                    del self._plans[key]  # a constant has other values now: other kernels
                    continue
                if not self._traced_at(plan, arguments):
                    continue
                plan.confirm_constants()
                self._remember(plan, arguments)
                return plan
        return self._make(arguments)

    def _keys(self, arguments: Arguments) -> Iterator[tuple[Any, ...]]:
        """Every key under which a plan for these arguments may stand, those for one shape only first."""
        for batched in sorted(self._batched.get(arguments.structure, ()), key=any):
            rows = {array.shape[0] for array, follows in zip(arguments.arrays, batched, strict=True) if follows}
            if len(rows) <= 1:  # a plan for any batch size is for one size at a time
                yield from (_key(arguments, batched, by_mode) for by_mode in (False, True))

    def _remember(self, plan: Plan, arguments: Arguments) -> None:
        """Try this plan first for the next call of this structure."""
        self._latest_structured[arguments.structure] = plan
        if arguments.flat:
            self._latest, self.shortcut, self.shortcut_with_gradients = plan, shortcut(plan), closed

    def _traced_at(self, plan: Plan, arguments: Arguments) -> bool:
        """Whether forward still does at this batch size what the plan does: trace it there, once."""
        if plan.holds_for(arguments.arrays):
            return True
        graph, _ = trace_modes(self._subject, arguments)
        if graph != plan.program.graph or plan.batches is None:
            return False
        plan.batches.add(arguments.arrays[plan.batched].shape[0])
        return True

    def _make(self, arguments: Arguments) -> Plan:
        graph, compiled = generate_program(self._subject, arguments)
        context = _context(arguments)
        parameters = structural_parameters(self._subject)
        plan = Plan(
            compiled,
            context,
            batch=0 if graph.polymorphic else arguments.arrays[0].shape[0],
            training=-1 if graph.training is None else int(graph.training),
            parameters=[parameters[leaf.key] for leaf in graph.leaves if leaf.role != INPUT],
        )
        rows = arguments.arrays[plan.batched].shape[0]
        plan.batches = {rows} if graph.reads_shapes and graph.polymorphic else None
        plan.confirm_constants()
        batched = tuple(not leaf.array.shape[0].literal for leaf in graph.leaves_of(INPUT))
        self._batched.setdefault(arguments.structure, {})[batched] = None
        key = _key(arguments, batched, graph.training is not None)
        self._plans[key] = plan, _digest(self._subject, compiled, context)
        self._remember(plan, arguments)
        return plan


def _context(arguments: Arguments) -> mxnet.Context:
    contexts = list(dict.fromkeys(array.context for array in arguments.arrays))
    if len(contexts) > 1:
        raise KernelError(f"the inputs must be on one context, not on {' and '.join(map(str, contexts))}")
    if contexts[0].device_type != "cpu":
        raise KernelError(f"the numba variant runs on the CPU only: the input is on {contexts[0]}")
    return contexts[0]


def _check_heads(plan: Plan, heads: Sequence[Any]) -> None:
    expected = plan.program.graph.outputs
    if len(heads) != len(expected) or not all(isinstance(head, nd.NDArray) for head in heads):
        raise KernelError(f"one head gradient for each output is needed: {', '.join(map(str, expected))}")


def _misfitting_heads(plan: Plan, heads: Sequence[nd.NDArray]) -> KernelError:
    expected = ", ".join(map(str, plan.program.graph.outputs))
    shapes = ", ".join(f"{head.shape} {np.dtype(head.dtype).name}" for head in heads)
    return KernelError(f"head gradients must have the shapes and dtypes of the outputs {expected}, not {shapes}")


def generate_program(subject: gluon.Block, arguments: Arguments) -> tuple[Graph, Program]:
    """The graph and its program: all but Numba's part.

    Raises ``UncompilableError`` for what cannot be compiled, ``KernelError`` for inputs that the block does not take.
    """
    check_hooks(subject)
    graph, _ = trace_modes(subject, arguments)
    values = _constants(subject, graph, arguments.arrays[0].context) if versions_are_readable() else {}
    return graph, program(graph, values)


def _constants(subject: gluon.Block, graph: Graph, context: mxnet.Context) -> dict[str, np.ndarray]:
    parameters = structural_parameters(subject)
    return {leaf.array.name: parameters[leaf.key].data(context).asnumpy() for leaf in graph.leaves_of(CONSTANT)}


def _digest(subject: gluon.Block, compiled: Program, context: mxnet.Context) -> str:
    """The values that a program rests on, as a hash."""
    digest = hashlib.sha256()
    if compiled.frozen:
        for name, values in sorted(_constants(subject, compiled.graph, context).items()):
            if name in compiled.frozen:
                digest.update(f"{name} {values.dtype} {values.shape}".encode())
                digest.update(np.ascontiguousarray(values).data)
    return digest.hexdigest()


def _key(arguments: Arguments, batched: Sequence[bool], by_mode: bool) -> tuple[Any, ...]:
    """What a plan holds for: all of a call but the batch, and the mode where that matters."""
    kinds = tuple(
        (str(array.context), np.dtype(array.dtype).name, (0, *array.shape[1:]) if follows else array.shape)
        for array, follows in zip(arguments.arrays, batched, strict=True)
    )
    return arguments.structure, kinds, tuple(batched), autograd.is_training() if by_mode else None


def _named(plan: Plan, outputs: list[nd.NDArray], gradients: list[nd.NDArray]) -> tuple[Any, dict[str, nd.NDArray]]:
    return plan.returned(outputs), dict(zip(plan.gradients, gradients, strict=True))
