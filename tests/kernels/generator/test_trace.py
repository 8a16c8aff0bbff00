"""What a trace sees: operators, names, extents that follow the batch size, modes, and the user's lines."""

import inspect
import re
from collections.abc import Callable
from typing import Any

import mxnet as mx
import numpy as np
import pytest
from mxnet import autograd, gluon, nd
from mxnet.gluon import nn

from kernels import KernelError, trace
from kernels.arguments import Arguments
from kernels.extent import Extent, Scaled
from kernels.graph import CONSTANT, INPUT, PARAMETER
from kernels.structure import rebuild
from kernels.trace import trace_modes


class Affine(gluon.Block):
    def __init__(self) -> None:
        super().__init__()
        self.weight = self.params.get("weight", shape=(4, 2))
        self.shift = self.params.get_constant("shift", np.ones((1, 2), "float32"))
        self.unused = self.params.get("unused", shape=(3,))

    def forward(self, x: nd.NDArray) -> nd.NDArray:
        return nd.relu(nd.dot(x, self.weight.data()) + self.shift.data())


class Statistics(gluon.Block):
    def forward(self, values: nd.NDArray, others: nd.NDArray) -> list[nd.NDArray]:
        rows = values.shape[0]
        return [
            (values - values.mean(axis=0)) * rows**0.5,
            (values * others).sum() / (rows - 1),
            nd.reshape(values, (rows, 2, 2)),
        ]


class Noisy(gluon.Block):
    def forward(self, x: nd.NDArray) -> nd.NDArray:
        return x * 3 + 1 if autograd.is_training() else x * 3


def network() -> nn.Sequential:
    layers = nn.Sequential()
    layers.add(nn.Dense(3, activation="tanh"), nn.Dense(1, use_bias=False, flatten=False))
    return layers


PRINTED: dict[str, tuple[Callable[[], gluon.Block], tuple[tuple[int, ...], ...]]] = {
    "affine": (Affine, ((5, 4),)),
    "statistics": (Statistics, ((5, 4), (5, 4))),
    "noisy": (Noisy, ((5, 4),)),
    "network": (network, ((5, 2, 2),)),
}


def arrays(*shapes: tuple[int, ...]) -> list[nd.NDArray]:
    return [nd.ones(shape) for shape in shapes]


def initialised(block: gluon.Block) -> gluon.Block:
    block.initialize()
    return block


@pytest.mark.parametrize("name", PRINTED)
def test_graphs_are_printed_as_tables(name: str, golden: Callable[[str, str], None]) -> None:
    build, shapes = PRINTED[name]
    text = str(trace(initialised(build()), *arrays(*shapes)))
    golden(f"trace.{name}.txt", re.sub(r"test_trace\.py:\d+", "test_trace.py:LINE", text) + "\n")


# what forward does, and the attribute that it gives the operator as a function of the batch size
BATCH_FORMS: dict[str, tuple[Callable[[nd.NDArray], nd.NDArray], Callable[[int], Any]]] = {
    "reshape by shape": (lambda x: x.reshape((x.shape[0], 2, 2)), lambda n: (n, 2, 2)),
    "merging the batch": (lambda x: x.reshape((x.shape[0] * 4,)), lambda n: (4 * n,)),
    "times n": (lambda x: x * x.shape[0], lambda n: n),
    "n + 1": (lambda x: x * (x.shape[0] + 1.0), lambda n: n + 1),
    "over n": (lambda x: x * (1 / x.shape[0]), lambda n: 1 / n),
    "over all elements": (lambda x: x / x.size, lambda n: 4 * n),
    "over n - 1": (lambda x: x * (1 / (x.shape[0] - 1)), lambda n: 1 / (n - 1)),
    "by n - 1": (lambda x: x / (x.shape[0] - 1), lambda n: n - 1),
    "root of n": (lambda x: x * x.shape[0] ** 0.5, lambda n: n**0.5),
    "over the root of n": (lambda x: x * x.shape[0] ** -0.5, lambda n: n**-0.5),
    "a constant": (lambda x: x * 2.5, lambda n: 2.5),
}


@pytest.mark.parametrize("name", BATCH_FORMS)
def test_what_follows_the_batch_size_is_found(name: str, layer: Any) -> None:
    function, expected = BATCH_FORMS[name]
    graph = trace(layer(function), nd.ones((6, 4)))
    assert graph.polymorphic
    (call,) = graph.calls
    attributes = dict(call.attributes)
    for batch in (2, 6, 17, 4096):

        def at(value: Any, batch: int = batch) -> Any:
            return value.at(batch) if isinstance(value, (Extent, Scaled)) else value

        shape = attributes.get("shape")
        found = at(attributes["scalar"]) if shape is None else tuple(map(at, shape))
        assert found == pytest.approx(expected(batch), rel=1e-14)


SPECIALISED: dict[str, Callable[[nd.NDArray], nd.NDArray]] = {
    "n squared": lambda x: x * x.shape[0] ** 2,
    "an operator for each row": lambda x: nd.add_n(*[x * k for k in range(x.shape[0])]),
    "a fixed batch": lambda x: x.reshape((6, 2, 2)),
    "rows times rows": lambda x: nd.dot(x, x.T).reshape((x.shape[0] ** 2,)),
}


@pytest.mark.parametrize("name", SPECIALISED)
def test_what_follows_it_in_no_known_way_is_specialised(name: str, layer: Any) -> None:
    graph = trace(layer(SPECIALISED[name]), nd.ones((6, 4)))
    assert not graph.polymorphic
    assert all(extent.literal for call in graph.calls for array in call.outputs for extent in array.shape)
    assert str(graph).startswith("Layer: this shape only\n")


# what two arrays do, their shapes, and which of them turn out to have the batch as their first axis
BATCHED: dict[str, tuple[Callable[..., nd.NDArray], list[tuple[int, ...]], list[bool]]] = {
    "rows of both": (lambda x, y: x * y, [(6, 4), (6, 4)], [True, True]),
    "a memory": (nd.dot, [(6, 4), (4, 3)], [True, False]),
    "a memory of as many rows": (nd.dot, [(4, 4), (4, 3)], [True, False]),
    "a vector": (lambda x, y: x * y, [(6, 4), (4,)], [True, False]),
    "a vector of as many elements": (nd.broadcast_mul, [(4, 4), (4,)], [True, False]),
    "a memory first": (lambda y, x: nd.dot(x, y), [(4, 3), (6, 4)], [False, True]),
    "a scale first": (lambda y, x: nd.broadcast_mul(x, y.reshape((4,))), [(4,), (6, 4)], [False, True]),
    "rows times rows": (lambda x, y: nd.dot(x, y).reshape((36,)), [(6, 4), (4, 6)], [False, False]),
}


@pytest.mark.parametrize("name", BATCHED)
def test_which_inputs_have_the_batch_is_found_out(name: str, layer: Any) -> None:
    function, shapes, expected = BATCHED[name]
    graph = trace(layer(function, arity=2), *arrays(*shapes))
    assert [not leaf.array.shape[0].literal for leaf in graph.leaves_of(INPUT)] == expected
    assert graph.polymorphic == any(expected)


def test_a_fixed_first_axis_can_be_asked_for(layer: Any) -> None:
    assert not trace(layer(nd.relu), nd.ones((6, 4)), any_batch=False).polymorphic


@pytest.mark.parametrize("batch", [1, 2, 9, 16, 64])
@pytest.mark.parametrize(
    "function",
    [
        lambda x: x * 2 if x.shape[0] > 8 else x,
        lambda x: x if x.shape[0] == 1 else x - x.mean(axis=0),
        lambda x: x[:8] if x.shape[0] >= 8 else x,
    ],
    ids=["above eight", "exactly one", "at most eight rows"],
)
def test_a_branch_on_the_batch_size_is_taken_for_the_size_at_hand(function: Any, batch: int, layer: Any) -> None:
    """Whatever batch sizes a trace tries, the graph holds for the one that it was asked about."""
    x = nd.array(np.random.default_rng(0).standard_normal((batch, 4)))
    graph = trace(layer(function), x)
    expected = function(x).shape
    assert tuple(extent.at(batch) for extent in graph.outputs[0].shape) == expected
    recorded = trace(layer(function), x, any_batch=False)
    assert [call.operator for call in graph.calls] == [call.operator for call in recorded.calls]


def test_leaves_have_roles_and_structural_names() -> None:
    graph = trace(initialised(Affine()), nd.ones((5, 4)))
    assert [(leaf.role, leaf.key, leaf.array.name) for leaf in graph.leaves] == [
        (INPUT, "x", "x"),
        (PARAMETER, "weight", "weight"),
        (CONSTANT, "shift", "shift"),
    ]


def test_parameters_of_children_have_their_path_in_their_name() -> None:
    block = initialised(network())
    graph = trace(block, nd.ones((5, 4)))
    assert [(leaf.key, leaf.array.name) for leaf in graph.leaves_of(PARAMETER)] == [
        ("0.weight", "weight_0"),
        ("0.bias", "bias_0"),
        ("1.weight", "weight_1"),
    ]
    assert {leaf.key for leaf in graph.leaves_of(PARAMETER)} == set(block._collect_params_with_prefix())


def test_a_shared_parameter_is_one_leaf() -> None:
    first = nn.Dense(4, in_units=4)
    layers = nn.Sequential()
    layers.add(first, nn.Dense(4, in_units=4, params=first.params))
    graph = trace(initialised(layers), nd.ones((5, 4)))
    assert [leaf.key for leaf in graph.leaves_of(PARAMETER)] == ["0.weight", "0.bias"]
    assert len(graph.calls) == 2
    assert graph.calls[0].inputs[1:] == graph.calls[1].inputs[1:]


def test_names_are_python_identifiers_each_once(layer: Any) -> None:
    def forward(x: nd.NDArray) -> nd.NDArray:
        for operator in (nd.exp, nd.sqrt, nd.abs, nd.max, nd.sum):
            x = operator(x, axis=1, keepdims=True) if operator in (nd.max, nd.sum) else operator(operator(x))
        return nd._internal._plus_scalar(x, scalar=1.0)

    graph = trace(layer(forward), nd.ones((5, 4)))
    names = [leaf.array.name for leaf in graph.leaves] + [array.name for call in graph.calls for array in call.outputs]
    assert len(names) == len(set(names)) == 1 + len(graph.calls)
    assert all(name.isidentifier() for name in names)


@pytest.mark.parametrize(
    ("function", "outputs", "returns"),
    [
        (lambda x: x, 1, "a"),
        (lambda x: [x], 1, ["a"]),
        (lambda x: (x * 2, x), 2, ("a", "b")),
        (lambda x: (lambda y: [y, y])(x * 2), 2, ["a", "b"]),
    ],
    ids=["identity", "a list of one", "an input among outputs", "one array twice"],
)
def test_outputs(function: Any, outputs: int, returns: Any, layer: Any) -> None:
    graph = trace(layer(function), nd.ones((5, 4)))
    assert len(graph.outputs) == outputs
    assert rebuild(graph.returns, iter("ab"[:outputs])) == returns
    assert all(str(array.shape) == str(graph.leaves[0].array.shape) for array in graph.outputs)


def test_hybridized_children_and_hybrid_blocks_are_traced_like_others() -> None:
    plain, hybrid = nn.HybridSequential(prefix="plain_"), nn.HybridSequential(prefix="hybrid_")
    for layers in (plain, hybrid):
        layers.add(nn.Dense(3, in_units=4, activation="relu"), nn.LayerNorm(in_channels=3))
        layers.initialize()
    hybrid.hybridize()
    x = nd.ones((5, 4))
    before = hybrid(x)
    assert str(trace(hybrid, x)) == str(trace(plain, x))
    assert hybrid._active
    np.testing.assert_array_equal(hybrid(x).asnumpy(), before.asnumpy())


def test_modes_are_told_apart() -> None:
    x = nd.ones((5, 4))
    for mode, calls in ((autograd.train_mode, 2), (autograd.predict_mode, 1)):
        with mode():
            graph, differ = trace_modes(Noisy(), Arguments.of(Noisy(), [x]))
        assert len(graph.calls) == calls
        assert differ
    assert not trace_modes(initialised(network()), Arguments.of(network(), [x]))[1]


def test_each_call_knows_the_line_that_wrote_it(layer: Any) -> None:
    def forward(x: nd.NDArray) -> nd.NDArray:
        doubled = x * 2
        return nd.relu(doubled)

    first = inspect.getsourcelines(forward)[1]
    graph = trace(layer(forward), nd.ones((5, 4)))
    assert [call.line for call in graph.calls] == [f"test_trace.py:{first + 1}", f"test_trace.py:{first + 2}"]


def test_a_trace_leaves_no_mark() -> None:
    """No gradient, random number, running statistic or recording of the user's is touched."""
    layers = nn.Sequential()
    layers.add(nn.BatchNorm(in_channels=4), nn.Dense(2, in_units=4))
    layers.initialize()
    x = nd.random.normal(shape=(5, 4))
    x.attach_grad()
    with autograd.record():
        y = layers(x)
        mx.random.seed(3)
        trace(layers, x)
        after = nd.random.normal(shape=(3,)).asnumpy()
    y.backward(nd.arange(10).reshape((5, 2)))
    marked = x.grad.asnumpy().copy()
    mx.random.seed(3)
    np.testing.assert_array_equal(after, nd.random.normal(shape=(3,)).asnumpy())
    statistics = {name: p.data().asnumpy() for name, p in layers.collect_params().items() if "running" in name}
    with autograd.train_mode():
        trace(layers, x)
    for name, value in statistics.items():
        np.testing.assert_array_equal(layers.collect_params()[name].data().asnumpy(), value)
    np.testing.assert_array_equal(x.grad.asnumpy(), marked)
    assert float(layers[1].weight.grad().abs().sum().asscalar()) > 0


OUTSIDE = nd.ones((4,))

REFUSED: dict[str, tuple[Callable[[nd.NDArray], Any], str]] = {
    "asnumpy": (
        lambda x: x * float(x.asnumpy().mean()),
        r"copies an array to NumPy inside forward \(test_trace.py:\d+\)",
    ),
    "asscalar": (lambda x: x * x.mean().asscalar(), r"copies an array to NumPy"),
    "if on data": (lambda x: x if x.sum() > 0 else -x, r"copies an array to NumPy"),
    "an array from numbers": (
        lambda x: x + nd.array([1, 2, 3, 4]),
        r"makes an array from Python numbers inside forward",
    ),
    "an array from elsewhere": (
        lambda x: x + OUTSIDE,
        r"uses an array at test_trace.py:\d+ that is neither an input nor",
    ),
    "writing into the input": (
        lambda x: nd.relu(x, out=x),
        r"writes into an input or a parameter at test_trace.py:\d+",
    ),
    "no array": (lambda x: x.shape, r"must return an mx.nd array or a list of them, not tuple"),
    "nothing": (lambda x: None, r"must return an mx.nd array or a list of them, not NoneType"),
    "a shape that does not fit": (lambda x: nd.dot(x, x), r"Layer does not accept an input of shape \(5, 4\): "),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_leaves_the_graph_is_refused_in_one_sentence(name: str, layer: Any) -> None:
    function, message = REFUSED[name]
    with pytest.raises(KernelError, match=message) as raised:
        trace(layer(function), nd.ones((5, 4)))
    assert "\n" not in str(raised.value)


@pytest.mark.parametrize(
    ("inputs", "message"),
    [
        ((), "Layer was called without an input array"),
        ((np.ones((2, 2)),), "Layer takes mx.nd arrays, not ndarray"),
        (("x",), "Layer takes mx.nd arrays, not str"),
    ],
)
def test_inputs_that_are_no_arrays_are_refused(inputs: Any, message: str, layer: Any) -> None:
    with pytest.raises(KernelError, match=message):
        trace(layer(nd.relu), *inputs)


def test_parameters_without_values_are_refused() -> None:
    with pytest.raises(KernelError, match=r"parameter .*weight.* of Affine has no values yet: call initialize"):
        trace(Affine(), nd.ones((5, 4)))


def test_an_array_of_one_number_made_inside_forward_is_that_number(layer: Any) -> None:
    """``gluon.loss.CosineEmbeddingLoss`` makes two of them."""
    graph = trace(layer(lambda x: nd.broadcast_maximum(x, nd.array([[0.5]]))), nd.ones((3, 4)))
    assert graph.polymorphic
    made, _ = graph.calls
    assert (made.operator, dict(made.attributes)) == ("_full", {"shape": (1, 1), "dtype": "float32", "value": 0.5})
    of_the_batch = trace(layer(lambda x: nd.broadcast_add(x, nd.array([[len(x)]]))), nd.ones((3, 4)))
    assert str(dict(of_the_batch.calls[0].attributes)["value"]) == "n"
