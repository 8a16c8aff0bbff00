"""The numba variant's machinery: which plan serves a call, and how one is made."""

import hashlib
from collections.abc import Callable, Sequence
from operator import itemgetter
from typing import Any

import mxnet
import numpy as np
from mxnet import autograd, gluon, nd

from .compile import load
from .decompose import FLOATS
from .emit.cpu import print_kernels, print_module
from .engine import ConstantChangedError, MisfitError, Plan, versions_are_readable
from .errors import KernelError
from .graph import CONSTANT, INPUT, Graph
from .program import Program, program
from .trace import structural_parameters, trace_modes

# What the plan last used raises for inputs that it is not for; the last if they are no arrays at all.
OTHER_INPUTS = (MisfitError, ConstantChangedError, AttributeError)


CONTAINERS: dict[str, Callable[[list[nd.NDArray]], Any]] = {"array": itemgetter(0), "list": list, "tuple": tuple}


class JitPlans:
    """The plans of one block, by what they hold for; the last one used is tried first."""

    def __init__(self, subject: gluon.Block) -> None:
        self._subject = subject
        self._plans: dict[tuple[Any, ...], tuple[Plan, str]] = {}
        self._latest: Plan | None = None

    def call(self, inputs: Sequence[nd.NDArray]) -> Any:
        """The outputs as forward returns them."""
        plan = self._latest
        if plan is not None and inputs and plan.holds_for(inputs):
            try:
                return _shaped(plan, plan.call(inputs))
            except OTHER_INPUTS:
                pass
        plan = self._find(inputs)
        try:
            return _shaped(plan, plan.call(inputs))
        except MisfitError:  # parameters have other shapes or dtypes than when the plan was made
            plan = self._make(inputs)
            return _shaped(plan, plan.call(inputs))

    def call_with_gradients(
        self, inputs: Sequence[nd.NDArray], heads: Sequence[nd.NDArray]
    ) -> tuple[Any, dict[str, nd.NDArray]]:
        """The outputs, and gradients by input or structural parameter name."""
        plan = self._latest
        if plan is not None and plan.holds_for(inputs) and len(heads) == len(plan.program.outputs):
            try:
                return _named(plan, *plan.call_with_gradients(inputs, heads))
            except OTHER_INPUTS:
                pass
        plan = self._find(inputs)
        _check_heads(plan, heads)
        try:
            return _named(plan, *plan.call_with_gradients(inputs, heads))
        except MisfitError as error:
            raise _misfitting_heads(plan, heads) from error

    def _find(self, inputs: Sequence[nd.NDArray]) -> Plan:
        """The plan for these inputs, made if there is none, its constants confirmed."""
        for key in _keys(inputs):
            if key in self._plans:
                plan, digest = self._plans[key]
                if digest != _digest(self._subject, plan.program, inputs[0].context):
                    del self._plans[key]  # a constant has other values now: other kernels
                    continue
                if not self._traced_at(plan, inputs):
                    continue
                plan.confirm_constants()
                self._latest = plan
                return plan
        return self._make(inputs)

    def _traced_at(self, plan: Plan, inputs: Sequence[nd.NDArray]) -> bool:
        """Whether forward still does at this batch size what the plan does: trace it there, once."""
        if plan.holds_for(inputs):
            return True
        graph, _ = trace_modes(self._subject, *inputs)
        if graph != plan.program.graph or plan.batches is None:
            return False
        plan.batches.add(inputs[0].shape[0])
        return True

    def _make(self, inputs: Sequence[nd.NDArray]) -> Plan:
        graph, modes_differ, compiled = _program(self._subject, inputs)
        context = inputs[0].context
        if context.device_type != "cpu":
            raise KernelError(f"the numba variant runs on the CPU only: the input is on {context}")
        parameters = structural_parameters(self._subject)
        plan = Plan(
            compiled,
            load(graph.name, print_module(compiled)),
            context,
            batch=0 if graph.polymorphic else inputs[0].shape[0],
            training=int(autograd.is_training()) if modes_differ else -1,
            parameters=[parameters[leaf.key] for leaf in graph.leaves if leaf.role != INPUT],
        )
        plan.batches = {inputs[0].shape[0]} if graph.reads_shapes and graph.polymorphic else None
        plan.confirm_constants()
        key = _key(inputs, graph.polymorphic, modes_differ)
        self._plans[key] = plan, _digest(self._subject, compiled, context)
        self._latest = plan
        return plan


def _check_heads(plan: Plan, heads: Sequence[Any]) -> None:
    expected = plan.program.graph.outputs
    if len(heads) != len(expected) or not all(isinstance(head, nd.NDArray) for head in heads):
        raise KernelError(f"one head gradient for each output is needed: {', '.join(map(str, expected))}")


def _misfitting_heads(plan: Plan, heads: Sequence[nd.NDArray]) -> KernelError:
    expected = ", ".join(map(str, plan.program.graph.outputs))
    shapes = ", ".join(f"{head.shape} {np.dtype(head.dtype).name}" for head in heads)
    return KernelError(f"head gradients must have the shapes and dtypes of the outputs {expected}, not {shapes}")


def kernel_source(subject: gluon.Block, inputs: Sequence[nd.NDArray]) -> str:
    """The kernels as a person reads them, without the entries that MXNet's buffers come through."""
    return print_kernels(_program(subject, inputs)[2])


def _program(subject: gluon.Block, inputs: Sequence[nd.NDArray]) -> tuple[Graph, bool, Program]:
    _check_dtypes(subject, inputs)
    graph, modes_differ = trace_modes(subject, *inputs)
    values = _constants(subject, graph, inputs[0].context) if versions_are_readable() else {}
    return graph, modes_differ, program(graph, values)


def _check_dtypes(subject: gluon.Block, inputs: Sequence[nd.NDArray]) -> None:
    """Before MXNet runs operators in a dtype that it may not have on the CPU."""
    named = [("the input", value.dtype) for value in inputs if isinstance(value, nd.NDArray)]
    named += [(key, parameter.dtype) for key, parameter in structural_parameters(subject).items()]
    for name, dtype in named:
        if np.dtype(dtype).name not in FLOATS:
            raise KernelError(
                f"{name} of {type(subject).__name__} is {np.dtype(dtype).name}; "
                f"the numba variant computes in {' or '.join(FLOATS)}"
            )


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


def _key(inputs: Sequence[nd.NDArray], any_batch: bool, by_mode: bool) -> tuple[Any, ...]:
    kinds = tuple(
        (str(value.context), np.dtype(value.dtype).name, (0, *value.shape[1:]) if any_batch else value.shape)
        for value in inputs
    )
    return kinds, any_batch, autograd.is_training() if by_mode else None


def _keys(inputs: Sequence[nd.NDArray]) -> list[tuple[Any, ...]]:
    """Every key under which a plan for these inputs may stand."""
    if not inputs or not all(isinstance(value, nd.NDArray) and 0 not in value.shape for value in inputs):
        return []
    # A plan for any batch size is for one size at a time.
    batches = (False, True) if len({value.shape[0] for value in inputs}) == 1 else (False,)
    return [_key(inputs, any_batch, by_mode) for any_batch in batches for by_mode in (False, True)]


def _shaped(plan: Plan, outputs: list[nd.NDArray]) -> Any:
    return CONTAINERS[plan.program.graph.returns](outputs)


def _named(plan: Plan, outputs: list[nd.NDArray], gradients: list[nd.NDArray]) -> tuple[Any, dict[str, nd.NDArray]]:
    return _shaped(plan, outputs), dict(zip(plan.gradients, gradients, strict=True))
