"""What one ``gluonmark bench`` will measure, and for how long: everything is validated here, before anything runs."""

import math
import os
from collections.abc import Container, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import switches
from benchmarks import contexts, grid, process
from benchmarks.clock import Sampling
from benchmarks.grid import CaseError, Cell

MOST_DIGITS = 20  # more than 64 bits need


@dataclass(frozen=True)
class Profile:
    """How much time a run takes.  Fresh processes are the unit: a process differs from the next by 3-5 %."""

    rounds: int
    sampling: Sampling


PROFILES = {
    "quick": Profile(rounds=5, sampling=Sampling(warm_up=0.02, window=0.004, windows=7)),
    "regular": Profile(rounds=10, sampling=Sampling(warm_up=0.05, window=0.01, windows=15)),
    "full": Profile(rounds=20, sampling=Sampling(warm_up=0.1, window=0.02, windows=25)),
}


@dataclass(frozen=True)
class Outside:
    """A layer from outside the catalogue, as ``layers.resolve`` takes it, and the batch size that its shapes say."""

    spec: str
    arguments: tuple[str, ...]
    shapes: tuple[str, ...]
    batch: int


@dataclass(frozen=True)
class Plan:
    """The cells of one run, and under which conditions each of its rounds measures all of them.

    ``skipped`` maps the cells on contexts that this machine cannot measure to the reason.
    """

    cells: tuple[Cell, ...]
    skipped: dict[Cell, str]
    rounds: int
    sampling: Sampling
    threads: int
    engine: str
    outside: dict[str, Outside] = field(default_factory=dict)

    @property
    def measurements(self) -> int:
        """How many figures all rounds give."""
        return self.rounds * len(self.cells)


@dataclass(frozen=True)
class Request:
    """What a person asked for, as text; ``None`` and nothing stand for the default of the grid or the profile."""

    layers: Sequence[str] = ()
    profile: str = "quick"
    variants: Sequence[str] = ()
    batches: Sequence[str] = ()
    modes: Sequence[str] = ()
    threads: int | None = None
    engine: str | None = None
    rounds: int | None = None
    arguments: Sequence[str] = ()
    shapes: Sequence[str] = ()


def plan(request: Request) -> Plan:
    """The plan for ``request``.  Raises ``CaseError``, or ``layers.LayerError`` for a layer of somebody's own."""
    (name,) = grid.chosen("profile", [request.profile], tuple(PROFILES))
    profile = PROFILES[name]
    outside = _outside(request)
    reasons = {cell: contexts.why_unusable(cell.context) for cell in _cells(request, outside)}
    return Plan(
        tuple(cell for cell, reason in reasons.items() if not reason),
        {cell: reason for cell, reason in reasons.items() if reason},
        positive("number of rounds", request.rounds, profile.rounds),
        profile.sampling,
        threads(request.threads, process.THREADS),
        engine(request.engine),
        outside,
    )


def threads(asked: int | None, default: int) -> int:
    """The number of threads of every variant.  Raises ``CaseError`` for one that no machine has."""
    number = positive("number of threads", asked, default)
    if number > process.MOST_THREADS:
        raise CaseError(f"the number of threads must be at most {process.MOST_THREADS}, not {number}")
    return number


def engine(asked: str | None) -> str:
    """The engine of MXNet's that was asked for, or the usual one.  Raises ``CaseError`` for one that it lacks."""
    name = process.ENGINE if asked is None else asked
    grid.chosen("engine", [name], tuple(switches.ENGINES))
    return name


def _cells(request: Request, outside: Mapping[str, Outside]) -> tuple[Cell, ...]:
    variants = grid.chosen("variant", request.variants, grid.VARIANTS)
    modes = grid.chosen("mode", request.modes, grid.MODES)
    batches = tuple(positive("batch size", batch, 1) for batch in dict.fromkeys(request.batches))
    catalogued = [name for name in request.layers if ":" not in name]
    layers = grid.chosen("layer", catalogued, grid.LAYERS) if catalogued or not outside else ()
    cells = grid.cells(layers, variants, batches or grid.BATCHES, modes=modes)
    for name, layer in outside.items():
        cells += grid.cells([name], variants, batches or [layer.batch], modes=modes)
    if batches or outside:
        _check_memory(cells, outside)
    return cells


def _check_memory(cells: Sequence[Cell], outside: Mapping[str, Outside]) -> None:
    """Raise ``CaseError`` for a batch of which the inputs alone, drawn in float64, do not fit into this machine."""
    import layers

    available = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    for name, batch in dict.fromkeys((cell.layer, cell.batch) for cell in cells):
        inputs = layers.parse_inputs(outside[name].shapes)[1] if name in outside else layers.load(name).inputs
        needed = 8 * sum(math.prod(one.shape(batch)) for one in inputs)
        if needed > available:
            raise CaseError(
                f"the inputs of {name} for a batch of {batch} take {needed / 2**30:.3g} GiB, "
                f"and this machine has {available / 2**30:.3g} GiB"
            )


def own_layers(names: Sequence[str], described: Sequence[str]) -> list[str]:
    """Those of ``names`` that are not of the catalogue; ``described`` is what a person said of them."""
    specs = [name for name in dict.fromkeys(names) if ":" in name]
    if described and not specs:
        raise CaseError("--args and --shape belong to a layer of your own: name it path/to/file.py:Class")
    return specs


def check_apart(name: str, others: Container[str]) -> None:
    """Raise ``CaseError`` if another layer has this name."""
    if name in others or name in grid.LAYERS:
        raise CaseError(f"two layers are called {name}; their results could not be told apart")


def _outside(request: Request) -> dict[str, Outside]:
    """The layers that are not in the catalogue, by their class names, each built once to see that it can be."""
    specs = own_layers(request.layers, [*request.arguments, *request.shapes])
    if not specs:
        return {}
    import layers

    found: dict[str, Outside] = {}
    for spec in specs:
        name = layers.resolve(spec, request.arguments, request.shapes).name
        check_apart(name, found)
        batch, _ = layers.parse_inputs(request.shapes)
        found[name] = Outside(_absolute(spec), tuple(request.arguments), tuple(request.shapes), batch)
    return found


def _absolute(spec: str) -> str:
    """``spec`` for a process that runs in another folder."""
    where, _, class_name = spec.rpartition(":")
    return f"{Path(where).resolve()}:{class_name}" if Path(where).is_file() else spec


def positive(what: str, given: str | int | None, default: int) -> int:
    """The number that was given, or the default.  Raises ``CaseError`` for what is no positive whole number."""
    if given is None:
        return default
    text = str(given)
    if not (text.isascii() and text.isdecimal() and len(text) < MOST_DIGITS and int(text) > 0):
        shown = repr(given) if len(text) < MOST_DIGITS else f"one of {len(text)} digits"
        raise CaseError(f"the {what} must be a positive whole number, not {shown}")
    return int(given)
