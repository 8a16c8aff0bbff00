"""What MXNet's "Custom Layers" chapter does with its layers, done with every variant of them."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import mxnet as mx
import numpy as np
import pytest
from mxnet import autograd, gluon, init, nd
from mxnet.gluon import nn

import layers
from kernels import VARIANTS, build
from layers.centered_layer import CenteredLayer
from layers.half_fourier import HalfFourier
from layers.learned_affine import LearnedAffine
from layers.my_dense import MyDense

TOLERANCE = {"rtol": 1e-5, "atol": 1e-5}


class Seeded(init.Initializer):
    """Weights that depend on their size alone, more of them positive, so that rectifiers let something through."""

    def _init_weight(self, name: str, array: nd.NDArray) -> None:  # noqa: ARG002
        array[:] = np.random.default_rng(array.size).uniform(-0.5, 1, size=array.shape)


def sequential(*blocks: gluon.Block) -> nn.Sequential:
    network = nn.Sequential()
    network.add(*blocks)
    return network


def nested() -> nn.Sequential:
    """A network in a network, with every kind of parameter: deferred, shared by nobody, constant."""
    return sequential(MyDense(8), sequential(LearnedAffine(scale=True), nn.Dense(6)), HalfFourier(6))


def rows(batch: int, width: int) -> nd.NDArray:
    return nd.array(np.random.default_rng(batch).normal(size=(batch, width)))


def assert_same(actual: nd.NDArray, wanted: nd.NDArray | np.ndarray) -> None:
    wanted = wanted.asnumpy() if isinstance(wanted, nd.NDArray) else wanted
    assert actual.dtype == wanted.dtype
    np.testing.assert_allclose(actual.asnumpy(), wanted, **TOLERANCE)


def dense(x: nd.NDArray, block: gluon.Block) -> np.ndarray:
    """What a MyDense computes, in NumPy, from the values that its parameters have now."""
    product = x.asnumpy() @ block.weight.data(x.context).asnumpy() + block.bias.data(x.context).asnumpy()
    y: np.ndarray = product.clip(min=0)
    return y


def test_a_layer_without_parameters_is_called_on_data(variant: str) -> None:
    """The chapter's vector first, then other ranks and sizes with the same object."""
    layer = build(CenteredLayer(), variant)
    vector, matrix = nd.array([1, 2, 3, 4, 5]), nd.array([[1, 2], [3, 6]])
    for _ in range(2):
        assert_same(layer(vector), np.float32([-2, -1, 0, 1, 2]))
        assert_same(layer(matrix), np.float32([[-2, -1], [0, 3]]))
        assert_same(layer(nd.array([2, 4])), np.float32([-1, 1]))
        assert_same(layer(nd.array([[[7]]])), np.float32([[[0]]]))


def test_gradients_of_a_vector(variant: str) -> None:
    layer, x = build(CenteredLayer(), variant), nd.array([1, 2, 3, 4, 5])
    x.attach_grad()
    with autograd.record():
        y = layer(x)
    y.backward(nd.array([5, 0, 0, 0, 0]))
    assert_same(x.grad, np.float32([4, -1, -1, -1, -1]))


@pytest.mark.parametrize("whole", [False, True], ids=["child", "network"])
def test_a_layer_in_a_network(variant: str, whole: bool) -> None:
    network = sequential(nn.Dense(128), CenteredLayer() if whole else build(CenteredLayer(), variant))
    network = build(network, variant) if whole else network
    network.initialize()
    y = network(rows(4, 8)).asnumpy()
    assert y.shape == (4, 128)
    assert np.abs(y).max() > 1e-3
    assert abs(y.mean()) < 1e-8


def test_a_variant_of_a_network_of_variants(variant: str, generated: str) -> None:
    plain = sequential(MyDense(8, in_units=64), MyDense(1, in_units=8))
    plain.initialize(Seeded())
    mixed = sequential(build(plain[0], variant), plain[1])
    x = rows(3, 64)
    assert plain(x).asnumpy().any()
    assert_same(mixed(x), plain(x))
    whole = build(mixed, generated)
    for _ in range(2):
        assert_same(whole(x), plain(x))


def test_a_parameter_dictionary(variant: str) -> None:
    parameters = gluon.ParameterDict()
    parameter = parameters.get("param2", shape=(2, 3))
    parameters.initialize(init.One())

    class Product(nn.Block):
        def __init__(self) -> None:
            super().__init__()
            self.weight = parameter

        def forward(self, x: nd.NDArray) -> nd.NDArray:
            return nd.dot(x, self.weight.data(x.context))

    product = build(Product(), variant)
    assert product.weight is parameter
    assert_same(product(nd.array([[1, 2]])), np.float32([[3, 3, 3]]))


def test_parameters_are_looked_up_by_name(variant: str) -> None:
    layer = MyDense(units=3, in_units=5, prefix="mine_")
    fast = build(layer, variant)
    fast.initialize()
    assert fast.weight is layer.weight
    assert fast.params["mine_weight"] is layer.weight
    assert list(fast.params) == ["mine_weight", "mine_bias"]
    assert fast.collect_params()["mine_bias"] is layer.bias
    assert list(fast.collect_params(".*weight")) == ["mine_weight"]
    assert fast.weight.data().shape == (5, 3)


def test_parameters_of_a_network_are_looked_up_by_place(variant: str) -> None:
    network = sequential(MyDense(8, in_units=64), MyDense(1, in_units=8))
    fast = build(network, variant)
    assert fast[0].weight is network[0].weight
    assert fast[-1].bias is network[1].bias
    assert len(fast) == 2
    assert list(fast) == list(network)
    assert list(fast._collect_params_with_prefix()) == ["0.weight", "0.bias", "1.weight", "1.bias"]


def test_a_layer_is_initialised_through_its_variant(variant: str) -> None:
    layer = MyDense(3, in_units=5)
    fast = build(layer, variant)
    fast.initialize(init.One())
    assert_same(layer.weight.data(), np.ones((5, 3), "float32"))
    assert_same(fast(nd.array([[1, 2, 3, 4, 5]])), np.float32([[15, 15, 15]]))
    fast.initialize(init.Constant(2), force_reinit=True)
    assert_same(fast(nd.array([[1, 2, 3, 4, 5]])), np.float32([[30, 30, 30]]))


@pytest.mark.parametrize("make", [lambda: nn.Dense(128), lambda: MyDense(128), nested], ids=["Dense", "MyDense", "net"])
def test_a_deferred_size_is_found_by_the_first_call(variant: str, make: Callable[[], gluon.Block]) -> None:
    layer, x = make(), rows(4, 20)
    fast = build(layer, variant)
    fast.initialize(Seeded())
    y = fast(x)
    assert y.asnumpy().any()
    assert all(parameter.shape and min(parameter.shape) > 0 for parameter in layer.collect_params().values())
    assert_same(y, layer(x))


def test_a_deferred_size_is_found_inside_record(variant: str) -> None:
    layer, x = MyDense(6), rows(4, 20)
    fast = build(layer, variant)
    fast.initialize(Seeded())
    with autograd.record():
        y = fast(x)
    y.backward()
    assert_same(layer.weight.grad(), x.asnumpy().T @ (dense(x, layer) > 0).astype("float32"))


@pytest.mark.parametrize("loader", VARIANTS)
@pytest.mark.parametrize(
    "make", [lambda: nn.Dense(128), lambda: MyDense(6, in_units=20), nested], ids=["D", "M", "net"]
)
def test_a_file_of_any_variant_loads_into_any_other(
    variant: str, loader: str, make: Callable[[], gluon.Block], tmp_path: Path
) -> None:
    saved, loaded, x = build(make(), variant), build(make(), loader), rows(4, 20)
    saved.initialize(Seeded())
    wanted = saved(x)
    saved.save_parameters(str(tmp_path / "values"))
    loaded.load_parameters(str(tmp_path / "values"))
    assert wanted.asnumpy().any()
    assert_same(loaded(x), wanted)


def test_loading_after_a_call_takes_effect(variant: str, tmp_path: Path) -> None:
    other, x = MyDense(6, in_units=20), rows(4, 20)
    other.initialize(Seeded())
    other.save_parameters(str(tmp_path / "values"))
    fast = build(MyDense(6, in_units=20), variant)
    fast.initialize()
    fast(x)
    fast.load_parameters(str(tmp_path / "values"))
    assert_same(fast(x), dense(x, other))


def test_a_network_of_variants_has_the_files_of_the_plain_network(variant: str, tmp_path: Path) -> None:
    plain = nested()
    plain.initialize(Seeded())
    wanted = plain(rows(4, 20))
    plain.save_parameters(str(tmp_path / "values"))
    mixed = sequential(*(build(child, variant) for child in nested()))
    mixed.load_parameters(str(tmp_path / "values"))
    assert_same(mixed(rows(4, 20)), wanted)
    assert list(mixed._collect_params_with_prefix()) == list(plain._collect_params_with_prefix())


def test_parameters_are_shared_between_blocks(variant: str) -> None:
    """The second block takes them from the variant, the third from the second."""
    first = build(MyDense(5, in_units=5), variant)
    first.initialize(Seeded())
    second = build(MyDense(5, in_units=5, params=first.params), variant)
    network = build(sequential(first, second), variant)
    x = rows(3, 5)
    first(x), second(x), network(x)
    first.weight.set_data(nd.array(np.random.default_rng(5).normal(size=(5, 5))))
    assert second.weight is first.weight
    assert_same(second(x), dense(x, first))
    assert_same(network(x), dense(nd.array(dense(x, first)), first))


def test_gradients_of_shared_parameters_add_up(variant: str) -> None:
    def gradient(variant: str) -> nd.NDArray:
        layer = MyDense(5, in_units=5)
        layer.initialize()
        layer.weight.set_data(nd.array(np.random.default_rng(5).normal(size=(5, 5))))
        network = build(sequential(layer, MyDense(5, in_units=5, params=layer.params)), variant)
        with autograd.record():
            y = network(rows(3, 5))
        y.backward()
        return layer.weight.grad()

    wanted = gradient("imperative")
    assert wanted.asnumpy().any()
    assert_same(gradient(variant), wanted)


def test_each_call_uses_the_copies_of_its_inputs_context(variant: str) -> None:
    contexts = [mx.cpu(0), mx.cpu(1)]
    layer = MyDense(6, in_units=20)
    fast = build(layer, variant)
    fast.initialize(Seeded(), ctx=contexts)
    layer.weight.data(contexts[1])[:] = 2  # different, to see which one is used
    for _ in range(2):
        for context in contexts:
            x = rows(4, 20).as_in_context(context)
            with autograd.record():
                y = fast(x)
            y.backward()
            assert y.context == context
            assert_same(y, dense(x, layer))
            assert_same(layer.weight.grad(context), x.asnumpy().T @ (dense(x, layer) > 0).astype("float32"))
    assert not np.allclose(layer.weight.grad(contexts[0]).asnumpy(), layer.weight.grad(contexts[1]).asnumpy())


def test_one_context_of_several_and_another_later(variant: str) -> None:
    layer = MyDense(6, in_units=20)
    fast = build(layer, variant)
    fast.initialize(Seeded(), ctx=[mx.cpu(0), mx.cpu(1)])
    fast(rows(4, 20))
    fast.collect_params().reset_ctx([mx.cpu(2)])
    x = rows(4, 20).as_in_context(mx.cpu(2))
    y = fast(x)
    assert y.context == mx.cpu(2)
    assert_same(y, dense(x, layer))


@pytest.fixture
def family() -> dict[str, gluon.Block]:
    """All variants of one layer, each called already."""
    layer = MyDense(6, in_units=20)
    layer.initialize(Seeded())
    blocks = {variant: build(layer, variant) for variant in VARIANTS}
    for block in blocks.values():
        block(rows(4, 20))
    return blocks


def assert_family_agrees(family: dict[str, gluon.Block]) -> None:
    x = rows(4, 20)
    for block in family.values():
        assert_same(block(x), dense(x, family["imperative"]))


@contextmanager
def changed(array: gluon.Parameter) -> Iterator[None]:
    before = array.data().asnumpy()
    yield
    assert not np.array_equal(array.data().asnumpy(), before)


@pytest.mark.parametrize("optimizer", ["sgd", "adam"])
def test_a_step_of_the_trainer_is_seen_by_all(family: dict[str, gluon.Block], variant: str, optimizer: str) -> None:
    fast, x = family[variant], rows(4, 20)
    trainer = gluon.Trainer(fast.collect_params(), optimizer, {"learning_rate": 0.1})
    for _ in range(2):
        with changed(fast.weight), changed(fast.bias):
            with autograd.record():
                loss = (fast(x) - 3) ** 2
            loss.backward()
            trainer.step(4)
        assert_family_agrees(family)


@pytest.mark.parametrize("optimizer", ["sgd", "adam"])
def test_training_goes_the_same_way(variant: str, optimizer: str) -> None:
    def trained(variant: str) -> np.ndarray:
        layer, x = MyDense(6, in_units=20), rows(8, 20)
        layer.initialize(init.Constant(0.1))
        fast = build(layer, variant)
        trainer = gluon.Trainer(fast.collect_params(), optimizer, {"learning_rate": 0.05})
        for _ in range(5):
            with autograd.record():
                loss = ((fast(x) - x[:, :6]) ** 2).sum()
            loss.backward()
            trainer.step(8)
        weight: np.ndarray = layer.weight.data().asnumpy()
        return weight

    assert np.abs(trained("imperative") - 0.1).max() > 0.01
    np.testing.assert_allclose(trained(variant), trained("imperative"), rtol=1e-4, atol=1e-4)


def by_set_data(parameter: gluon.Parameter, values: nd.NDArray) -> None:
    parameter.set_data(values)


def by_slice(parameter: gluon.Parameter, values: nd.NDArray) -> None:
    parameter.data()[:] = values


def by_row(parameter: gluon.Parameter, values: nd.NDArray) -> None:
    parameter.data()[3] = values[3]


def by_operator(parameter: gluon.Parameter, values: nd.NDArray) -> None:
    nd.sgd_update(parameter.data(), values, lr=0.1, out=parameter.data())


def by_initialising(parameter: gluon.Parameter, values: nd.NDArray) -> None:
    parameter.initialize(init.Constant(values), force_reinit=True)


@pytest.mark.parametrize("update", [by_set_data, by_slice, by_row, by_operator, by_initialising])
def test_an_update_in_place_acts_on_all(
    family: dict[str, gluon.Block], variant: str, update: Callable[[gluon.Parameter, nd.NDArray], None]
) -> None:
    weight = family[variant].weight
    with changed(weight):
        update(weight, nd.array(np.random.default_rng(6).normal(size=(20, 6))))
    assert_family_agrees(family)


def test_casting_a_variant_casts_all(family: dict[str, gluon.Block], variant: str) -> None:
    for dtype in ("float64", "float32"):
        family[variant].cast(dtype)
        x = rows(4, 20).astype(dtype)
        wanted = dense(x, family["imperative"])
        assert wanted.dtype == dtype
        for block in family.values():
            assert_same(block(x), wanted)


def test_every_variant_of_the_chapters_networks_has_their_shapes(variant: str) -> None:
    for name, width in {"DenseCentered": 128, "MyDensePair": 1}.items():
        subject = layers.load(name)
        network = build(subject.build(), variant)
        network.initialize()
        assert network(nd.ones((2, *subject.features))).shape == (2, width)
