"""Networks that hold something unsupported: what can be compiled is, MXNet runs the rest, all else is as without."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import mxnet as mx
import numpy as np
import pytest
from mxnet import autograd, gluon, init, nd
from mxnet.gluon import nn, rnn
from mxnet.gluon.contrib.nn import HybridConcurrent, SparseEmbedding

from kernels import KernelError, UncompilableError, build, hybridize, jit, parts, source, value_and_gradient

TOLERANCE = {"rtol": 1e-5, "atol": 1e-6}


class Seeded(init.Initializer):
    """Weights that depend on their shape alone."""

    def _init_weight(self, name: str, array: nd.NDArray) -> None:  # noqa: ARG002
        array[:] = np.random.default_rng(array.size).uniform(-0.5, 1, size=array.shape)


class Scales(nn.Block):
    """Divides by a number that it computes in NumPy, and remembers it."""

    def __init__(self, units: int) -> None:
        super().__init__()
        self.dense = nn.Dense(units, flatten=False)
        self.scale = 0.0

    def forward(self, x: nd.NDArray) -> nd.NDArray:
        self.scale = float(np.abs(x.asnumpy()).max())  # here
        return self.dense(x / self.scale)


class Recurrent(nn.Block):
    """Hands states in and out; keeps its layers in a list and in a container that it goes through by itself."""

    def __init__(self) -> None:
        super().__init__()
        self.embed = nn.Dense(4, flatten=False)
        self.lstm = rnn.LSTM(5, layout="NTC")
        self.gru = rnn.GRU(3, layout="NTC")
        self.unrolled = rnn.GRUCell(3)
        self.layers = [nn.Dense(6, flatten=False), nn.Dense(6, flatten=False, activation="tanh")]
        for layer in self.layers:
            self.register_child(layer)
        self.head = nn.Sequential()
        self.head.add(nn.Dense(4), nn.Dense(2))

    def forward(self, x: nd.NDArray) -> list[nd.NDArray]:
        hidden, states = self.lstm(self.embed(x), self.lstm.begin_state(batch_size=x.shape[0], ctx=x.context))
        for layer in self.layers:
            hidden = layer(hidden)
        outputs, last = self.unrolled.unroll(x.shape[1], hidden, layout="NTC", merge_outputs=True)
        step, _ = self.gru(outputs, [each.expand_dims(0) for each in last])
        for block in self.head:
            step = block(step)
        return [outputs, step, states[0]]


class Shares(nn.HybridBlock):
    """Calls one child twice, with inputs of different kinds, and one that is a child of another child too."""

    def __init__(self) -> None:
        super().__init__()
        with self.name_scope():
            self.conv = nn.Conv2D(2, 3, padding=1)
            self.act = nn.HybridLambda("tanh")
            self.inner = nn.HybridSequential()
            self.inner.add(nn.Dense(6), self.act)

    def hybrid_forward(self, F: Any, x: nd.NDArray) -> nd.NDArray:  # noqa: N803
        return F.broadcast_add(self.act(self.inner(self.act(self.conv(x)))), F.sum(x))


def chain(kind: type[gluon.Block], *blocks: gluon.Block) -> gluon.Block:
    network = kind()
    network.add(*blocks)
    return network


def convolutional(kind: type[gluon.Block] = nn.HybridSequential) -> gluon.Block:
    dense = [nn.Dense(6, activation="relu"), nn.Dense(5)]
    return chain(kind, nn.Conv2D(3, 3), nn.Activation("relu"), *dense, nn.MaxPool1D(2), nn.Dense(4))


def nested() -> gluon.Block:
    """What can be compiled at the end of the inner container goes with what follows it."""
    inner = chain(nn.HybridSequential, nn.Conv2D(3, 3), nn.Activation("relu"))
    return chain(nn.Sequential, inner, chain(nn.HybridSequential, nn.Dense(5), nn.Dense(4)), nn.Dense(3))


def concurrent() -> gluon.Block:
    network = HybridConcurrent(axis=1)
    network.add(nn.Dense(3), chain(nn.HybridSequential, nn.Conv2D(3, 3), nn.Flatten(), nn.Dense(2)), nn.Flatten())
    return network


IMAGE, SEQUENCE, ROWS = (3, 2, 5, 5), (3, 4, 2), (3, 4)

NETWORKS: dict[str, tuple[Callable[[], gluon.Block], tuple[int, ...], list[tuple[str, str]]]] = {
    "convolutional": (
        lambda: chain(nn.HybridSequential, nn.Conv2D(3, 3), nn.Activation("relu"), nn.Dense(6), nn.Dense(5)),
        IMAGE,
        [("0", "mxnet"), ("1 to 3", "numba")],
    ),
    "nested": (nested, IMAGE, [("0.0", "mxnet"), ("0.1 to 2", "numba")]),
    "concurrent": (
        concurrent,
        IMAGE,
        [("", "mxnet"), ("0", "numba"), ("1.0", "mxnet"), ("1.1 to 1.2", "numba"), ("2", "numba")],
    ),
    "recurrent": (
        Recurrent,
        SEQUENCE,
        [
            *(("", "mxnet"), ("embed", "numba"), ("lstm", "mxnet"), ("gru", "mxnet"), ("unrolled", "mxnet")),
            *(("4", "numba"), ("5", "numba"), ("head.0", "numba"), ("head.1", "numba")),
        ],
    ),
    "asnumpy": (
        lambda: chain(nn.Sequential, nn.Dense(5), nn.Dense(5), Scales(4), nn.Dense(3)),
        ROWS,
        [("0 to 1", "numba"), ("2", "mxnet"), ("2.dense", "numba"), ("3", "numba")],
    ),
    "shared": (Shares, IMAGE, [("", "mxnet"), ("conv", "mxnet"), ("act", "numba"), ("inner", "numba")]),
}

every_network = pytest.mark.parametrize("name", NETWORKS)


def made(name: str, contexts: Any = None) -> tuple[gluon.Block, nd.NDArray]:
    """An initialised network and an input."""
    make, shape, _ = NETWORKS[name]
    network, x = make(), nd.array(np.random.default_rng(7).normal(size=shape))
    network.initialize(Seeded(), ctx=contexts)
    return network, x


def outputs_of(block: gluon.Block, x: nd.NDArray) -> list[np.ndarray]:
    y = block(x)
    return [each.asnumpy() for each in (y if isinstance(y, list) else [y])]


def assert_same(actual: list[np.ndarray], wanted: list[np.ndarray]) -> None:
    assert len(actual) == len(wanted)
    for one, other in zip(actual, wanted, strict=True):
        assert np.abs(other).max() > 1e-3
        np.testing.assert_allclose(one, other, **TOLERANCE)


def step(block: gluon.Block, network: gluon.Block, x: nd.NDArray) -> dict[str, np.ndarray]:
    """Outputs and gradients of one recorded call; ``network`` names the parameters."""
    x.attach_grad()
    with autograd.record():
        y = block(x)
        loss = sum((each**2).sum() for each in (y if isinstance(y, list) else [y]))
    loss.backward()
    parameters = network._collect_params_with_prefix().items()
    found = {key: each.grad(x.context).asnumpy() for key, each in parameters if each.grad_req != "null"}
    return {"y": loss.asnumpy(), "x": x.grad.asnumpy()} | found


@every_network
def test_a_network_runs_in_parts(name: str) -> None:
    network, x = made(name)
    fast = jit(network)
    for rows in (x, x, x[:2]):  # the first call, later ones, another batch size
        assert_same(outputs_of(fast, rows), outputs_of(network, rows))


@every_network
def test_the_parts_are_listed(name: str) -> None:
    network, x = made(name)
    rows = parts(network, x)
    assert [(row.name, row.runs_by) for row in rows] == NETWORKS[name][2]
    for row in rows:
        assert bool(row.reason) == (row.runs_by == "mxnet")
    assert parts(jit(network), x) == rows


@every_network
def test_gradients_are_those_of_mxnet(name: str) -> None:
    network, x = made(name)
    wanted = step(network, network, x)
    fast = jit(network)
    for _ in range(2):
        found = step(fast, network, x)
        assert found.keys() == wanted.keys()
        for key, value in wanted.items():
            np.testing.assert_allclose(found[key], value, rtol=1e-4, atol=1e-5, err_msg=key)
    assert any(np.abs(value).max() > 1e-3 for key, value in wanted.items() if key not in "yx")


@every_network
def test_the_users_blocks_are_left_as_they_are(name: str) -> None:
    def state(block: gluon.Block) -> Any:
        attributes = {
            key: value for key, value in vars(block).items() if key not in ("scale", "_counter", "skip_states")
        }
        children = {key: list(value.items()) for key, value in attributes.items() if isinstance(value, dict)}
        return attributes, children, [state(child) for child in block._children.values()]

    network, x = made(name)
    network(x)
    before = state(network)
    fast = jit(network)
    step(fast, network, x)
    parts(network, x)
    assert state(network) == before
    assert list(fast._collect_params_with_prefix()) == list(network._collect_params_with_prefix())


@pytest.mark.parametrize("name", ["convolutional", "shared"])
@pytest.mark.parametrize("flags", [{}, {"static_alloc": True, "static_shape": True}], ids=["plain", "static"])
def test_a_hybridized_network(name: str, flags: dict[str, bool]) -> None:
    network, x = made(name)
    wanted = outputs_of(network, x)
    network.hybridize(**flags)
    fast = jit(network)
    for _ in range(2):
        assert_same(outputs_of(fast, x), wanted)
    assert network._active
    assert_same(outputs_of(network, x), wanted)


def test_trainers_go_the_same_way() -> None:
    def trained(variant: str) -> list[np.ndarray]:
        network, x = made("asnumpy")
        block = build(network, variant)
        block(x)
        trainer = gluon.Trainer(block.collect_params(), "adam", {"learning_rate": 0.05})
        for _ in range(4):
            with autograd.record():
                loss = ((block(x) - 1) ** 2).sum()
            loss.backward()
            trainer.step(1)
        return [parameter.data().asnumpy() for parameter in network._collect_params_with_prefix().values()]

    for found, wanted in zip(trained("numba"), trained("imperative"), strict=True):
        np.testing.assert_allclose(found, wanted, rtol=1e-3, atol=1e-4)


def test_files_are_those_of_the_users_network(tmp_path: Path) -> None:
    network, x = made("nested")
    wanted = outputs_of(jit(network), x)
    jit(network).save_parameters(str(tmp_path / "values"))
    loaded = jit(nested())
    loaded.load_parameters(str(tmp_path / "values"))
    assert_same(outputs_of(loaded, x), wanted)
    plain = nested()
    plain.load_parameters(str(tmp_path / "values"))
    assert_same(outputs_of(plain, x), wanted)


def test_each_context_has_its_own_values() -> None:
    contexts = [mx.cpu(0), mx.cpu(1)]
    network, x = made("asnumpy", contexts)
    network(x)
    fast = jit(network)
    network[3].weight.data(contexts[1])[:] = 2
    for _ in range(2):
        for context in contexts:
            assert_same(outputs_of(fast, x.as_in_context(context)), outputs_of(network, x.as_in_context(context)))


def test_strictness_refuses_what_would_be_divided() -> None:
    network, x = made("convolutional")
    for refused in (jit(network, strict=True), build(network, "numba", strict=True)):
        for _ in range(2):
            with pytest.raises(
                KernelError, match=r"the operator Convolution at mxnet conv_layers.py:\d+, which the numba"
            ):
                refused(x)
    with pytest.raises(KernelError, match="the operator Convolution"):
        source(network, "numba", IMAGE, strict=True)


def test_a_network_of_which_nothing_can_be_compiled_is_refused() -> None:
    network = chain(nn.HybridSequential, nn.Conv2D(3, 3), nn.MaxPool2D(2))
    network.initialize()
    x = nd.ones(IMAGE)
    fast = jit(network)
    for _ in range(2):
        with pytest.raises(
            UncompilableError, match=r"Convolution.*`gluonmark operators` lists.*docs/adding-an-operator"
        ):
            fast(x)
    assert [row.runs_by for row in parts(network, x)] == ["mxnet"]
    assert network(x).shape == (3, 3, 1, 1)


def test_the_source_begins_with_the_parts() -> None:
    network, _ = made("convolutional")
    text = source(network, "numba", IMAGE)
    compile(text, "generated", "exec")
    table, _, kernels = text.partition('"""')
    assert [line.split()[:3] for line in table.splitlines()[2:] if line] == [
        ["#", "mxnet", "0"],
        ["#", "numba", "1"],
    ]
    assert "Convolution" in table
    assert kernels.startswith("HybridSequential_1_to_3 as Numba kernels")


def test_what_forward_remembers_is_remembered_by_the_users_block() -> None:
    network, x = made("asnumpy")
    network(x)
    fast = jit(network)
    fast(x)
    assert network[2].scale == pytest.approx(np.abs(network[1](network[0](x)).asnumpy()).max())
    fast(x * 2)
    assert network[2].scale == pytest.approx(np.abs(network[1](network[0](x * 2)).asnumpy()).max())


def test_attributes_that_change_between_calls_are_seen_where_forward_runs() -> None:
    class Conditional(Scales):
        factor = 1.0

        def forward(self, x: nd.NDArray) -> nd.NDArray:
            return super().forward(x) * self.factor

    network, x = Conditional(4), nd.array(np.arange(12).reshape(3, 4))
    network.initialize()
    fast = jit(network)
    wanted = network(x).asnumpy()
    np.testing.assert_allclose(fast(x).asnumpy(), wanted, rtol=1e-5)
    network.factor = 3.0
    np.testing.assert_allclose(fast(x).asnumpy(), 3 * wanted, rtol=1e-5)


def test_hooks_of_children_are_called_with_the_users_blocks() -> None:
    network, x = made("asnumpy")
    network(x)
    seen: list[tuple[str, int]] = []
    for place in (0, 1, 2, 3):
        network[place].register_forward_pre_hook(lambda block, _, at=place: seen.append(("before", at, block)))
        network[place].register_forward_hook(lambda block, _, y, at=place: seen.append(("after", at, block, y.shape)))
    network(x)
    wanted, seen[:] = list(seen), []
    fast = jit(network)
    for _ in range(2):
        assert_same(outputs_of(fast, x), outputs_of(network, x))
        assert seen == wanted * 2
        seen.clear()


def test_children_that_are_added_are_run_after_regenerate() -> None:
    network, x = made("convolutional")
    fast = jit(network)
    fast(x)
    network.add(nn.Dense(2))
    network[-1].initialize(Seeded())
    fast.regenerate()
    assert_same(outputs_of(fast, x), outputs_of(network, x))


def test_casting_generates_anew() -> None:
    network, x = made("asnumpy")
    fast = jit(network)
    fast(x)
    fast.cast("float64")
    (y,) = outputs_of(fast, x.astype("float64"))
    assert y.dtype == np.float64
    assert_same([y], outputs_of(network, x.astype("float64")))


def test_variants_in_a_network_are_run_as_what_they_are() -> None:
    wanted, x = made("asnumpy")
    outputs = outputs_of(wanted, x)
    mixed = chain(nn.Sequential, jit(wanted[0]), hybridize(wanted[1]), jit(wanted[2]), wanted[3])
    fast = jit(mixed)
    for _ in range(2):
        assert_same(outputs_of(fast, x), outputs)
    outer = chain(nn.Sequential, jit(wanted))
    assert_same(outputs_of(outer, x), outputs)


WRONG: dict[str, tuple[Any, str]] = {
    "width": (nd.ones((3, 7)), r"does not accept an input of shape \(3, 7\)"),
    "float64": (nd.ones((3, 4), dtype="float64"), "float64"),
    "numpy": (np.ones((3, 4), "float32"), "does not accept an input of shape|takes mx.nd arrays"),
    "empty": (nd.array(np.empty((0, 4))), "empty array"),
    "context": (nd.ones((3, 4), ctx=mx.cpu(1)), r"not on cpu\(1\)"),
}


@pytest.mark.parametrize("case", WRONG)
def test_inputs_that_do_not_fit_are_refused_at_any_time(case: str) -> None:
    bad, reason = WRONG[case]
    network, x = made("asnumpy")
    wanted = outputs_of(network, x)
    fast = jit(network)
    for _ in range(2):
        with pytest.raises(KernelError, match=reason) as refusal:
            fast(bad)
        assert "\n" not in str(refusal.value)
        assert_same(outputs_of(fast, x), wanted)


def test_parameters_without_values_are_named() -> None:
    network = NETWORKS["asnumpy"][0]()
    with pytest.raises(KernelError, match=r"parameter 0.weight of Sequential has no values yet"):
        jit(network)(nd.ones(ROWS))


def test_an_error_in_a_part_names_the_part() -> None:
    network, x = made("asnumpy")
    fast = jit(network)
    fast(x)
    network[3].weight._data[0][:] = 0
    network[3].weight.shape = (3, 4)
    network[3].bias.reset_ctx(mx.cpu(1))
    with pytest.raises(KernelError, match=r"part 3: parameter bias of Dense is not on cpu\(0\)"):
        fast(x)


def test_value_and_gradient_needs_one_program() -> None:
    network, x = made("asnumpy")
    with pytest.raises(KernelError, match="copies an array to NumPy"):
        value_and_gradient(jit(network), x, nd.ones((3, 3)))


@pytest.mark.parametrize("embedding", [lambda: nn.Embedding(7, 3, sparse_grad=True), lambda: SparseEmbedding(7, 3)])
def test_sparse_embeddings_are_left_to_mxnet(embedding: Callable[[], nn.Block]) -> None:
    net = nn.Sequential()
    net.add(embedding(), nn.Dense(2, in_units=9))
    net.initialize()
    gluon.Trainer(net.collect_params(), "sgd")  # MXNet's way to the rows of a sparse parameter
    words, gradients = nd.array([[1, 2, 3], [4, 5, 6]]), []
    for runner in (net, jit(net)):
        with autograd.record():
            y = runner(words)
        y.backward()
        gradients.append([parameter.grad().asnumpy() for parameter in net.collect_params().values()])
    for right, found in zip(*gradients, strict=True):
        np.testing.assert_allclose(found, right, rtol=1e-6)
    assert [row.runs_by for row in parts(net, words)] == ["mxnet", "numba"]
    with pytest.raises(
        KernelError, match=r"parameter 0\.weight of Sequential, or its gradient, is stored as row_sparse"
    ):
        jit(net, strict=True)(words)


def test_parts_are_printed_one_a_line() -> None:
    network, x = made("convolutional")
    lines = str(parts(network, x)).splitlines()
    assert [line.split()[0] for line in lines] == [row.runs_by for row in parts(network, x)]
