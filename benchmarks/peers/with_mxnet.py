"""The layers in MXNet and in gluonmark: the suite's variants, MXNet's fused path, and our kernels without a tape."""

from typing import Any

import numpy as np

import kernels
import layers
from benchmarks import cases
from benchmarks.grid import VARIANTS, Cell
from benchmarks.peers.systems import Given, Prepared

from mxnet import gluon, nd  # isort: skip (after the rooms, which make it importable)


def prepare(cell: Cell, given: Given, option: str) -> Prepared:
    """``option`` is a variant, "tapeless" or "fused".  The suite's own preparation draws the same arrays and checks."""
    if option in VARIANTS:
        case = cases.prepare(Cell(cell.layer, option, cell.batch, cell.context, cell.mode))
        return Prepared(case.call, dict)
    return OTHERS[option](cell, given)


def _tapeless(cell: Cell, given: Given) -> Prepared:
    block, (x,) = cases.initialised(layers.load(cell.layer), cell)
    fast, head = kernels.jit(block, strict=True), nd.array(given.head)

    def call() -> Any:
        y, gradients = kernels.value_and_gradient(fast, x, head)
        y.wait_to_read()
        for gradient in gradients.values():
            gradient.wait_to_read()
        return y, gradients

    def results() -> dict[str, np.ndarray]:
        y, gradients = call()
        return {"output": y.asnumpy(), "gradient of x": gradients.pop("x").asnumpy()} | {
            name: gradient.asnumpy() for name, gradient in gradients.items()
        }

    return Prepared(call, results)


class FusedDense(gluon.HybridBlock):
    """MyDense as the operator for which MXNet has fused kernels."""

    def __init__(self, weight: np.ndarray, bias: np.ndarray) -> None:
        super().__init__()
        self.dense = gluon.nn.Dense(weight.shape[1], in_units=weight.shape[0], activation="relu")
        self.dense.initialize()
        self.dense.weight.set_data(nd.array(weight.T))
        self.dense.bias.set_data(nd.array(bias))

    def hybrid_forward(self, F: Any, x: Any) -> Any:  # noqa: N803, ARG002 (Gluon's signature)
        """relu(x·weight + bias)"""
        return self.dense(x)


def _fused(_: Cell, given: Given) -> Prepared:
    block, x = FusedDense(**given.parameters), nd.array(given.x)
    block.optimize_for(x, backend="MKLDNN", static_alloc=True, static_shape=True)
    return Prepared(lambda: block(x).wait_to_read(), lambda: {"output": block(x).asnumpy()})


OTHERS = {"tapeless": _tapeless, "fused": _fused}
