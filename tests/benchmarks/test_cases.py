"""Nothing is timed before it is proved right."""

from dataclasses import replace

import numpy as np
import pytest
from mxnet import autograd, nd
from mxnet.gluon import nn

import layers
from benchmarks import cases, grid
from benchmarks.grid import CaseError, Cell


def cell(layer="MyDense", variant="imperative", batch=3, context="cpu", mode="train"):
    return Cell(layer, variant, batch, context, mode)


@pytest.mark.parametrize("mode", grid.MODES)
@pytest.mark.parametrize("batch", grid.BATCHES)
@pytest.mark.parametrize("layer", grid.LAYERS)
def test_every_layer_can_be_timed_as_its_author_wrote_it(layer, batch, mode):
    case = cases.prepare(cell(layer=layer, batch=batch, mode=mode))
    case.call()
    assert case.cell.layer == layer


def test_two_preparations_use_the_same_values():
    subject = layers.load("MyDense")
    (first, (x,)), (second, (again,)) = (cases.initialised(subject, cell()) for _ in range(2))
    np.testing.assert_array_equal(x.asnumpy(), again.asnumpy())
    np.testing.assert_array_equal(first.weight.data().asnumpy(), second.weight.data().asnumpy())
    assert first.weight.data().asnumpy().std() == pytest.approx(1 / 16, rel=0.05)


def test_constants_keep_their_values():
    block, _ = cases.initialised(layers.load("HalfFourier"), cell("HalfFourier"))
    np.testing.assert_allclose(block.basis.data().asnumpy()[:, 0], 1)


def test_outputs_and_inputs_are_of_one_size():
    for name in grid.LAYERS:
        if name != "HalfFourier":  # an unnormalised sum
            block, (x,) = cases.initialised(layers.load(name), cell(name, batch=16))
            assert 0.05 < np.abs(block(x).asnumpy()).mean() < 5, name


class Wrong(nn.Block):
    """A layer with one thing wrong."""

    def __init__(self, right):
        super().__init__()
        self.right = right


class Shifted(Wrong):
    def forward(self, x):
        return self.right(x) + 0.01


class Transposed(Wrong):
    def forward(self, x):
        return self.right(x).T


class OneElement(Wrong):
    def forward(self, x):
        y = self.right(x)
        spike = np.zeros(y.shape)
        spike[-1, -1] = 0.01
        return y + nd.array(spike)


class NoGradient(Wrong):
    def forward(self, x):
        with autograd.pause():
            y = self.right(x)
        return y + 0 * x.sum()


class WrongGradient(Wrong):
    def forward(self, x):
        return self.right(x) + 0.01 * (x - x.detach()).sum()


class ForgetsParameters(Wrong):
    def forward(self, x):
        return nd.relu(nd.dot(x, self.right.weight.data().detach()) + self.right.bias.data())


class TwoOutputs(Wrong):
    def forward(self, x):
        return [self.right(x), x]


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        (Shifted, "MyDense-numba-3-cpu-train is not timed because it is wrong: output is off by 0.01"),
        (Transposed, r"output has shape \(256, 3\), expected \(3, 256\)"),
        (OneElement, "output is off by 0.01"),
        (NoGradient, "is wrong: (weight|bias|gradient of x) is NaN or infinite in the variant"),
        (WrongGradient, "gradient of x is off by"),
        (ForgetsParameters, "weight is NaN or infinite in the variant"),
        (TwoOutputs, "gives output 1, output 2, expected output"),
    ],
)
def test_a_wrong_variant_is_refused(wrong, message):
    wanted = cell(variant="numba")
    subject = layers.load("MyDense")
    original, x = cases.initialised(subject, wanted)
    with pytest.raises(CaseError, match=message):
        cases.checked(wanted, subject, original, wrong(original), x)


def test_the_right_block_passes_the_same_check():
    subject = layers.load("MyDense")
    original, x = cases.initialised(subject, cell())
    cases.checked(cell(), subject, original, original, x).call()


def test_without_a_reference_the_author_s_own_block_decides():
    subject = replace(layers.load("MyDense"), reference=None)
    original, x = cases.initialised(subject, cell())
    cases.checked(cell(), subject, original, original, x).call()
    with pytest.raises(CaseError, match="output is off by"):
        cases.checked(cell(), subject, original, Shifted(original), x)


class TakesAndGivesSeveral(nn.Block):
    """Two inputs of floats, one of indices; two outputs of floats, nested."""

    def __init__(self):
        super().__init__()
        self.table = self.params.get("table", shape=(9, 8))

    def forward(self, x, memory, indices):
        rows = nd.take(self.table.data(x.context), indices)
        return nd.dot(x + rows, memory), {"rows": [rows * x]}


class SecondOutputIsWrong(Wrong):
    def forward(self, *inputs):
        y, kept = self.right(*inputs)
        return y, {"rows": [kept["rows"][0] * 1.01]}


class SecondGradientIsWrong(Wrong):
    def forward(self, x, memory, indices):
        return self.right(x, memory * 1.01 - 0.01 * memory.detach(), indices)


class OnlySingle(nn.Block):
    """Does not run in float64."""

    def forward(self, x):
        if x.dtype != np.float32:
            raise TypeError("single precision alone\nand nothing else")
        return x * 2


def own(build, *shapes):
    _, inputs = layers.parse_inputs(shapes)
    return replace(layers.load("MyDense"), build=build, inputs=inputs, parameters={}, reference=None)


def test_several_inputs_and_outputs_are_checked_and_timed():
    subject = own(TakesAndGivesSeveral, "3,8", "8,5", "3:int32:9")
    for mode in grid.MODES:
        wanted = cell(variant="hybridized", mode=mode)
        case = cases.prepare(wanted, subject)
        case.call()
        assert case.judge == "the imperative layer in float64"
    original, inputs = cases.initialised(subject, wanted)
    assert [(x.shape, x.dtype) for x in inputs] == [((3, 8), np.float32), ((8, 5), np.float32), ((3,), np.int32)]
    for wrong, message in (
        (SecondOutputIsWrong, "output 2 is off by"),
        (SecondGradientIsWrong, "gradient of x 2 is off"),
    ):
        with pytest.raises(CaseError, match=message):
            cases.checked(wanted, subject, original, wrong(original), inputs)


def test_float64_inputs_make_a_float64_layer():
    case = cases.prepare(cell(), own(TakesAndGivesSeveral, "3,8:float64", "8,5", "3:int64:9"))
    case.call()
    original, inputs = cases.initialised(own(TakesAndGivesSeveral, "3,8:float64", "8,5", "3:int64:9"), cell())
    assert original.table.data().dtype == inputs[1].dtype == np.float64


def test_a_layer_that_does_not_run_in_float64_is_its_own_judge():
    case = cases.prepare(cell(variant="numba"), own(OnlySingle, "3,8"))
    assert case.judge == ("the imperative layer in float32, because it does not run in float64: single precision alone")


class Dropped(nn.Block):
    """Draws random numbers in training."""

    def __init__(self):
        super().__init__()
        with self.name_scope():
            self.dense = nn.Dense(64, in_units=8)  # two masks of few units may well be equal
            self.dropout = nn.Dropout(0.5)

    def forward(self, x):
        return self.dropout(self.dense(x))


class Detached(nn.Block):
    """Another layer's dropout and dense layer, whose input gets no gradient."""

    def __init__(self, right):
        super().__init__()
        self.right = right

    def forward(self, x):
        return self.right(x.detach())


class Noisy(nn.Block):
    """Draws random numbers in inference too."""

    def forward(self, x):
        return x * nd.random.normal(shape=x.shape)


class Infinite(nn.Block):
    """Has no number as its result."""

    def forward(self, x):
        return nd.log(x - 100)


def test_what_is_drawn_in_training_is_compared_in_inference():
    for mode in grid.MODES:
        case = cases.prepare(cell(variant="numba", mode=mode), own(Dropped, "3,8"))
        case.call()
        assert case.judge == (
            "the imperative layer in float64, in inference, because it draws random numbers in training"
        )
    original, inputs = cases.initialised(own(Dropped, "3,8"), cell())
    with pytest.raises(CaseError, match="gradient of x is NaN or infinite in the variant"):
        cases.checked(cell(), own(Dropped, "3,8"), original, Detached(original), inputs)


def test_layers_with_which_nothing_can_be_compared_are_refused():
    with pytest.raises(CaseError, match="draws random numbers in inference too, so that nothing can be compared"):
        cases.prepare(cell(), own(Noisy, "3,8"))
    with pytest.raises(CaseError, match="output is NaN or infinite in the reference"):
        cases.prepare(cell(), own(Infinite, "3,8"))


class Partly(nn.HybridSequential):
    """A network that is compiled in parts."""

    def __init__(self):
        super().__init__(prefix="")
        self.add(nn.Conv2D(2, 3, in_channels=1), nn.Flatten(), nn.Dense(4, in_units=18))


def test_a_network_in_parts_says_who_ran_which():
    told = {
        variant: cases.prepare(cell(variant=variant), own(Partly, "3,1,5,5")).remarks
        for variant in ("imperative", "numba")
    }
    judged = "MyDense was compared with the imperative layer in float64"
    assert told["imperative"] == (judged,)
    assert told["numba"] == (
        judged,
        "of MyDense, numba ran 1 to 2 (Flatten, Dense); MXNet ran 0 (Conv2D) (gluonmark source says why)",
    )
    assert cases.prepare(cell(variant="numba")).remarks == ()


@pytest.mark.parametrize("mode", grid.MODES)
def test_statistics_that_are_not_learned_are_possible_ones(mode):
    subject = layers.resolve("mxnet.gluon.nn:BatchNorm", (), ("4,8",))
    cases.prepare(cell(layer="BatchNorm", variant="hybridized", mode=mode), subject).call()
    original, _ = cases.initialised(subject, cell(layer="BatchNorm"))
    assert (original.running_var.data().asnumpy() > 0).all()


def test_an_unknown_layer_and_an_unusable_context_are_refused():
    with pytest.raises(CaseError, match="Unheard"):
        cases.prepare(cell(layer="Unheard"))
    reason = cases.contexts.why_unusable("gpu")
    if reason:
        with pytest.raises(CaseError, match="no usable GPU"):
            cases.prepare(cell(context="gpu"))
