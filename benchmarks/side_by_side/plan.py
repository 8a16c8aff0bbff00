"""What one gate will measure, and for how long: everything that a person asked for is validated here."""

import re
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import PurePosixPath

from benchmarks import grid, process
from benchmarks.clock import Sampling
from benchmarks.grid import CaseError
from benchmarks.plan import Outside, check_apart, engine, own_layers, positive, threads
from benchmarks.side_by_side.planted import Plant

UNITS = {"s": 1, "m": 60, "h": 3600}
LONGEST_BUDGET = 7 * 24 * UNITS["h"]
NUMBER = r"\d{1,9}(?:\.\d{0,9})?|\.\d{1,9}"
MOST_SEEDS = 2**32


@dataclass(frozen=True)
class Pace:
    """How the time is divided; the figures are those of docs/gate.md."""

    # Short windows, many of them: what disturbs the machine then spoils some and leaves the others alone.
    sampling: Sampling = field(default_factory=lambda: Sampling(warm_up=0.002, window=0.0005, windows=0))
    samples: Mapping[int, int] = field(default_factory=lambda: {0: 12, 1: 12, 2: 24})  # of each side, by stage
    # The share of the budget that all cases get; the suspects get the rest.
    first_stage: float = 0.55
    least_blocks: int = 6  # with fewer, no signed-rank test is ever significant at 5 %
    # Base against base: this share of the cases, in the first of every few blocks.
    controls: float = 0.1
    least_controls: int = 4
    control_every: int = 3
    last: float = 2.0  # seconds, to write and to decide


@dataclass(frozen=True)
class Plan:
    """One gate.  ``head`` is empty for the working tree; ``plants`` slow cases of the head, by their ids.

    ``cases`` are the ids of those that are measured, of all that the other fields name; all of them if it is empty.
    """

    base: str
    head: str = ""
    layers: tuple[str, ...] = ()
    variants: tuple[str, ...] = grid.VARIANTS
    batches: tuple[int, ...] = ()
    modes: tuple[str, ...] = grid.MODES
    outside: Mapping[str, Outside] = field(default_factory=dict)
    budget: float = 900.0  # seconds
    threshold: float = 0.03  # recorded for those who decide
    threads: int = 1
    engine: str = process.ENGINE
    build: str = ""
    seed: int = 0
    pace: Pace = field(default_factory=Pace)
    plants: Mapping[str, Plant] = field(default_factory=dict)
    cases: tuple[str, ...] = ()


@dataclass(frozen=True)
class Request:
    """What a person asked for, as text; nothing, or ``None``, stands for the default."""

    base: str
    head: str = ""
    layers: Sequence[str] = ()
    variants: Sequence[str] = ()
    batches: Sequence[str] = ()
    modes: Sequence[str] = ()
    arguments: Sequence[str] = ()
    shapes: Sequence[str] = ()
    budget: str = "15m"
    threshold: str = "3%"
    threads: int | None = None
    engine: str | None = None
    build: str = ""
    seed: int | None = None


def plan(request: Request) -> Plan:
    """The plan for ``request``.  Raises ``CaseError``, or ``layers.LayerError`` for a shape that is none.

    Whether the layers exist is known when both commits are unpacked.
    """
    if not request.base.strip():
        raise CaseError("the gate needs a commit to compare with: --base main, say")
    return Plan(
        base=request.base,
        head=request.head,
        layers=tuple(dict.fromkeys(name for name in request.layers if ":" not in name)),
        variants=grid.chosen("variant", request.variants, grid.VARIANTS),
        batches=tuple(positive("batch size", batch, 1) for batch in dict.fromkeys(request.batches)),
        modes=grid.chosen("mode", request.modes, grid.MODES),
        outside=_outside(request),
        budget=seconds(request.budget),
        threshold=share(request.threshold),
        threads=threads(request.threads, 1),
        engine=engine(request.engine),
        build=request.build,
        seed=secrets.randbelow(MOST_SEEDS) if request.seed is None else request.seed % MOST_SEEDS,
    )


def seconds(text: str) -> float:
    """``15m``, ``90s``, ``1.5h``, or seconds without a unit.  Raises ``CaseError``."""
    found = re.fullmatch(rf"({NUMBER})\s*([smh]?)", text.strip(), re.ASCII)
    value = float(found[1]) * UNITS[found[2] or "s"] if found else 0.0
    if not 0 < value <= LONGEST_BUDGET:
        raise CaseError(f"a budget is a time such as 15m, 90s or 1h, not {text!r}")
    return value


def share(text: str) -> float:
    """``3%`` or ``0.03`` as 0.03.  Raises ``CaseError`` unless it lies between 0 and 100 %."""
    found = re.fullmatch(rf"({NUMBER})\s*(%?)", text.strip(), re.ASCII)
    value = float(found[1]) / (100 if found[2] else 1) if found else 0.0
    if not 0 < value < 1:
        raise CaseError(f"a threshold is a share of a call's time such as 3% or 0.03, not {text!r}")
    return value


def _outside(request: Request) -> dict[str, Outside]:
    """The layers that are not in the catalogue, by their class names, with paths from the repository's root."""
    specs = own_layers(request.layers, [*request.arguments, *request.shapes])
    if not specs:
        return {}
    if not request.shapes:
        raise CaseError(f"{specs[0]} needs the shape of each of its inputs, batch first, such as --shape 4,16")
    import layers

    batch, _ = layers.parse_inputs(request.shapes)
    found: dict[str, Outside] = {}
    for spec in specs:
        where, _, name = spec.rpartition(":")
        if not where.endswith(".py") or PurePosixPath(where).is_absolute():
            raise CaseError(
                f"the gate takes a layer from two commits: name it path/to/file.py:Class, with the path from the "
                f"repository's root, not {spec!r}"
            )
        check_apart(name, found)
        found[name] = Outside(spec, tuple(request.arguments), tuple(request.shapes), batch)
    return found
