"""How a forward is called: several arrays, nested, beside None and plain values, by keyword; and what it returns."""

import copy
import pickle
from collections import OrderedDict, namedtuple
from collections.abc import Callable, Sequence
from typing import Any

import mxnet as mx
import numpy as np
import pytest
from mxnet import autograd, gluon, nd
from mxnet.gluon import nn

from kernels import KernelError, build, hybridize, jit, trace, value_and_gradient
from kernels.arguments import Arguments
from kernels.structure import Structure, flatten, paths, rebuild

State = namedtuple("State", "hidden cell")


def array(*shape: int, seed: int = 5) -> nd.NDArray:
    return nd.array(np.random.default_rng(seed).standard_normal(shape))


def taken_apart(value: Any) -> tuple[Structure, list[nd.NDArray]]:
    arrays: list[nd.NDArray] = []
    return flatten(value, arrays), arrays


def assert_same(found: Any, expected: Any) -> None:
    """The same containers, and the same numbers in them."""
    (structure, arrays), (right_structure, right_arrays) = taken_apart(found), taken_apart(expected)
    assert structure == right_structure
    for one, right in zip(arrays, right_arrays, strict=True):
        np.testing.assert_allclose(one.asnumpy(), right.asnumpy(), rtol=1e-5, atol=1e-6)


class Everything(gluon.Block):
    """Takes and returns whatever a forward may; ``runs`` counts how often it was run."""

    def __init__(self) -> None:
        super().__init__()
        self.runs = 0
        self.weight = self.params.get("weight", shape=(4, 4), init=mx.init.Xavier())

    def forward(
        self, x: nd.NDArray, states: Any, extra: Any = None, *, scale: Any = 1.0, how: str = "plain", batch: Any = None
    ) -> Any:
        self.runs += 1
        weight = self.weight.data()
        y = nd.dot(x, weight) * scale + states[0]
        if extra is not None:
            y = y * extra
        if how == "negative":
            y = -y
        if batch is not None:
            y = y + batch["mask"] * batch["power"]
        return y, [x, (None, weight, y * 2)], State(states[0] * 2, states[1]), {"again": y}


CALLS: dict[str, tuple[tuple[Any, ...], dict[str, Any]]] = {
    "a list": ((array(3, 4), [array(3, 4, seed=6), array(5)]), {}),
    "a tuple": ((array(3, 4), (array(3, 4, seed=6), array(5))), {}),
    "a named tuple": ((array(3, 4), State(array(3, 4, seed=6), array(5))), {}),
    "another batch": ((array(7, 4), [array(7, 4, seed=6), array(5)]), {}),
    "a third array": ((array(3, 4), [array(3, 4, seed=6), array(5)], array(4, seed=7)), {}),
    "an array by name": ((array(3, 4), [array(3, 4, seed=6), array(5)]), {"extra": array(4, seed=7)}),
    "an explicit None": ((array(3, 4), [array(3, 4, seed=6), array(5)], None), {}),
    "a number": ((array(3, 4), [array(3, 4, seed=6), array(5)]), {"scale": 2.5}),
    "a text": ((array(3, 4), [array(3, 4, seed=6), array(5)]), {"how": "negative"}),
    "a dict": ((array(3, 4), [array(3, 4, seed=6), array(5)]), {"batch": {"mask": array(3, 1), "power": 3}}),
    "all by name": ((), {"states": [array(3, 4, seed=6), array(5)], "x": array(3, 4)}),
    "all rows alike": ((array(4, 4), [array(4, 4, seed=6), array(4)]), {}),
}


def test_whatever_is_taken_and_returned_is_taken_and_returned_by_each_variant(generated: str) -> None:
    """In one variant, in turns: no call may be served by what was made for another."""
    block = Everything()
    block.initialize()
    fast = build(block, generated)
    expected = {name: block.forward(*inputs, **named) for name, (inputs, named) in CALLS.items()}
    for _ in range(2):
        for name, (inputs, named) in CALLS.items():
            assert_same(fast(*inputs, **named), expected[name])
    runs = block.runs
    for inputs, named in CALLS.values():
        fast(*inputs, **named)
    assert block.runs == runs


def test_gradients_of_nested_arrays_have_the_names_that_lead_to_them() -> None:
    block = Everything()
    block.initialize()
    fast, (inputs, named) = jit(block), CALLS["a dict"]
    (x, (hidden, cell)), mask = inputs, named["batch"]["mask"]
    outputs = taken_apart(block.forward(*inputs, **named))[1]
    heads = [array(*output.shape, seed=seed) for seed, output in enumerate(outputs)]
    h = [head.asnumpy() for head in heads]
    through = h[0] + 2 * h[3] + h[6]
    weight = block.weight.data().asnumpy()
    expected = {
        "x": through @ weight.T + h[1],
        "states[0]": through + 2 * h[4],
        "states[1]": h[5],
        "batch['mask']": 3 * through.sum(axis=1, keepdims=True),
        "weight": x.asnumpy().T @ through + h[2],
    }
    y, gradients = value_and_gradient(fast, list(inputs), heads, named)
    assert_same(y, block.forward(*inputs, **named))
    assert gradients.keys() == expected.keys()
    for value in (x, hidden, cell, mask):
        value.attach_grad()
    with autograd.record():
        recorded = taken_apart(fast(*inputs, **named))[1]
    autograd.backward(recorded, heads)
    taped = [value.grad for value in (x, hidden, cell, mask)] + [block.weight.grad()]
    for (name, right), tape in zip(expected.items(), taped, strict=True):
        np.testing.assert_allclose(gradients[name].asnumpy(), right, rtol=1e-4, atol=1e-5, err_msg=name)
        np.testing.assert_allclose(tape.asnumpy(), right, rtol=1e-4, atol=1e-5, err_msg=name)


def test_generated_source_names_inputs_after_the_arguments() -> None:
    inputs, named = CALLS["a dict"]
    block = Everything()
    block.initialize()
    graph = trace(block, *inputs, **named)
    names = [leaf.array.name for leaf in graph.leaves]
    assert names == ["x", "states_0", "states_1", "batch_mask", "weight"]
    assert [str(leaf.array.shape[0]) for leaf in graph.leaves] == ["n", "n", "5", "n", "4"]


class Function(gluon.Block):
    """A Block around a function of whatever it is called with; ``runs`` counts how often it was run."""

    def __init__(self, function: Callable[..., Any]) -> None:
        super().__init__()
        self.runs, self._function = 0, function

    def forward(self, *inputs: Any, **named: Any) -> Any:
        self.runs += 1
        return self._function(*inputs, **named)


def by_kind(x: nd.NDArray, value: Any = 2.0) -> nd.NDArray:
    """Different for each of the values that Python takes for equal."""
    kinds = [None, True, 1, 1.0, "1", -1.0, (1,), (1.0,), np.float32(1)]
    place = next(place for place, kind in enumerate(kinds) if (type(kind), repr(kind)) == (type(value), repr(value)))
    return x + place


def test_plain_values_are_told_apart_by_type_and_value(generated: str) -> None:
    fast, x = build(Function(by_kind), generated), array(3, 4)
    for value in [None, True, 1, 1.0, "1", -1.0, (1,), (1.0,), np.float32(1), 1, True, None]:
        assert_same(fast(x, value), by_kind(x, value))
        assert_same(fast(x, value=value), by_kind(x, value))


def test_a_default_is_not_a_none_that_was_given(generated: str) -> None:
    def scaled(x: nd.NDArray, factor: float | None = 2.0) -> nd.NDArray:
        return x * (5.0 if factor is None else factor)

    fast, x = build(Function(scaled), generated), array(3, 4)
    for _ in range(2):
        assert_same(fast(x), x * 2)
        assert_same(fast(x, None), x * 5)
        assert_same(fast(x, factor=4.0), x * 4)


def test_arrays_by_themselves_are_not_arrays_in_a_list(generated: str) -> None:
    def forward(*inputs: Any) -> Any:
        return inputs[0] - inputs[1] if len(inputs) == 2 else [inputs[0][1] * 2, inputs[0][0]]

    fast, x, y = build(Function(forward), generated), array(3, 4), array(3, 4, seed=6)
    for _ in range(2):
        assert_same(fast(x, y), x - y)
        assert_same(fast([x, y]), [y * 2, x])


@pytest.mark.parametrize("batches", [(3, 3), (3, 5)], ids=["any batch", "this shape"])
def test_an_array_that_is_given_twice_may_be_two_arrays_next_time(generated: str, batches: Sequence[int]) -> None:
    def forward(x: nd.NDArray, y: nd.NDArray) -> nd.NDArray:
        return (x - 2 * y).reshape((3, 4)) if batches[1] == 5 else x - 2 * y

    fast, x, y = build(Function(forward), generated), array(3, 4), array(3, 4, seed=6)
    for _ in range(2):
        assert_same(fast(x, x), -x)
        assert_same(fast(x, y), x - 2 * y)


def test_an_array_that_is_given_twice_has_two_gradients_and_one_on_the_tape() -> None:
    fast, x, head = jit(Function(lambda x, y: x * x * y)), array(3, 4), array(3, 4, seed=6)
    _, gradients = value_and_gradient(fast, [x, x], head)
    assert_same(gradients, {"x0": 2 * x * x * head, "x1": x * x * head})
    x.attach_grad()
    with autograd.record():
        y = fast(x, x)
    y.backward(head)
    assert_same(x.grad, 3 * x * x * head)


@pytest.mark.parametrize("rows", [3, 5], ids=["as many", "others"])
def test_a_memory_keeps_its_rows_while_the_batch_changes(rows: int, generated: str) -> None:
    block = Function(lambda x, memory: nd.dot(nd.dot(x, memory, transpose_b=True), memory))
    fast, memory = build(block, generated), array(rows, 4, seed=6)
    for batch in (3, 9):
        fast(array(batch, 4), memory)
    runs = block.runs
    assert_same(fast(array(8, 4), memory), nd.dot(nd.dot(array(8, 4), memory, transpose_b=True), memory))
    assert block.runs == runs
    more = array(6, 4, seed=7)
    assert_same(fast(array(6, 4), more), nd.dot(nd.dot(array(6, 4), more, transpose_b=True), more))


class Called(gluon.Block):
    """Brings a ``__call__`` of its own, as recurrent cells do."""

    def __call__(self, x: nd.NDArray, states: Any = None) -> Any:
        return super().__call__(x, [x * 2] if states is None else states)

    def forward(self, x: nd.NDArray, states: Any) -> Any:
        return x + states[0], [x]


class Hybrid(gluon.HybridBlock):
    """Names its arguments in ``hybrid_forward``."""

    def __init__(self) -> None:
        super().__init__()
        self.weight = self.params.get("weight", shape=(1, 4), init=mx.init.One())

    def hybrid_forward(self, F: Any, first: Any, second: Any, weight: Any) -> Any:  # noqa: ARG002, N803
        return first * weight - second


def test_a_call_of_one_s_own_is_called(generated: str) -> None:
    block, x, y = Called(), array(3, 4), array(3, 4, seed=6)
    fast = build(block, generated)
    for _ in range(2):
        assert_same(fast(x), (x * 3, [x]))
        assert_same(fast(x, [y]), (x + y, [x]))
        assert_same(fast(x, states=[y]), (x + y, [x]))


def test_a_hybrid_block_takes_its_arguments_by_name(generated: str) -> None:
    block, x, y = Hybrid(), array(3, 4), array(3, 4, seed=6)
    block.initialize()
    fast = build(block, generated)
    assert_same(fast(x, y), x - y)
    assert_same(fast(second=x, first=y), y - x)
    assert [leaf.key for leaf in trace(block, x, y).leaves] == ["first", "second", "weight"]


class Net(gluon.Block):
    """Calls a child by keyword, as only a variant can be called."""

    def __init__(self, child: gluon.Block) -> None:
        super().__init__()
        self.child = child

    def forward(self, x: nd.NDArray) -> nd.NDArray:
        y, (_, kept) = self.child(x, states=[x, {"more": x * 2}], scale=3.0)
        return y + kept


def test_a_variant_inside_a_network_is_called_by_keyword(generated: str) -> None:
    inner = Function(lambda x, states, scale: (x * scale + states[1]["more"], (None, states[0])))
    net, x = Net(hybridize(inner)), array(3, 4)
    assert_same(net(x), x * 6)
    assert_same(build(net, generated)(x), x * 6)
    assert trace(net, x).returns != trace(inner, x, [x, {"more": x}], 1.0).returns


def test_hooks_see_a_call_by_keyword_too() -> None:
    fast, x, seen = jit(Function(lambda x, factor=1.0: x * factor)), array(3, 4), []
    fast.register_forward_pre_hook(lambda block, inputs: seen.append(len(inputs)))
    fast.register_forward_hook(lambda block, inputs, output: seen.append(output.shape))
    fast(x)
    fast(x, factor=2.0)
    assert seen == [1, (3, 4), 1, (3, 4)]


def test_an_input_with_a_parameter_s_name_keeps_its_own_gradient() -> None:
    class Shared(Hybrid):
        def forward(self, weight: nd.NDArray) -> nd.NDArray:
            return weight * self.weight.data()

    block, x, head = Shared(), array(3, 4), array(3, 4, seed=6)
    block.initialize()
    _, gradients = value_and_gradient(jit(block), x, head)
    assert_same(gradients, {"weight_2": head, "weight": (x * head).sum(axis=0, keepdims=True)})


REFUSED: dict[str, tuple[Callable[[gluon.Block], Any], str]] = {
    "nothing": (lambda fast: fast(), "Function was called without an input array"),
    "no array": (lambda fast: fast([None, 1], how="x"), "takes mx.nd arrays, not NoneType and int and str alone"),
    "empty lists": (lambda fast: fast([], ()), "Function was called without an input array"),
    "a set": (lambda fast: fast(array(3, 4), {1}), "takes mx.nd arrays, not set; beside arrays it may be given None"),
    "numpy inside": (lambda fast: fast([array(3, 4), np.ones(4)]), "takes mx.nd arrays, not ndarray"),
    "an object as key": (lambda fast: fast({Function: array(3), object(): 1}), "takes mx.nd arrays, not object"),
    "an empty one": (lambda fast: fast(array(3, 4), [nd.array(np.ones((0, 4)))]), r"empty array of shape \(0, 4\)"),
    "sparse": (lambda fast: fast(array(3, 4), [array(3, 4).tostype("csr")]), "convert a csr one with tostype"),
    "two contexts": (
        lambda fast: fast(array(3, 4), array(3, 4).as_in_context(mx.cpu(1))),
        r"must be on one context, not on cpu\(0\) and cpu\(1\)",
    ),
    "an unknown name": (lambda fast: fast(array(3, 4), more=1), "unexpected keyword argument 'more'"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_cannot_be_called_is_refused_in_one_sentence(name: str) -> None:
    def forward(x: nd.NDArray, *others: Any, how: str = "") -> nd.NDArray:  # noqa: ARG001
        return x * 2

    act, message = REFUSED[name]
    fast = jit(Function(forward))
    for _ in range(2):
        with pytest.raises(KernelError, match=message) as refusal:
            act(fast)
        assert "\n" not in str(refusal.value)
        assert_same(fast(array(3, 4)), array(3, 4) * 2)


RETURNED: dict[str, tuple[Callable[[nd.NDArray], Any], str]] = {
    "a number": (lambda x: x.shape[0], "not int"),
    "a number beside": (lambda x: [x, 1], "not list with int"),
    "nothing": (lambda x: None, "not NoneType"),
    "nothing in a list": (lambda x: [None, []], "not list"),
    "a set": (lambda x: {"x"}, "not set"),
}


@pytest.mark.parametrize("name", RETURNED)
def test_what_cannot_be_returned_is_refused_in_one_sentence(name: str) -> None:
    function, message = RETURNED[name]
    with pytest.raises(KernelError, match=f"^Function must return an mx.nd array or a list of them, {message}$"):
        jit(Function(function))(array(3, 4))


def test_what_is_taken_apart_is_put_back_together() -> None:
    value = {"a": [1, (2, None)], 3: State(4, OrderedDict(z=5, b=[])), "f": ("text", 2.5, np.float32, slice(1, 2))}

    def with_arrays(number: Any) -> Any:
        return nd.ones((number,)) if type(number) is int and number != 1 else number

    structure, _ = taken_apart(value)
    assert rebuild(structure, iter(())) == value
    assert hash(structure) == hash(taken_apart(dict(value))[0])
    nested = {"a": [with_arrays(1), (with_arrays(2), None)], 3: State(with_arrays(4), OrderedDict(z=with_arrays(5)))}
    structure, arrays = taken_apart(nested)
    assert [one.shape[0] for one in arrays] == [2, 4, 5]
    assert list(paths(structure, "batch")) == ["batch['a'][1][0]", "batch[3].hidden", "batch[3].cell['z']"]


def test_arguments_stand_by_position_where_they_can() -> None:
    class Plain(gluon.Block):
        def forward(self, x: nd.NDArray, factor: float = 1.0, *, how: str = "") -> nd.NDArray:  # noqa: ARG002
            return x * factor

    x, block = array(3, 4), Plain()
    given = Arguments.of(block, [], {"factor": 2.0, "x": x})
    assert given.structure == Arguments.of(block, [x, 2.0]).structure
    assert not given.flat
    assert Arguments.of(block, [x]).flat
    assert not Arguments.of(block, [x], {"how": "so"}).flat
    assert list(Arguments.of(block, [x, 2.0, x], {"more": [x]}).paths(block)) == ["x", "x2", "more[0]"]


def test_the_batch_may_be_that_of_a_later_array(generated: str) -> None:
    """Forward asks for its shape, too: each new batch size is traced once, however the arrays are ordered."""

    def forward(memory: nd.NDArray, x: nd.NDArray) -> nd.NDArray:
        y = nd.dot(x, memory)
        return y * 3 if x.shape[0] == 9 else y

    block, memory = Function(forward), array(4, 2)
    fast = build(block, generated)
    for batch in (3, 9, 5, 1, 9, 3):
        assert_same(fast(memory, array(batch, 4)), forward(memory, array(batch, 4)))
    if generated == "numba":
        assert {plan.program.graph.polymorphic for plan, _ in fast._plans._plans.values()} == {True, False}
    runs = block.runs
    for batch in (3, 9, 5, 1):
        fast(memory, array(batch, 4))
    assert block.runs == runs


def test_a_copy_is_a_variant_of_a_copy(generated: str) -> None:
    block, x = nn.Dense(3, in_units=4), array(2, 4)
    block.initialize()
    fast = build(block, generated)
    expected = fast(x)
    for copied in (copy.deepcopy(fast), pickle.loads(pickle.dumps(fast))):
        assert type(copied) is type(fast)
        assert_same(copied(x), expected)
        copied.weight.set_data(nd.zeros((3, 4)))
        assert_same(fast(x), expected)
        assert not copied(x).asnumpy().any()


class Sloped(gluon.Block):
    """Multiplies by an attribute."""

    slope = 2.0

    def forward(self, x: nd.NDArray) -> nd.NDArray:
        return x * self.slope


def test_what_is_set_on_a_variant_is_set_on_its_subject(generated: str) -> None:
    block, x = Sloped(), array(2, 3)
    fast = build(block, generated)
    fast(x)
    fast.slope = 5.0
    assert block.slope == 5.0
    assert_same(fast(x), x * 5)


def in_tens(x: nd.NDArray) -> nd.NDArray:
    return nd.reshape(x, shape=(-1, 10)).sum(axis=1)


def test_a_reshape_that_few_batch_sizes_allow(generated: str) -> None:
    fast = build(Function(in_tens), generated)
    for rows in (60, 10, 2, 4):
        assert_same(fast(array(rows, 5)), in_tens(array(rows, 5)))
    with pytest.raises(KernelError, match=r"an array of shape \(3, 5\) cannot become one of shape \(-1, ?10\)"):
        fast(array(3, 5))


class Weighted(gluon.Block):
    """Returns what ``returned`` makes of its input and its weight."""

    returned: Callable[[nd.NDArray, nd.NDArray], Any]

    def __init__(self) -> None:
        super().__init__()
        self.weight = self.params.get("weight", shape=(4,), init=mx.init.One())

    def forward(self, x: nd.NDArray) -> Any:
        return type(self).returned(x, self.weight.data())


LEAVES: dict[str, Callable[[nd.NDArray, nd.NDArray], Any]] = {
    "the input": lambda x, weight: x,
    "the weight": lambda x, weight: weight,
    "all": lambda x, weight: [x, {"weight": weight}, x * weight],
}


@pytest.mark.filterwarnings("ignore:The 0-th input to HybridBlock is not used")
@pytest.mark.parametrize("returned", LEAVES)
def test_what_is_returned_as_it_came_has_its_gradient(returned: str, generated: str) -> None:
    def gradients(block: gluon.Block, x: nd.NDArray) -> list[nd.NDArray]:
        x.attach_grad()
        with autograd.record():
            _, outputs = taken_apart(block(x))
        autograd.backward(outputs, [array(*output.shape, seed=9) for output in outputs])
        return [*outputs, x.grad, weight.grad()]

    block = type("Returns", (Weighted,), {"returned": LEAVES[returned]})()
    block.initialize()
    weight = block.weight
    expected = [one.copy() for one in gradients(block, array(3, 4))]
    weight.zero_grad()
    assert_same(gradients(build(block, generated), array(3, 4)), expected)


@pytest.mark.parametrize("letters", [60, 100, 120, 400])
def test_an_argument_may_have_a_long_name(letters: int, generated: str) -> None:
    name = "x" * letters
    functions: dict[str, Any] = {"nd": nd}
    exec(f"def forward({name}): return nd.relu({name} * 3 + nd.tanh({name}))", functions)
    x = array(3, 4)
    assert_same(build(Function(functions["forward"]), generated)(x), functions["forward"](x))


@pytest.mark.parametrize("name", ["ª", "ﬁ", "²", "a b", "class", "·", "a"])
def test_names_that_python_reads_as_others(name: str, generated: str) -> None:
    """In source ª is a, and ﬁ is fi."""
    block = type(name, (Weighted,), {"returned": lambda x, weight: x * weight})()
    other = block.params.get("other", shape=(4,), init=mx.init.One())
    block._reg_params |= {"a": other, name: block.weight}
    block._children[name] = block._children["a"] = Function(lambda x: x)
    block.initialize()
    x = array(3, 4)
    assert_same(build(block, generated)(x), x)
