"""The machine code of one program, compiled when a call first needs it: forward alone, or what a tape needs."""

from functools import cached_property
from types import ModuleType

from .compile import load
from .emit.cpu import print_module
from .procedure import Procedure
from .program import Program


class Entries:
    """The addresses of a program's entries: ``void entry(intp n, void **data, int *requests)``.

    Compiling takes most of a first call, so who never goes back has only ``forward`` compiled.
    """

    def __init__(self, program: Program) -> None:
        self._program = program

    @property
    def forward(self) -> int:
        """The outputs alone."""
        return self._address(self._forward, "forward")

    @property
    def recorded(self) -> int:
        """The outputs, and what backward reads."""
        if not self._program.saved:
            return self.forward
        return self._address(self._training, "forward_recorded")

    @property
    def backward(self) -> int:
        """The gradients."""
        return self._address(self._training, "backward")

    @cached_property
    def _forward(self) -> ModuleType:
        return self._loaded("forward", [self._program.forward])

    @cached_property
    def _training(self) -> ModuleType:
        return self._loaded("training", self._program.training)

    def _loaded(self, part: str, procedures: list[Procedure]) -> ModuleType:
        return load(f"{self._program.graph.name}-{part}", print_module(self._program, procedures))

    @staticmethod
    def _address(module: ModuleType, procedure: str) -> int:
        address: int = getattr(module, f"enter_{procedure}").address
        return address
