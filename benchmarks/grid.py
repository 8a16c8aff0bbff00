"""The grid: which cells exist, and what each is called.

The grid never depends on the code that is measured.  asv hands the *index* of a cell to the environment of an
older commit, so a list read from that commit's wheel would shift every value into another cell without a word.
Therefore everything here is a literal, except the layers' names, which are read from the folder beside this one
without importing it.
"""

import itertools
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

VARIANTS = ("imperative", "hybridized", "hybridized-static", "numba")
BATCHES = (1, 16, 256)
CONTEXTS = ("cpu", "gpu")
MODES = ("forward", "train")
DTYPE = "float32"

PARAMETER_NAMES = ("layer", "variant", "batch", "context", "mode")


class CaseError(ValueError):
    """A cell that does not exist, cannot be prepared, or computes something else than its reference."""


@dataclass(frozen=True)
class Cell:
    """One thing to time: a layer's variant at one batch size, on one context, in one mode."""

    layer: str
    variant: str
    batch: int
    context: str
    mode: str

    @property
    def id(self) -> str:
        """The name that asv, pytest-benchmark and result files share, such as ``MyDense-numba-16-cpu-train``."""
        return f"{self.layer}-{self.variant}-{self.batch}-{self.context}-{self.mode}"

    @property
    def parameters(self) -> dict[str, str | int]:
        """The cell as a mapping, one entry for each of ``PARAMETER_NAMES``."""
        return asdict(self)

    @property
    def group(self) -> tuple[str, int, str, str]:
        """What the cells that are compared with each other, and timed in turns, have in common."""
        return self.layer, self.batch, self.context, self.mode


def layer_names(folder: Path | None = None) -> tuple[str, ...]:
    """The catalogue names of the layers in ``folder`` (``my_dense.py`` holds ``MyDense``), in alphabetical order."""
    folder = folder or Path(__file__).resolve().parents[1] / "layers"
    stems = (path.stem for path in folder.glob("[!_]*.py"))
    return tuple(sorted("".join(word.capitalize() for word in stem.split("_")) for stem in stems))


LAYERS = layer_names()


def cells(
    layers: Sequence[str] = LAYERS,
    variants: Sequence[str] = VARIANTS,
    batches: Sequence[int] = BATCHES,
    contexts: Sequence[str] = CONTEXTS,
    modes: Sequence[str] = MODES,
) -> tuple[Cell, ...]:
    """Every combination, in the order of ``itertools.product``, which is asv's order too."""
    return tuple(Cell(*values) for values in itertools.product(layers, variants, batches, contexts, modes))


def parse(identifier: str) -> Cell:
    """The cell whose ``id`` is ``identifier``.  Raises ``CaseError`` for anything else."""
    head, *tail = identifier.rsplit("-", 3)
    # The longest variant first: 'hybridized-static' ends in a word that could belong to a layer's name.
    variant = next((name for name in sorted(VARIANTS, key=len, reverse=True) if head.endswith(f"-{name}")), None)
    if variant is None or len(tail) != 3 or not tail[0].isdecimal():
        raise CaseError(f"a cell is called layer-variant-batch-context-mode, not {identifier!r}")
    batch, context, mode = tail
    chosen("context", [context], CONTEXTS)
    chosen("mode", [mode], MODES)
    return Cell(head.removesuffix(f"-{variant}"), variant, int(batch), context, mode)


def chosen(what: str, names: Sequence[str], known: Sequence[str]) -> tuple[str, ...]:
    """``names`` without repetitions, or ``known`` if there are none.  Raises ``CaseError`` for an unknown one."""
    for name in names:
        if name not in known:
            raise CaseError(f"unknown {what} {name!r}; known: {', '.join(known)}")
    return tuple(dict.fromkeys(names or known))
