"""Every public class of gluon.nn, gluon.loss and gluon.contrib.nn: built, compiled and compared with MXNet, in
inference and in training.

What runs them is found by trying and stands in docs/operators.md; ``make docs`` writes it there.
"""

from collections.abc import Callable
from functools import cache
from pathlib import Path

import mxnet as mx
import numpy as np
import pytest
from mxnet import autograd, gluon, nd
from mxnet.gluon import contrib, loss, nn

import gluonmark
from kernels import KernelError, jit, parts

DOCUMENT = Path(gluonmark.__file__).resolve().parent / "docs" / "operators.md"
BATCH = 4
TOLERANCE = {"rtol": 2e-5, "atol": 2e-5}

Case = tuple[Callable[[], gluon.Block], tuple[np.ndarray, ...]]


def normal(*shape: int) -> np.ndarray:
    return np.random.default_rng(5).standard_normal((BATCH, *shape)).astype(np.float32)


def whole(end: int, *shape: int) -> np.ndarray:
    return np.random.default_rng(6).integers(0, end, (BATCH, *shape)).astype(np.float32)


def shares(*shape: int) -> np.ndarray:
    return np.random.default_rng(7).uniform(0.1, 0.9, (BATCH, *shape)).astype(np.float32)


def holding(container: gluon.Block, *blocks: gluon.Block) -> gluon.Block:
    container.add(*blocks)
    return container


ROWS, LINE, PLANE, ROOM = normal(6), normal(4, 8), normal(4, 6, 6), normal(2, 4, 4, 4)
TWO = (normal(6), normal(6)[::-1].copy())
INPUT_OF_RANK = {"1D": LINE, "2D": PLANE, "3D": ROOM}


def convolutions() -> dict[str, Case]:
    return {
        f"nn.Conv{rank}{turned}": ((lambda rank=rank, turned=turned: getattr(nn, f"Conv{rank}{turned}")(3, 2)), (x,))
        for rank, x in INPUT_OF_RANK.items()
        for turned in ("", "Transpose")
    }


def poolings() -> dict[str, Case]:
    return {
        f"nn.{name}{rank}": (getattr(nn, f"{name}{rank}"), (x,))
        for rank, x in INPUT_OF_RANK.items()
        for name in ("MaxPool", "AvgPool", "GlobalMaxPool", "GlobalAvgPool")
    }


CLASSES: dict[str, Case] = {
    "nn.Sequential": (lambda: holding(nn.Sequential(), nn.Dense(5), nn.Dense(3)), (ROWS,)),
    "nn.HybridSequential": (lambda: holding(nn.HybridSequential(), nn.Dense(5), nn.Dense(3)), (ROWS,)),
    "nn.Dense": (lambda: nn.Dense(5, activation="relu"), (normal(3, 2),)),
    "nn.Dropout": (lambda: nn.Dropout(0.4), (ROWS,)),
    "nn.Embedding": (lambda: nn.Embedding(7, 3), (whole(7, 5),)),
    "nn.BatchNorm": (nn.BatchNorm, (PLANE,)),
    "nn.BatchNormReLU": (nn.BatchNormReLU, (PLANE,)),
    "nn.InstanceNorm": (nn.InstanceNorm, (PLANE,)),
    "nn.LayerNorm": (nn.LayerNorm, (ROWS,)),
    "nn.GroupNorm": (lambda: nn.GroupNorm(2), (PLANE,)),
    "nn.Flatten": (nn.Flatten, (PLANE,)),
    "nn.Lambda": (lambda: nn.Lambda("tanh"), (ROWS,)),
    "nn.HybridLambda": (lambda: nn.HybridLambda("tanh"), (ROWS,)),
    "nn.Activation": (lambda: nn.Activation("softrelu"), (ROWS,)),
    "nn.LeakyReLU": (lambda: nn.LeakyReLU(0.2), (ROWS,)),
    "nn.PReLU": (lambda: nn.PReLU(in_channels=4), (PLANE,)),
    "nn.ELU": (nn.ELU, (ROWS,)),
    "nn.SELU": (nn.SELU, (ROWS,)),
    "nn.GELU": (nn.GELU, (ROWS,)),
    "nn.Swish": (nn.Swish, (ROWS,)),
    "nn.ReflectionPad2D": (lambda: nn.ReflectionPad2D(2), (PLANE,)),
    **convolutions(),
    **poolings(),
    "contrib.nn.Concurrent": (lambda: holding(contrib.nn.Concurrent(), nn.Dense(2), nn.Dense(3)), (ROWS,)),
    "contrib.nn.HybridConcurrent": (lambda: holding(contrib.nn.HybridConcurrent(), nn.Dense(2), nn.Dense(3)), (ROWS,)),
    "contrib.nn.Identity": (contrib.nn.Identity, (ROWS,)),
    "contrib.nn.SparseEmbedding": (lambda: contrib.nn.SparseEmbedding(7, 3), (whole(7, 5),)),
    "contrib.nn.SyncBatchNorm": (lambda: contrib.nn.SyncBatchNorm(num_devices=1), (PLANE,)),
    "contrib.nn.PixelShuffle1D": (lambda: contrib.nn.PixelShuffle1D(2), (LINE,)),
    "contrib.nn.PixelShuffle2D": (lambda: contrib.nn.PixelShuffle2D((1, 2)), (PLANE,)),
    "contrib.nn.PixelShuffle3D": (lambda: contrib.nn.PixelShuffle3D((2, 1, 1)), (ROOM,)),
    "loss.L2Loss": (loss.L2Loss, TWO),
    "loss.L1Loss": (loss.L1Loss, TWO),
    "loss.SigmoidBinaryCrossEntropyLoss": (loss.SigmoidBinaryCrossEntropyLoss, (ROWS, shares(6))),
    "loss.SoftmaxCrossEntropyLoss": (loss.SoftmaxCrossEntropyLoss, (ROWS, whole(6))),
    "loss.KLDivLoss": (loss.KLDivLoss, (ROWS, shares(6))),
    "loss.CTCLoss": (loss.CTCLoss, (normal(8, 5), whole(4, 3))),
    "loss.HuberLoss": (loss.HuberLoss, TWO),
    "loss.HingeLoss": (loss.HingeLoss, (ROWS, 2 * whole(2, 6) - 1)),
    "loss.SquaredHingeLoss": (loss.SquaredHingeLoss, (ROWS, 2 * whole(2, 6) - 1)),
    "loss.LogisticLoss": (loss.LogisticLoss, (ROWS, 2 * whole(2, 6) - 1)),
    "loss.TripletLoss": (loss.TripletLoss, (*TWO, shares(6))),
    "loss.PoissonNLLLoss": (loss.PoissonNLLLoss, (ROWS, shares(6))),
    "loss.CosineEmbeddingLoss": (loss.CosineEmbeddingLoss, (*TWO, 2 * whole(2) - 1)),
    "loss.SDMLLoss": (loss.SDMLLoss, TWO),
}
NO_LAYER = {"loss.Loss"}  # what the losses inherit from


def built(name: str) -> tuple[gluon.Block, list[nd.NDArray]]:
    build, arrays = CLASSES[name]
    block = build()
    block.initialize(mx.init.Uniform(0.5))
    if any(parameter._stype != "default" for parameter in block.collect_params().values()):
        gluon.Trainer(block.collect_params(), "sgd")  # MXNet's way to the rows of a sparse one
    inputs = [nd.array(array) for array in arrays]
    block(*inputs)
    return block, inputs


@cache
def verdict(name: str) -> str:
    """What runs the class in both modes: numba, partly, or not and why."""
    block, inputs = built(name)
    rows = []
    for training in (False, True):
        with autograd._RecordingStateScope(None, training):
            try:
                rows += parts(block, *inputs)
            except KernelError as error:
                return refused(str(error))
    left = [row for row in rows if row.runs_by != "numba"]
    if not left:
        return "numba"
    if len(left) == len(rows):
        return refused(left[0].reason)
    return f"partly (MXNet runs: {', '.join(dict.fromkeys(row.block for row in left))})"


def refused(reason: str) -> str:
    """Why not, without the advice that the error gives."""
    return f"not: {reason.partition(': `gluonmark')[0].partition(', which the numba')[0]}"


def computed(runner: gluon.Block, block: gluon.Block, inputs: list[nd.NDArray], training: bool) -> list[np.ndarray]:
    """The output; in training also every gradient."""
    mx.random.seed(3)
    if not training:
        return [runner(*inputs).asnumpy()]
    for array in inputs:
        if (array != array.round()).sum().asscalar():  # an index has no gradient, and MXNet refuses to be asked
            array.attach_grad()
    with autograd.record():
        output = runner(*inputs)
    head = np.random.default_rng(8).standard_normal(output.shape).astype(np.float32)
    output.backward(nd.array(head))
    gradients = [array.grad for array in inputs if array.grad is not None]
    gradients += [parameter.grad() for parameter in block.collect_params().values() if parameter.grad_req != "null"]
    return [array.asnumpy() for array in (output, *gradients)]


@pytest.mark.parametrize("training", [False, True], ids=["inference", "training"])
@pytest.mark.parametrize("name", CLASSES)
def test_the_class_agrees_with_mxnet(name: str, training: bool) -> None:
    if verdict(name).startswith("not"):
        return  # MXNet runs it: test_the_document_says_what_runs_each_class has why
    block, inputs = built(name)
    expected = computed(block, block, inputs, training)
    for right, found in zip(expected, computed(jit(block), block, inputs, training), strict=True):
        np.testing.assert_allclose(found, right, **TOLERANCE)


def test_every_public_class_is_tried() -> None:
    public = {f"nn.{name}" for name in dir(nn) if _is_block(getattr(nn, name))}
    public |= {f"loss.{getattr(loss, name).__name__}" for name in loss.__all__}
    public |= {f"contrib.nn.{name}" for name in dir(contrib.nn) if _is_block(getattr(contrib.nn, name))}
    assert public - {"nn.Block", "nn.HybridBlock", "nn.SymbolBlock"} == set(CLASSES) | NO_LAYER


def _is_block(value: object) -> bool:
    return isinstance(value, type) and issubclass(value, gluon.Block) and not value.__name__.startswith("_")


def test_the_document_says_what_runs_each_class(document: Callable[[Path, str, str], None]) -> None:
    lines = [f"| {name} | {verdict(name)} |" for name in CLASSES]
    document(DOCUMENT, "classes", "\n".join(["| class | runs by |", "| --- | --- |", *lines, ""]))
