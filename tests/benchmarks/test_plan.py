"""What was asked for becomes cells, rounds and conditions, or one sentence."""

import pytest

from benchmarks import grid, process
from benchmarks.grid import CaseError
from benchmarks.plan import PROFILES, Request, plan
from layers import LayerError

MY_LAYER = """
from mxnet.gluon import nn

class Scaled(nn.Block):
    def __init__(self, factor):
        super().__init__()
        self.factor = factor

    def forward(self, x):
        return x * self.factor

class MyDense(Scaled):
    pass
"""


@pytest.fixture
def my_layer(tmp_path):
    file = tmp_path / "my_layer.py"
    file.write_text(MY_LAYER)
    return file


def test_nothing_asked_for_is_the_whole_grid():
    todo = plan(Request())
    assert {*todo.cells, *todo.skipped} == set(grid.cells())
    assert {cell for cell in grid.cells() if cell.context == "cpu"} <= set(todo.cells)
    assert (todo.threads, todo.engine, todo.rounds) == (process.THREADS, "threaded", PROFILES["quick"].rounds)


def test_what_is_asked_for_is_measured():
    request = Request(
        layers=["MyDense", "HalfFourier", "MyDense"],
        profile="full",
        variants=["numba", "imperative"],
        batches=["5", "5", "7"],
        modes=["train"],
        threads=1,
        engine="naive",
        rounds=3,
    )
    todo = plan(request)
    assert todo.cells == grid.cells(["MyDense", "HalfFourier"], ["numba", "imperative"], [5, 7], ["cpu"], ["train"])
    assert (todo.threads, todo.engine, todo.rounds, todo.measurements) == (1, "naive", 3, 24)
    assert todo.sampling == PROFILES["full"].sampling


def test_a_layer_of_one_s_own_is_measured_at_its_shape(my_layer):
    todo = plan(Request([f"{my_layer}:Scaled"], modes=["forward"], arguments=["2"], shapes=["4,16"]))
    assert todo.cells == grid.cells(["Scaled"], grid.VARIANTS, [4], ["cpu"], ["forward"])
    assert todo.outside["Scaled"].spec == f"{my_layer}:Scaled"


def test_a_path_is_found_from_another_folder(my_layer, monkeypatch):
    monkeypatch.chdir(my_layer.parent)
    todo = plan(Request(["my_layer.py:Scaled", "MyDense"], batches=["2"], arguments=["2"], shapes=["4,16"]))
    assert todo.outside["Scaled"].spec == f"{my_layer}:Scaled"
    assert {(cell.layer, cell.batch) for cell in todo.cells} == {("Scaled", 2), ("MyDense", 2)}


@pytest.mark.parametrize(
    ("request_", "message"),
    [
        (Request(["Unheard"]), "unknown layer 'Unheard'; known: CenteredLayer, "),
        (Request(profile="slow"), "unknown profile 'slow'; known: quick, regular, full"),
        (Request(variants=["numba", "fast"]), "unknown variant 'fast'; known: imperative, "),
        (Request(modes=["backward"]), "unknown mode 'backward'; known: forward, train"),
        (Request(engine="steam"), "unknown engine 'steam'; known: threaded, naive"),
        (Request(batches=["1", "0"]), "the batch size must be a positive whole number, not '0'"),
        (Request(batches=["many"]), "the batch size must be a positive whole number, not 'many'"),
        (Request(batches=[""]), "the batch size must be a positive whole number, not ''"),
        (Request(threads=0), "the number of threads must be a positive whole number, not 0"),
        (Request(batches=["１"]), "the batch size must be a positive whole number, not '１'"),
        (Request(batches=["9" * 5000]), "the batch size must be a positive whole number, not one of 5000 digits"),
        (
            Request(["MyDense"], batches=["99999999999999"]),
            "inputs of MyDense for a batch of 9+ take .* GiB",
        ),
        (Request(threads=100000), "the number of threads must be at most 1024, not 100000"),
        (Request(rounds=-1), "the number of rounds must be a positive whole number, not -1"),
        (Request(shapes=["4,16"]), "--args and --shape belong to a layer of your own"),
        (Request(["MyDense"], arguments=["8"]), "--args and --shape belong to a layer of your own"),
    ],
)
def test_what_cannot_be_measured_is_refused(request_, message):
    with pytest.raises(CaseError, match=message):
        plan(request_)


def test_layers_of_one_name_are_refused(my_layer):
    with pytest.raises(CaseError, match="two layers are called MyDense"):
        plan(Request([f"{my_layer}:MyDense"], arguments=["2"], shapes=["4,16"]))


def test_layers_that_cannot_be_built_are_refused(my_layer):
    with pytest.raises(LayerError, match="needs the shape"):
        plan(Request([f"{my_layer}:Scaled"], arguments=["2"]))
    with pytest.raises(LayerError, match="cannot be built"):
        plan(Request([f"{my_layer}:Scaled"], shapes=["4,16"]))
