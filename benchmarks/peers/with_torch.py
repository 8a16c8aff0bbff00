"""The layers in PyTorch, eager and through ``torch.compile``."""

from collections.abc import Callable, Mapping

import numpy as np
import torch

from benchmarks.grid import Cell
from benchmarks.peers.systems import Given, Prepared

Tensors = Mapping[str, torch.Tensor]


def centered_layer(x: torch.Tensor, _: Tensors) -> torch.Tensor:
    return x - x.mean()


def my_dense(x: torch.Tensor, given: Tensors) -> torch.Tensor:
    return torch.relu(torch.addmm(given["bias"], x, given["weight"]))


def learned_affine(x: torch.Tensor, given: Tensors) -> torch.Tensor:
    return (x - x.mean(dim=0)) * given["gamma"] + given["beta"]


def tensor_reduction(x: torch.Tensor, given: Tensors) -> torch.Tensor:
    i, j, k = given["weight"].shape
    reduced_once = (x @ given["weight"].view(i, j * k)).view(-1, j, k)
    return torch.bmm(x.unsqueeze(1), reduced_once).squeeze(1)


def half_fourier(x: torch.Tensor, _: Tensors) -> torch.Tensor:
    bins = (x.shape[-1] + 1) // 2
    return torch.view_as_real(torch.fft.rfft(x)[:, :bins]).flatten(1)


LAYERS: dict[str, Callable[[torch.Tensor, Tensors], torch.Tensor]] = {
    "CenteredLayer": centered_layer,
    "MyDense": my_dense,
    "LearnedAffine": learned_affine,
    "TensorReduction": tensor_reduction,
    "HalfFourier": half_fourier,
}


def prepare(cell: Cell, given: Given, option: str) -> Prepared:
    """``option`` is "eager" or a mode of ``torch.compile``."""
    torch._dynamo.reset()  # no shape of an earlier cell makes this one's dynamic
    train = cell.mode == "train"
    x, head = torch.from_numpy(given.x).requires_grad_(train), torch.from_numpy(given.head)
    tensors = {name: torch.from_numpy(array).requires_grad_(train) for name, array in given.parameters.items()}
    function = LAYERS[cell.layer]
    if option != "eager":
        function = torch.compile(function, mode=None if option == "default" else option, dynamic=False)
    leaves = {"gradient of x": x, **tensors}

    def forward() -> torch.Tensor:
        with torch.inference_mode():
            return function(x, tensors)

    def step() -> torch.Tensor:
        for leaf in leaves.values():
            leaf.grad = None
        y = function(x, tensors)
        y.backward(head)
        return y

    def results() -> dict[str, np.ndarray]:
        if not train:
            return {"output": forward().numpy()}
        gradients = {"output": step().detach().numpy()}
        return gradients | {name: leaf.grad.numpy() for name, leaf in leaves.items() if leaf.grad is not None}

    return Prepared(step if train else forward, results)
