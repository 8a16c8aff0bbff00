"""What cannot be generated or run is refused in one sentence, and nothing is harmed by the attempt."""

import inspect
import random
import sys
from collections.abc import Callable
from typing import Any

import mxnet as mx
import numpy as np
import pytest
from mxnet import autograd, gluon, init, nd
from mxnet.gluon import nn

from kernels import KernelError, build, hybridize, jit, parts, source, trace, value_and_gradient
from kernels.operators import OPERATORS, Site
from kernels.primitives.base import Value
from layers.half_fourier import HalfFourier
from layers.my_dense import MyDense

SOMEWHERE_ELSE = nd.ones((3, 4))
BLOCK_ELSEWHERE, GRAPH_ELSEWHERE = nn.Dense(4, in_units=4), nn.Dense(4, in_units=4)
BLOCK_ELSEWHERE.initialize()
GRAPH_ELSEWHERE.initialize()
GRAPH_ELSEWHERE.hybridize()


class Switched(nn.Block):
    """Does something bad in forward as long as ``bad`` is set; otherwise doubles its input."""

    def __init__(self) -> None:
        super().__init__()
        self.bad = True
        self.table = self.params.get_constant("table", [[1, 2, 3, 4]])

    def forward(self, x: nd.NDArray) -> Any:
        """Twice ``x``, or what must be refused."""
        return self.misbehave(x) if self.bad else x * 2

    def misbehave(self, x: nd.NDArray) -> Any:
        """Each subclass's own; the line in question is marked "here"."""
        raise NotImplementedError


class CopiesToNumpy(Switched):
    def misbehave(self, x: nd.NDArray) -> Any:
        return x * float(x.asnumpy().max())  # here


class TakesAScalar(Switched):
    def misbehave(self, x: nd.NDArray) -> Any:
        return x - x.mean().asscalar()  # here


class TakesAFloat(Switched):
    def misbehave(self, x: nd.NDArray) -> Any:
        return x - float(x.sum())  # here


class Branches(Switched):
    def misbehave(self, x: nd.NDArray) -> Any:
        if x.sum() > 0:  # here
            return x
        return -x


class Prints(Switched):
    def misbehave(self, x: nd.NDArray) -> Any:
        print(x.mean())  # here
        return x


class MakesAnArray(Switched):
    def misbehave(self, x: nd.NDArray) -> Any:
        return x + nd.array([1, 2, 3, 4])  # here


class UsesAnotherArray(Switched):
    def misbehave(self, x: nd.NDArray) -> Any:
        return x + SOMEWHERE_ELSE[0]  # here


class WritesIntoItsInput(Switched):
    def misbehave(self, x: nd.NDArray) -> Any:
        x += 1  # here
        return x


class WritesARowOfItsInput(Switched):
    def misbehave(self, x: nd.NDArray) -> Any:
        x[0] = 1  # here
        return x


class WritesIntoAParameter(Switched):
    def misbehave(self, x: nd.NDArray) -> Any:
        table = self.table.data(x.context)
        table *= 2  # here
        return x + table


class ReturnsANumber(Switched):
    def misbehave(self, x: nd.NDArray) -> Any:
        return x.shape[1]


class ReturnsNothing(Switched):
    def misbehave(self, x: nd.NDArray) -> Any:
        x.sum()


class ReturnsANumberToo(Switched):
    def misbehave(self, x: nd.NDArray) -> Any:
        return [x, 1]


class ReturnsAnotherArray(Switched):
    def misbehave(self, x: nd.NDArray) -> Any:  # noqa: ARG002
        return SOMEWHERE_ELSE


class CallsABlockThatIsNoChild(Switched):
    def misbehave(self, x: nd.NDArray) -> Any:
        return BLOCK_ELSEWHERE(x)  # here


class CallsAGraphThatIsNoChild(Switched):
    def misbehave(self, x: nd.NDArray) -> Any:
        return GRAPH_ELSEWHERE(x)  # here


class FailsByItself(Switched):
    def misbehave(self, x: nd.NDArray) -> Any:
        raise ValueError(f"I do not like the {x.shape[1]} columns\nor anything else")  # here


class LacksAnAttribute(Switched):
    def misbehave(self, x: nd.NDArray) -> Any:
        return x * self.nope  # here


class Quits(Switched):
    def misbehave(self, x: nd.NDArray) -> Any:  # noqa: ARG002
        sys.exit(0)  # here


class GivesUp(Switched):
    def misbehave(self, x: nd.NDArray) -> Any:  # noqa: ARG002
        raise GeneratorExit  # here


class Mute(Exception):  # noqa: N818
    def __str__(self) -> str:
        raise RuntimeError


class FailsWithoutAWord(Switched):
    def misbehave(self, x: nd.NDArray) -> Any:  # noqa: ARG002
        raise Mute  # here


class FailsWithManyWords(Switched):
    def misbehave(self, x: nd.NDArray) -> Any:  # noqa: ARG002
        raise ValueError("a" * 5000)  # here


class FailsInNumPy(Switched):
    def misbehave(self, x: nd.NDArray) -> Any:
        return x * np.linalg.inv(np.zeros((2, 2)))  # here


class NeverEnds(Switched):
    def misbehave(self, x: nd.NDArray) -> Any:
        return self(x)


class LikesNoColumns(Switched):
    def misbehave(self, x: nd.NDArray) -> Any:
        return nd.dot(x, x)


class PausesRecording(Switched):
    def misbehave(self, x: nd.NDArray) -> Any:
        with autograd.pause():  # here
            mean = x.mean(axis=1, keepdims=True)
        return x * mean


class PredictsWithin(Switched):
    def misbehave(self, x: nd.NDArray) -> Any:
        with autograd.predict_mode():  # here
            return nd.Dropout(x) * 2


class AsksWhetherItIsRecorded(Switched):
    def misbehave(self, x: nd.NDArray) -> Any:
        return x * 3 if autograd.is_recording() else x * 2  # here


class AsksForAGradient(Switched):
    def misbehave(self, x: nd.NDArray) -> Any:
        return x * 3 if x.grad is None else x * 2  # here


class Counts(Switched):
    calls = 0

    def misbehave(self, x: nd.NDArray) -> Any:
        self.calls += 1
        return x * self.calls


class DrawsByPython(Switched):
    def misbehave(self, x: nd.NDArray) -> Any:
        return x * random.random()


BAD: dict[type[Switched], str] = {
    PausesRecording: "switches recording or the mode inside forward",
    PredictsWithin: "switches recording or the mode inside forward",
    AsksWhetherItIsRecorded: "asks inside forward .* whether MXNet records",
    AsksForAGradient: "asks inside forward .* for a gradient",
    Counts: "does something else each time it runs",
    DrawsByPython: "does something else each time it runs",
    CopiesToNumpy: "copies an array to NumPy inside forward",
    TakesAScalar: "copies an array to NumPy inside forward",
    TakesAFloat: r"forward of TakesAFloat failed at .*: TypeError: float\(\) argument must be",
    Branches: "copies an array to NumPy inside forward",
    Prints: "copies an array to NumPy inside forward",
    MakesAnArray: "makes an array from Python numbers inside forward",
    UsesAnotherArray: "neither an input nor one of its parameters",
    WritesIntoItsInput: "writes into an input or a parameter",
    WritesARowOfItsInput: "writes into an input or a parameter|writes into a view",
    WritesIntoAParameter: "writes into an input or a parameter",
    ReturnsANumber: "must return an mx.nd array or a list of them, not int",
    ReturnsNothing: "must return an mx.nd array or a list of them, not NoneType",
    ReturnsANumberToo: "must return an mx.nd array or a list of them",
    ReturnsAnotherArray: "neither an input nor one of its parameters",
    CallsABlockThatIsNoChild: "neither an input nor one of its parameters",
    CallsAGraphThatIsNoChild: "calls a hybridized graph that is not one of its child blocks",
    FailsByItself: "forward of FailsByItself failed at .*: ValueError: I do not like the 4 columns or anything else$",
    LacksAnAttribute: "failed at .*: AttributeError: 'LacksAnAttribute' object has no attribute 'nope'$",
    Quits: "failed at .*: SystemExit: 0$",
    GivesUp: "failed at .*: GeneratorExit$",
    FailsWithoutAWord: "failed at .*: Mute: <",
    FailsWithManyWords: "failed at .*: ValueError: a{100}",
    FailsInNumPy: "failed at .*: LinAlgError: Singular matrix$",
    NeverEnds: r"failed at test_bad_input.py:\d+: RecursionError: ",
    LikesNoColumns: r"does not accept an input of shape \(3, 4\): ",
}


def marked_line(layer: type[Switched]) -> str:
    """``file:line`` of the comment "here", or nothing."""
    lines, first = inspect.getsourcelines(layer.misbehave)
    marks = [first + offset for offset, line in enumerate(lines) if line.rstrip().endswith("# here")]
    return f"test_bad_input.py:{marks[0]}" if marks else ""


def assert_one_sentence(message: str, layer: type[nn.Block]) -> None:
    assert layer.__name__ in message
    assert "\n" not in message
    assert len(message) < 300


@pytest.mark.parametrize("layer", BAD)
def test_a_layer_that_cannot_be_traced(layer: type[Switched], generated: str) -> None:
    block, x = layer(), nd.ones((3, 4))
    block.initialize()
    fast = build(block, generated)
    for _ in range(2):  # the second attempt is refused like the first
        with pytest.raises(KernelError, match=BAD[layer]) as refusal:
            fast(x)
        assert_one_sentence(str(refusal.value), layer)
        assert marked_line(layer) in str(refusal.value)
    np.testing.assert_array_equal(x.asnumpy(), np.ones((3, 4)))
    np.testing.assert_array_equal(block.table.data().asnumpy(), [[1, 2, 3, 4]])
    block.bad = False
    np.testing.assert_array_equal(fast(x).asnumpy(), np.full((3, 4), 2))


class TopValues(nn.Block):
    def forward(self, x: nd.NDArray) -> nd.NDArray:
        return nd.topk(x, k=2)  # here

    misbehave = forward


class Pools(nn.Block):
    def forward(self, x: nd.NDArray) -> nd.NDArray:
        return nd.Pooling(x.reshape((0, 1, -1)), kernel=(2,))  # here

    misbehave = forward


class TakesStrictly(nn.Block):
    def forward(self, x: nd.NDArray) -> nd.NDArray:
        return nd.take(x, nd.zeros_like(x), mode="raise")  # here

    misbehave = forward


UNKNOWN = {
    TopValues: "calls the operator topk",
    Pools: "cannot compile Pooling .* with windows",
    TakesStrictly: "cannot compile take .* with mode='raise'",
}


@pytest.mark.parametrize("layer", UNKNOWN)
def test_an_operator_that_the_numba_variant_does_not_know(layer: type[nn.Block]) -> None:
    with pytest.raises(KernelError, match=UNKNOWN[layer]) as refusal:
        jit(layer())(nd.ones((3, 4)))
    assert_one_sentence(str(refusal.value), layer)
    assert marked_line(layer) in str(refusal.value)


def test_a_rule_that_fails_leaves_its_block_to_mxnet(monkeypatch: pytest.MonkeyPatch) -> None:
    def careless(site: Site, inputs: list[Value]) -> Value:
        return inputs[site.get("k", 1)]

    monkeypatch.setitem(OPERATORS, "topk", careless)
    x = nd.ones((3, 4))
    with pytest.raises(KernelError, match=r"rule for topk at .* fails with IndexError: .*; please report") as refusal:
        jit(TopValues())(x)
    assert_one_sentence(str(refusal.value), TopValues)
    assert marked_line(TopValues) in str(refusal.value)
    network = nn.Sequential()
    network.add(dense(in_units=4), TopValues())
    np.testing.assert_array_equal(jit(network)(x).asnumpy(), network(x).asnumpy())
    assert [row.runs_by for row in parts(network, x)] == ["numba", "mxnet"]


@pytest.mark.parametrize("name", ["hybridized", "hybridized-static"])
@pytest.mark.parametrize("layer", UNKNOWN)
def test_an_operator_that_the_hybridized_variants_pass_on(layer: type[nn.Block], name: str) -> None:
    x = nd.array(np.random.default_rng(1).normal(size=(3, 4)))
    np.testing.assert_allclose(build(layer(), name)(x).asnumpy(), layer()(x).asnumpy(), rtol=1e-6)


def dense(**options: Any) -> MyDense:
    layer = MyDense(5, **options)
    layer.initialize(init.Constant(0.5))
    return layer


CALLS: dict[str, tuple[Any, str]] = {
    "more-columns": (nd.ones((3, 7)), r"does not accept an input of shape \(3, 7\)"),
    "fewer-columns": (nd.ones((3, 1)), r"does not accept an input of shape \(3, 1\)"),
    "vector": (nd.ones((3,)), r"does not accept an input of shape \(3,\)"),
    "float64": (nd.ones((3, 4), dtype="float64"), "float64"),
    "int32": (nd.ones((3, 4), dtype="int32"), "int32"),
    "float16": (nd.ones((3, 4), dtype="float16"), "float16"),
    "numpy": (np.ones((3, 4), "float32"), "takes mx.nd arrays, not ndarray"),
    "list": ([nd.ones((3, 4))], "'list' object has no attribute 'context'"),
    "number": (1.0, "takes mx.nd arrays, not float"),
    "nothing": (None, "takes mx.nd arrays, not NoneType"),
    "function": (nd.relu, "takes mx.nd arrays, not function; beside arrays it may be given None, numbers"),
    "empty": (nd.array(np.empty((0, 4))), r"an empty array of shape \(0, 4\)"),
    "no-columns": (nd.array(np.empty((3, 0))), r"an empty array of shape \(3, 0\)"),
    "other-context": (nd.ones((3, 4), ctx=mx.cpu(1)), r"not on cpu\(1\): initialize it there"),
}


@pytest.mark.parametrize("called_before", [False, True], ids=["first-call", "later-call"])
@pytest.mark.parametrize("call", CALLS)
def test_an_input_that_does_not_fit(call: str, generated: str, called_before: bool) -> None:
    """Before the first good call and after it, and the good call is right whenever it comes."""
    bad, reason = CALLS[call]
    layer, x = dense(in_units=4), nd.ones((3, 4))
    fast = build(layer, generated)
    if called_before:
        fast(x)
    with pytest.raises(KernelError, match=reason) as refusal:
        fast(bad)
    assert_one_sentence(str(refusal.value), MyDense)
    nd.waitall()  # no error is left behind for somebody else's
    np.testing.assert_array_equal(fast(x).asnumpy(), np.full((3, 5), 2))
    np.testing.assert_array_equal(layer.weight.data().asnumpy(), np.full((4, 5), 0.5))


def test_a_symbol_is_refused_before_and_after_a_good_call() -> None:
    """It has a handle as an array has, of something else."""
    partly = nn.HybridSequential()
    partly.add(nn.Conv2D(2, 3, in_channels=1), nn.Dense(2, in_units=18))
    partly.initialize()
    x = mx.sym.var("x")
    for layer, good in ((dense(in_units=4), nd.ones((3, 4))), (partly, nd.ones((2, 1, 5, 5)))):
        fast = jit(layer)
        for _ in range(3):
            with pytest.raises(KernelError, match=r"takes mx\.nd arrays, not a Symbol: ") as refusal:
                fast(x)
            assert_one_sentence(str(refusal.value), type(layer))
            fast(good)


def test_an_input_that_fits_no_more(generated: str) -> None:
    layer, x = dense(in_units=4), nd.ones((3, 4))
    fast = build(layer, generated)
    fast(x)
    layer.cast("float64")
    for _ in range(2):
        with pytest.raises(KernelError, match="float64") as refusal:
            fast(x)
        assert_one_sentence(str(refusal.value), MyDense)
        np.testing.assert_array_equal(fast(x.astype("float64")).asnumpy(), np.full((3, 5), 2))


class SetsARow(nn.Block):
    def forward(self, x: nd.NDArray) -> nd.NDArray:
        y = x * 2
        y[1] = 7  # here
        return y

    misbehave = forward


class TakesNothing(nn.Block):
    def forward(self, x: nd.NDArray) -> nd.NDArray:
        return nd.zeros(x.shape[1:])

    def misbehave(self) -> None:
        """No line of it is named."""


NO_GRAPH = {
    SetsARow: "of SetsARow, which calls _slice_assign_scalar at .* non-differentiable",
    TakesNothing: "of TakesNothing fails, though its forward does not: .*no inputs in computation graph",
}


@pytest.mark.filterwarnings("ignore:The 0-th input to HybridBlock is not used")
@pytest.mark.parametrize("layer", NO_GRAPH)
def test_what_mxnet_makes_no_graph_of(layer: type[Any]) -> None:
    fast = hybridize(layer())
    for _ in range(2):
        with pytest.raises(KernelError, match=NO_GRAPH[layer]) as refusal:
            fast(nd.ones((3, 4)))
        assert_one_sentence(str(refusal.value), layer)
        assert marked_line(layer) in str(refusal.value)


def test_a_block_that_holds_itself() -> None:
    net, x = nn.HybridSequential(), nd.ones((3, 4))
    net.register_child(net)
    for act in (
        lambda: jit(net)(x),
        lambda: hybridize(net)(x),
        lambda: parts(net, x),
        lambda: trace(net, x),
        lambda: source(net, "numba", (3, 4)),
    ):
        with pytest.raises(KernelError, match="HybridSequential holds itself as a child"):
            act()


@pytest.mark.parametrize("count", [0, 2])
def test_another_number_of_inputs(generated: str, count: int) -> None:
    fast, x = build(dense(in_units=4), generated), nd.ones((3, 4))
    for _ in range(2):
        with pytest.raises((KernelError, TypeError, ValueError), match=r"input|argument"):
            fast(*[x] * count)
        np.testing.assert_array_equal(fast(x).asnumpy(), np.full((3, 5), 2))


@pytest.mark.parametrize("in_units", [0, 4], ids=["deferred", "known"])
def test_parameters_without_values(generated: str, in_units: int) -> None:
    layer, x = MyDense(5, in_units=in_units), nd.ones((3, 4))
    fast = build(layer, generated)
    with pytest.raises(KernelError, match=r"parameter \w+ of MyDense has no values yet: call initialize\(\) or load"):
        fast(x)
    layer.initialize(init.Constant(0.5))
    np.testing.assert_array_equal(fast(x).asnumpy(), np.full((3, 5), 2))


def test_half_precision_works_where_mxnet_has_no_operator_for_it() -> None:
    layer = dense(in_units=4)
    layer.cast("float16")
    y = jit(layer)(nd.ones((3, 4), dtype="float16"))
    assert y.dtype == np.float16
    np.testing.assert_array_equal(y.asnumpy(), np.full((3, 5), 2))
    nd.waitall()  # MXNet failed in the trace: that error must not wait for somebody else's waitall


WRONG_USES: dict[str, tuple[Callable[[], object], str]] = {
    "variant": (lambda: build(dense(), "turbo"), "unknown variant 'turbo': choose from imperative, hybridized, "),
    "context": (lambda: build(dense(), "numba", "tpu"), "unknown context 'tpu': choose cpu or gpu"),
    "numba-on-gpu": (lambda: build(dense(), "numba", "gpu"), "runs on the CPU only"),
    "not-a-block": (lambda: jit(lambda x: x), "made from a gluon Block, not from function"),  # type: ignore[arg-type]
    "a-class": (lambda: jit(MyDense), "made from a gluon Block, not from type"),  # type: ignore[arg-type]
    "source-variant": (lambda: source(dense(), "turbo", (3, 4)), "unknown variant 'turbo'"),
    "source-imperative": (lambda: source(dense(), "imperative", (3, 4)), "nothing is generated for it"),
    "source-context": (lambda: source(dense(), "numba", (3, 4), context="tpu"), "unknown context 'tpu'"),
    "source-dtype": (
        lambda: source(dense(), "numba", (3, 4), dtype="int8"),
        "must be float16, float32 or float64, not 'int8'",
    ),
    "source-shape": (lambda: source(dense(in_units=4), "numba", (3, 5)), r"does not accept an input of shape \(3, 5\)"),
    "source-empty": (lambda: source(dense(in_units=4), "numba", (0, 4)), "at least 1 row"),
    "trace-nothing": (lambda: trace(dense()), "called without an input array"),
    "gradient-of-block": (
        lambda: value_and_gradient(dense(in_units=4), nd.ones((3, 4)), nd.ones((3, 5))),
        r"takes a block made by jit\(\), not MyDense",
    ),
    "head-shape": (
        lambda: value_and_gradient(jit(dense(in_units=4)), nd.ones((3, 4)), nd.ones((2, 5))),
        "head gradients must have the shapes and dtypes of the outputs",
    ),
    "head-dtype": (
        lambda: value_and_gradient(jit(dense(in_units=4)), nd.ones((3, 4)), nd.ones((3, 5), dtype="float64")),
        "head gradients must have the shapes and dtypes of the outputs",
    ),
    "head-numpy": (
        lambda: value_and_gradient(jit(dense(in_units=4)), nd.ones((3, 4)), np.ones((3, 5))),
        "head gradients must be an mx.nd array or a list of them, not ndarray",
    ),
    "head-count": (
        lambda: value_and_gradient(jit(dense(in_units=4)), nd.ones((3, 4)), [nd.ones((3, 5))] * 2),
        "one head gradient for each output is needed",
    ),
}


@pytest.mark.parametrize("use", WRONG_USES)
def test_a_wrong_use_is_refused(use: str) -> None:
    act, reason = WRONG_USES[use]
    with pytest.raises(KernelError, match=reason) as refusal:
        act()
    assert "\n" not in str(refusal.value)


@pytest.mark.parametrize(
    "head", [nd.ones((2, 5)), np.ones((3, 5)), [], [nd.ones((3, 5))] * 2], ids=["shape", "numpy", "none", "two"]
)
def test_heads_that_do_not_fit_after_a_good_call(head: Any) -> None:
    fast, x, good = jit(dense(in_units=4)), nd.ones((3, 4)), nd.ones((3, 5))
    value_and_gradient(fast, x, good)
    with pytest.raises(KernelError, match="head gradient"):
        value_and_gradient(fast, x, head)
    y, gradients = value_and_gradient(fast, x, good)
    np.testing.assert_array_equal(y.asnumpy(), np.full((3, 5), 2))
    np.testing.assert_array_equal(gradients["x"].asnumpy(), np.full((3, 4), 2.5))


class Marked(nn.Block):
    """Everything that a forward pass could leave a mark on: statistics, the random stream, gradients."""

    def __init__(self) -> None:
        super().__init__()
        self.dense = nn.Dense(4, in_units=4)
        self.normal = nn.BatchNorm(in_channels=4)
        self.dropout = nn.Dropout(0.5)

    def forward(self, x: nd.NDArray) -> nd.NDArray:
        return self.dropout(self.normal(self.dense(x))) + x


def state(block: gluon.Block) -> dict[str, np.ndarray]:
    parameters = block._collect_params_with_prefix()
    values = {key: parameter.data().asnumpy() for key, parameter in parameters.items()}
    return values | {f"d {key}": p.grad().asnumpy() for key, p in parameters.items() if p.grad_req != "null"}


def random_numbers() -> np.ndarray:
    numbers: np.ndarray = nd.random.uniform(shape=(8,)).asnumpy()
    return numbers


def unknown(block: gluon.Block) -> gluon.Block:
    """A network that cannot be compiled as a whole."""
    network = nn.Sequential()
    network.add(block, TopValues())
    return network


TRACES: dict[str, Callable[[gluon.Block, nd.NDArray], object]] = {
    "trace": trace,
    "failed-trace": lambda block, x: jit(unknown(block), strict=True)(x),
    "parts": lambda block, x: parts(unknown(block), x),
    "failed-input": lambda block, _: build(block, "hybridized")(nd.ones((2, 7))),
    "source": lambda block, x: source(block, "hybridized", x.shape),
    "numba-source": lambda block, x: source(block, "numba", x.shape),
}


every_mode = pytest.mark.parametrize("training", [False, True], ids=["predicting", "training"])
every_kind = pytest.mark.parametrize("kind", TRACES)


def attempt(kind: str, block: gluon.Block, x: nd.NDArray) -> None:
    """Do what ``kind`` says, which fails exactly if its name says so."""
    try:
        TRACES[kind](block, x)
    except KernelError:
        assert kind.startswith("failed")
    else:
        assert not kind.startswith("failed")


@every_mode
@pytest.mark.parametrize("recording", [False, True], ids=["unrecorded", "recording"])
@every_kind
def test_a_trace_leaves_no_mark(kind: str, recording: bool, training: bool) -> None:
    block, x = Marked(), nd.array(np.random.default_rng(3).normal(5, 2, size=(6, 4)))
    block.initialize(init.One())
    x.attach_grad()
    for gradient in (x.grad, *(p.grad() for p in block.collect_params().values() if p.grad_req != "null")):
        gradient[:] = 7
    before, values = state(block), x.asnumpy()
    with autograd._RecordingStateScope(recording, training):
        attempt(kind, block, x)
        assert autograd.is_recording() is recording
        assert autograd.is_training() is training
    after = state(block)
    assert before.keys() == after.keys()
    for key, value in before.items():
        np.testing.assert_array_equal(after[key], value, err_msg=key)
    np.testing.assert_array_equal(x.asnumpy(), values)
    np.testing.assert_array_equal(x.grad.asnumpy(), np.full((6, 4), 7))


@every_mode
@every_kind
def test_a_trace_draws_no_random_numbers(kind: str, training: bool) -> None:
    block, x = Marked(), nd.ones((6, 4))
    block.initialize(init.One())
    mx.random.seed(5)
    untouched = random_numbers()
    mx.random.seed(5)
    with autograd._RecordingStateScope(False, training):
        attempt(kind, block, x)
    np.testing.assert_array_equal(random_numbers(), untouched)


def test_a_trace_inside_a_recording_loses_no_gradient(generated: str) -> None:
    """The recording began before the variant was made, and goes on after it."""
    layer, x = dense(in_units=4), nd.ones((3, 4))
    x.attach_grad()
    with autograd.record():
        before = layer(x)
        inside = build(layer, generated)(x)
        after = layer(x)
    autograd.backward([before, inside, after])
    np.testing.assert_array_equal(x.grad.asnumpy(), np.full((3, 4), 7.5))


def test_running_statistics_move_once_a_call() -> None:
    """At the first training step too, which traces."""

    def moved(variant: str) -> np.ndarray:
        block = nn.BatchNorm(in_channels=4)
        block.initialize()
        fast = build(block, variant)
        with autograd.record():
            y = fast(nd.array(np.arange(12).reshape(3, 4)))
        y.backward()  # MXNet moves the statistics here
        mean: np.ndarray = block.running_mean.data().asnumpy()
        return mean

    assert moved("imperative").any()
    for variant in ("hybridized", "numba"):
        np.testing.assert_allclose(moved(variant), moved("imperative"), rtol=1e-6)


def test_a_refused_call_leaves_the_layer_as_it_was() -> None:
    """Also where the layer recomputes its constant when it is cast, as HalfFourier does."""
    layer = HalfFourier(8)
    layer.initialize()
    fast, x = jit(layer), nd.ones((2, 8))
    wanted = fast(x).asnumpy()
    for bad in (nd.ones((2, 9)), nd.ones((2, 8), dtype="float64"), nd.array(np.empty((0, 8)))):
        with pytest.raises(KernelError):
            fast(bad)
        np.testing.assert_array_equal(fast(x).asnumpy(), wanted)
    assert wanted.any()


def test_a_refusal_that_forward_catches_is_a_refusal_all_the_same(generated: str) -> None:
    class Catching(nn.Block):
        def forward(self, x: nd.NDArray) -> nd.NDArray:
            try:
                factor = float(x.sum().asscalar())
            except ValueError:
                factor = 2.0
            return x * factor

    with pytest.raises(KernelError, match=r"copies an array to NumPy inside forward \(test_bad_input.py:\d+\)"):
        build(Catching(), generated)(nd.ones((3, 4)))


@pytest.mark.parametrize("kind", ["csr", "row_sparse"])
def test_sparse_arrays_are_refused_before_and_after_a_dense_call(kind: str) -> None:
    fast, x = jit(dense(in_units=4)), nd.ones((3, 4))
    for _ in range(2):
        with pytest.raises(KernelError, match=f"takes dense arrays: convert a {kind} one"):
            fast(x.tostype(kind))
        fast(x).wait_to_read()


def test_hooks_of_inner_blocks_are_not_called_by_a_trace(generated: str) -> None:
    layer, calls = dense(in_units=4), []
    layer.register_forward_hook(lambda *_: calls.append(1))
    build(layer, generated)(nd.ones((3, 4)))
    assert calls == []


def test_source_leaves_a_block_with_values_as_it_is() -> None:
    layer = dense(in_units=4)
    before = state(layer)
    with pytest.raises(KernelError, match="is float32: cast the block to float64 first"):
        source(layer, "numba", (3, 4), dtype="float64")
    assert state(layer).keys() == before.keys()
    assert layer.weight.dtype == np.float32


@pytest.mark.parametrize("shape", [("a",), 5, (2.5,), None, (10**12, 10**12)], ids=str)
def test_a_shape_that_is_none(shape: Any) -> None:
    with pytest.raises(KernelError, match=r"a shape is a tuple of whole numbers|no array of shape") as refusal:
        source(dense(in_units=4), "numba", shape)
    assert "\n" not in str(refusal.value)
