"""Every loss of Gluon: MXNet's own result and gradients against the oracle and the compiled kernels."""

from collections.abc import Callable

import numpy as np
import pytest
from mxnet import gluon
from mxnet.gluon import loss

from .generator.conftest import agreement

BATCH = 5
Draw = Callable[[np.random.Generator], np.ndarray]


def numbers(*shape: int) -> Draw:
    return lambda generator: generator.standard_normal((BATCH, *shape))


def shares(*shape: int) -> Draw:
    """Between 0.05 and 0.95."""
    return lambda generator: 0.05 + 0.9 * generator.random((BATCH, *shape))


def signs(*shape: int) -> Draw:
    return lambda generator: np.sign(generator.standard_normal((BATCH, *shape)))


def classes(*shape: int) -> Draw:
    return lambda generator: generator.integers(0, 4, (BATCH, *shape)).astype(np.float64)


LOSSES: dict[str, tuple[gluon.Block, list[Draw]]] = {
    "L2": (loss.L2Loss(), [numbers(4), numbers(4)]),
    "L2, weighted": (loss.L2Loss(weight=0.3), [numbers(4), numbers(4), shares(1)]),
    "L1": (loss.L1Loss(), [numbers(4, 2), numbers(4, 2)]),
    "sigmoid": (loss.SigmoidBCELoss(), [numbers(4), shares(4)]),
    "sigmoid, weighted": (loss.SigmoidBCELoss(), [numbers(4), shares(4), shares(1), shares(4)]),
    "from sigmoid": (loss.SigmoidBCELoss(from_sigmoid=True), [shares(4), shares(4)]),
    "from sigmoid, weighted": (
        loss.SigmoidBCELoss(from_sigmoid=True), [shares(4), shares(4), shares(1), shares(4)]
    ),
    "cross entropy": (loss.SoftmaxCELoss(), [numbers(4), classes()]),
    "cross entropy of shares": (loss.SoftmaxCELoss(sparse_label=False), [numbers(4), shares(4)]),
    "cross entropy along axis 1": (loss.SoftmaxCELoss(axis=1), [numbers(4, 3), classes(3), shares(1, 1)]),
    "cross entropy of logarithms": (loss.SoftmaxCELoss(from_logits=True), [numbers(4), classes()]),
    "divergence": (loss.KLDivLoss(), [numbers(4), shares(4)]),
    "divergence of numbers": (loss.KLDivLoss(from_logits=False), [numbers(4), shares(4)]),
    "Huber": (loss.HuberLoss(rho=0.7), [numbers(4), numbers(4)]),
    "hinge": (loss.HingeLoss(), [numbers(4), signs(4)]),
    "squared hinge": (loss.SquaredHingeLoss(), [numbers(4), signs(4)]),
    "logistic": (loss.LogisticLoss(), [numbers(4), signs(4)]),
    "logistic of 0 and 1": (loss.LogisticLoss(label_format="binary"), [numbers(4), shares(4)]),
    "triplet": (loss.TripletLoss(), [numbers(4), numbers(4), numbers(4)]),
    "Poisson": (loss.PoissonNLLLoss(), [numbers(4), shares(4)]),
    "Poisson of rates": (loss.PoissonNLLLoss(from_logits=False), [shares(4), shares(4)]),
    "cosine": (loss.CosineEmbeddingLoss(margin=0.1), [numbers(4), numbers(4), signs()]),
    "metric": (loss.SDMLLoss(), [numbers(4), numbers(4)]),
}  # fmt: skip


@pytest.mark.parametrize("name", LOSSES)
def test_losses_agree_with_mxnet(name: str) -> None:
    block, draws = LOSSES[name]
    generator = np.random.default_rng(3)
    assert agreement(block, *(draw(generator).astype(np.float32) for draw in draws)) == []


def test_every_loss_of_gluon_is_tried() -> None:
    tried = {type(block).__name__ for block, _ in LOSSES.values()} | {"Loss", "CTCLoss"}  # see test_alignments.py
    public = {getattr(loss, name).__name__ for name in loss.__all__}
    assert public - tried == set()
