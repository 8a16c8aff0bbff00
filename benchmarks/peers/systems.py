"""The systems that are compared: which program prepares a layer, and under which conditions.

A program is a file beside this one with ``prepare(cell, given, option) -> Prepared``; it runs in a process of its
own, in the environment that its libraries need.
"""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.grid import VARIANTS

OURS, TAPELESS = "gluonmark", "gluonmark-tapeless"
BOTH, FORWARD, TRAIN = ("forward", "train"), ("forward",), ("train",)


@dataclass(frozen=True)
class Prepared:
    """A layer ready to be timed.

    ``call()`` returns when everything is computed; ``results()`` computes it once more and gives it by name: "output",
    and in training "gradient of x" and each parameter's name.
    """

    call: Callable[[], Any]
    results: Callable[[], dict[str, np.ndarray]]


@dataclass(frozen=True)
class Given:
    """The arrays of one case, of one dtype: what every system computes with."""

    x: np.ndarray
    head: np.ndarray
    parameters: dict[str, np.ndarray]
    constants: dict[str, np.ndarray]

    def save(self, path: Path) -> None:
        """Write them to an ``.npz`` file."""
        places = [
            ("parameters", self.parameters),
            ("constants", self.constants),
            ("", {"x": self.x, "head": self.head}),
        ]
        np.savez(path, **{f"{place}/{name}": array for place, arrays in places for name, array in arrays.items()})

    @classmethod
    def load(cls, path: Path) -> "Given":
        """What ``save`` wrote."""
        arrays: dict[str, dict[str, np.ndarray]] = {"parameters": {}, "constants": {}, "": {}}
        with np.load(path) as file:
            for key in file:
                place, name = key.split("/")
                arrays[place][name] = file[key]
        return cls(**arrays[""], parameters=arrays["parameters"], constants=arrays["constants"])


@dataclass(frozen=True)
class System:
    """One way to run a layer."""

    program: str
    option: str
    modes: tuple[str, ...] = BOTH
    engine: str = "threaded"
    layers: tuple[str, ...] | None = None  # all

    def runs(self, layer: str, mode: str) -> bool:
        """Whether it has that layer in that mode."""
        return mode in self.modes and (self.layers is None or layer in self.layers)

    @property
    def beside_mxnet(self) -> bool:
        """Whether it runs in MXNet's environment, not in the peers'."""
        return self.program == "with_mxnet" or (self.program == "with_roof" and self.option == "numba")


SYSTEMS = {
    OURS: System("with_mxnet", "numba"),
    TAPELESS: System("with_mxnet", "tapeless", TRAIN),
    **{f"mxnet-{variant}": System("with_mxnet", variant) for variant in VARIANTS[:3]},
    **{f"mxnet-{variant}-naive": System("with_mxnet", variant, BOTH, "naive") for variant in VARIANTS[:3]},
    "mxnet-fused": System("with_mxnet", "fused", FORWARD, layers=("MyDense",)),  # the one with a fused operator
    "mxnet-fused-naive": System("with_mxnet", "fused", FORWARD, "naive", ("MyDense",)),
    "torch": System("with_torch", "eager"),
    "torch-compile": System("with_torch", "default"),
    "torch-compile-max": System("with_torch", "max-autotune"),
    "jax": System("with_jax", "jit"),
    "onnxruntime": System("with_onnxruntime", "", FORWARD),
    "roof": System("with_roof", "numba", FORWARD),
    "roof-torch": System("with_roof", "torch", FORWARD, layers=("MyDense", "TensorReduction")),
}
