"""``NDArray.backward`` for outputs of recorded calls: straight to the kernel where MXNet need not search its tape."""

from functools import wraps
from typing import Any

from mxnet import nd

from .launch import refusal, straight

by_mxnet = nd.NDArray.backward


def install() -> None:
    """Let ``backward`` of every array try the short way first, unless somebody else has replaced it meanwhile."""
    if nd.NDArray.backward is by_mxnet:
        straight()  # what cannot be compiled is noticed now, and tries what the short way rests on
        nd.NDArray.backward = backward


@wraps(by_mxnet)
def backward(self: nd.NDArray, out_grad: Any = None, retain_graph: bool = False, train_mode: bool = True) -> None:
    if retain_graph or not _went_straight(self, out_grad, train_mode):
        by_mxnet(self, out_grad, retain_graph, train_mode)


def _went_straight(output: nd.NDArray, head: nd.NDArray | None, training: bool) -> bool:
    """Go straight back if that is possible; whether it was.  The output's graph is gone then, as MXNet has it."""
    went = straight()(output.handle.value, 0 if head is None else head.handle.value, training)
    if went < 0:
        raise refusal()
    return bool(went)
