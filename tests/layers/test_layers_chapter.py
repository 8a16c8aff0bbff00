"""What the "Custom Layers" chapter does with its layers, and what it says is missing, done imperatively."""

from collections.abc import Callable, Mapping
from pathlib import Path

import numpy
import pytest
from mxnet import autograd, cpu, gluon, init, nd
from mxnet.gluon import nn

import layers
from layers.centered_layer import CenteredLayer
from layers.learned_affine import LearnedAffine
from layers.my_dense import MyDense


def test_centered_layer_takes_a_vector() -> None:
    numpy.testing.assert_array_equal(CenteredLayer()(nd.array([1, 2, 3, 4, 5])).asnumpy(), [-2, -1, 0, 1, 2])


def test_centered_layer_in_a_network_gives_mean_zero() -> None:
    network = nn.Sequential()
    network.add(nn.Dense(128), CenteredLayer())
    network.initialize()
    x = nd.array(numpy.random.default_rng(1).uniform(size=(4, 8)))
    y = network(x).asnumpy()
    assert numpy.abs(y).max() > 1e-3
    assert abs(y.mean()) < 1e-8


def test_a_parameter_dictionary_makes_parameters_by_name() -> None:
    parameters = gluon.ParameterDict()
    parameter = parameters.get("param2", shape=(2, 3))
    parameters.initialize()
    assert list(parameters) == ["param2"]
    assert parameter.data().shape == (2, 3)
    assert parameters.get("param2") is parameter


def test_my_dense_parameters_are_found_by_name() -> None:
    dense = MyDense(units=3, in_units=5, prefix="mine_")
    assert list(dense.params) == ["mine_weight", "mine_bias"]
    assert dense.params["mine_weight"] is dense.weight
    dense.initialize(init.One())
    y = dense(nd.array([[1, 2, 3, 4, 5], [-1, -1, -1, -1, -1]])).asnumpy()
    numpy.testing.assert_array_equal(y, [[15, 15, 15], [0, 0, 0]])


def test_a_layer_that_was_not_initialised_says_so_and_can_be_initialised_afterwards() -> None:
    dense, x = MyDense(3), nd.ones((2, 5))
    with pytest.raises(RuntimeError, match="has not been initialized"):
        dense(x)
    dense.initialize()
    assert dense(x).shape == (2, 3)


DEFERRED = {
    "MyDense": (lambda: MyDense(3), {"weight": (5, 3), "bias": (3,)}),
    "LearnedAffine": (lambda: LearnedAffine(scale=True), {"beta": (5,), "gamma": (5,)}),
    "LearnedAffine-offset-only": (LearnedAffine, {"beta": (5,)}),
}


@pytest.mark.parametrize(("build", "shapes"), DEFERRED.values(), ids=DEFERRED)
@pytest.mark.parametrize("initialised", [True, False])
def test_the_input_size_is_found_at_the_first_call_or_by_loading(
    build: Callable[[], nn.Block], shapes: Mapping[str, tuple[int, ...]], initialised: bool, tmp_path: Path
) -> None:
    x = nd.array(numpy.random.default_rng(2).normal(size=(4, 5)))
    saved = build()
    saved.initialize(init.Normal(1))
    y = saved(x).asnumpy()
    assert {name: parameter.shape for name, parameter in saved._collect_params_with_prefix().items()} == shapes
    saved.save_parameters(str(tmp_path / "layer.params"))

    loaded = build()
    if initialised:
        loaded.initialize()
    loaded.load_parameters(str(tmp_path / "layer.params"))
    numpy.testing.assert_array_equal(loaded(x).asnumpy(), y)


def test_a_partly_loaded_layer_finds_the_rest_at_the_first_call(tmp_path: Path) -> None:
    file = str(tmp_path / "offset.params")
    nd.save(file, {"beta": nd.array([1, 2, 3])})
    layer = LearnedAffine(scale=True)
    layer.initialize()
    layer.load_parameters(file, allow_missing=True)
    numpy.testing.assert_array_equal(layer(nd.ones((2, 3))).asnumpy(), [[1, 2, 3], [1, 2, 3]])


@pytest.mark.parametrize("build", [lambda: MyDense(3), LearnedAffine], ids=["MyDense", "LearnedAffine"])
def test_another_input_size_than_the_first_is_refused(build: Callable[[], nn.Block]) -> None:
    layer = build()
    layer.initialize()
    layer(nd.ones((2, 5)))
    with pytest.raises(Exception, match=r"(?i)shape|dim"):
        layer(nd.ones((2, 6))).wait_to_read()


def test_a_deferred_layer_learns_from_its_very_first_call() -> None:
    dense = MyDense(3)
    dense.initialize(init.One())
    with autograd.record():
        y = dense(nd.ones((2, 5)))
    y.backward()
    numpy.testing.assert_array_equal(dense.weight.grad().asnumpy(), numpy.full((5, 3), 2))


@pytest.mark.parametrize("initialised_first", [True, False])
def test_blocks_share_parameters(initialised_first: bool) -> None:
    first = MyDense(3)
    if initialised_first:
        first.initialize()
    second = MyDense(3, in_units=5, params=first.params)
    if not initialised_first:
        second.initialize()
    x = nd.array(numpy.random.default_rng(3).normal(size=(4, 5)))
    assert first.weight is second.weight
    numpy.testing.assert_array_equal(first(x).asnumpy(), second(x).asnumpy())
    first.weight.set_data(nd.zeros((5, 3)))
    assert not second(x).asnumpy().any()


def test_shared_networks_learn_together() -> None:
    layer = MyDense(5, in_units=5)
    network = nn.Sequential()
    network.add(layer, layer)
    network.initialize(init.One())
    trainer = gluon.Trainer(network.collect_params(), "sgd", {"learning_rate": 1.0})
    with autograd.record():
        y = network(nd.ones((1, 5)))
    y.backward()
    trainer.step(1)
    # d/dW of sum(relu(relu(xW)W)) at ones: 25 by the outer use (5 units, each fed 5), 5 by the inner one.
    numpy.testing.assert_array_equal(layer.weight.data().asnumpy(), numpy.full((5, 5), 1 - (5 + 5)))


@pytest.mark.parametrize("name", layers.names())
def test_saving_and_loading_need_no_code_of_ones_own(name: str, tmp_path: Path) -> None:
    subject = layers.load(name)
    x = nd.array(numpy.random.default_rng(4).normal(size=(3, *subject.features)))
    saved, loaded = subject.build(), subject.build()
    saved.initialize(init.Normal(0.3))
    y = saved(x).asnumpy()
    saved.save_parameters(str(tmp_path / "layer.params"))
    stored = nd.load(str(tmp_path / "layer.params"))
    assert {key: value.shape for key, value in (stored or {}).items()} == subject.parameters
    loaded.load_parameters(str(tmp_path / "layer.params"))
    numpy.testing.assert_array_equal(loaded(x).asnumpy(), y)


@pytest.mark.parametrize("name", [name for name in layers.names() if layers.load(name).parameters])
def test_each_call_uses_the_parameters_of_its_inputs_context(name: str) -> None:
    subject = layers.load(name)
    contexts = [cpu(0), cpu(1)]
    block = subject.build()
    block.initialize(init.Normal(0.3), ctx=contexts)
    value = nd.array(numpy.random.default_rng(5).normal(size=(3, *subject.features)))
    here, there = (block(value.as_in_context(context)) for context in contexts)
    assert [here.context, there.context] == contexts
    numpy.testing.assert_array_equal(here.asnumpy(), there.asnumpy())
    for parameter in block.collect_params().values():
        parameter.data(contexts[1])[:] = 0.5
    assert (block(value.as_in_context(contexts[0])).asnumpy() == here.asnumpy()).all()
    assert (block(value.as_in_context(contexts[1])).asnumpy() != there.asnumpy()).any()
