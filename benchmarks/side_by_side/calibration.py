"""Many gates of a commit beside itself, some with slow-downs that were planted: what ``gluonmark calibrate`` measures.

Each gate leaves a record in one folder, ``identical-001.jsonl`` or ``planted-001.jsonl``.  A campaign that was
interrupted goes on where it stopped: gates whose records have come to their end are not repeated.
"""

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from pathlib import Path
from random import Random

from benchmarks import grid
from benchmarks.grid import CaseError, Cell
from benchmarks.side_by_side import stages
from benchmarks.side_by_side.commits import Repository
from benchmarks.side_by_side.errors import CannotJudgeError
from benchmarks.side_by_side.plan import Plan
from benchmarks.side_by_side.planted import Plant
from benchmarks.side_by_side.record import Record
from benchmarks.side_by_side.stages import Advance, Choose

SIZES = (0.02, 0.03, 0.05, 0.1)
# Slow-downs as people make them, and the cases that they slow.  ``hybridize()`` buys little but the calls of a training
# step, which many rows hide; few rows fit the first cache, through which values pass nearly for nothing.
REAL: Mapping[str, Callable[[Cell], bool]] = {
    "copy": lambda _cell: True,
    "imperative": lambda cell: cell.variant.startswith("hybridized") and cell.mode == "train" and cell.batch <= 16,
    "unfused": lambda cell: cell.variant == "numba" and cell.batch >= 256,
}


@dataclass(frozen=True)
class Campaign:
    """``plan`` compares a commit with itself.

    ``gates`` are of identical code, ``planted`` have ``plants`` cases slowed by each of ``SIZES`` and one by each kind
    of ``REAL``; ``cases`` is how many are measured of those that the plan names, always the same ones.
    """

    plan: Plan
    folder: Path
    gates: int
    planted: int
    plants: int
    cases: int

    @property
    def cells(self) -> Sequence[Cell]:
        """The cases of every gate, spread over the grid."""
        plan = self.plan
        layers = plan.layers or grid.LAYERS
        cells = grid.cells(layers, plan.variants, plan.batches or grid.BATCHES, ["cpu"], plan.modes)
        return sorted(Random("cases").sample(cells, min(self.cases, len(cells))), key=lambda cell: cell.id)

    def gate(self, number: int, planted: bool) -> Plan:
        """The plan of one gate: what is drawn in it is drawn from its number."""
        cells = self.cells
        plants = _plants(cells, self.plants, Random(f"plants {number}")) if planted else {}
        seed = 2 * number + planted
        return replace(self.plan, seed=seed, cases=tuple(cell.id for cell in cells), plants=plants)


def run(campaign: Campaign, choose: Choose, advance: Advance) -> None:
    """Measure what is missing.  Raises ``CannotJudgeError`` if a gate ends early, and what a gate raises.

    Raises ``CaseError`` if the folder holds gates of another budget or threshold, or with other cases.
    """
    todo = []
    for file, plan in _gates(campaign):
        if finished(file):
            _check(file, plan)
        else:
            todo.append((file, plan))
    if not todo:
        return
    # The same one in all gates, whatever is committed in these hours.
    commit = Repository.around(Path.cwd(), campaign.folder).commit(campaign.plan.base).hash
    for place, (file, plan) in enumerate(todo, 1):
        file.unlink(missing_ok=True)  # what a gate left that was interrupted

        def told(what: str, spent: float, about: str = f"gate {place} of {len(todo)}, {file.stem}") -> None:
            advance(f"{about}: {what}", spent)

        with closing(Record(file)) as record:
            stages.run(replace(plan, base=commit, head=commit), choose, record, told)
        if not finished(file):
            raise CannotJudgeError(f"{file} did not come to its end: the same command goes on from there")


def finished(file: Path) -> bool:
    """Whether the record ``file`` has come to its end."""
    try:
        *_, last = map(json.loads, file.read_text(encoding="utf-8").splitlines())
        return bool(last["end"] == "")
    except (OSError, ValueError, TypeError, KeyError):
        return False


def _check(file: Path, plan: Plan) -> None:
    """Raise ``CaseError`` if ``file`` is the record of another campaign: together they would say nothing."""
    with file.open(encoding="utf-8") as lines:
        header = json.loads(lines.readline())
    try:
        theirs = header["budget"], header["threads"], header["engine"], header["threshold"]
        ours = plan.budget, plan.threads, plan.engine, plan.threshold
        same = theirs == ours and {*header["cases"]} <= {*plan.cases}
    except (KeyError, TypeError) as error:
        raise CaseError(f"{file} is no record of a gate: name another folder with --folder") from error
    if not same:
        raise CaseError(
            f"{file} is a gate of {_options(*theirs)} with {len(header['cases'])} cases, and not one of "
            f"{_options(*ours)} with these {len(plan.cases)}: name another folder with --folder, or the same options"
        )


def _options(budget: float, threads: int, engine: str, threshold: float) -> str:
    return f"{budget:g} s ({threads} threads, {engine} engine, threshold {threshold:g})"


def _gates(campaign: Campaign) -> Iterator[tuple[Path, Plan]]:
    """All gates, of identical code and planted in turns, so that what an interrupted campaign has is of both kinds."""
    for number in range(1, max(campaign.gates, campaign.planted) + 1):
        for kind, most in (("identical", campaign.gates), ("planted", campaign.planted)):
            if number <= most:
                plan = campaign.gate(number, kind == "planted")
                yield campaign.folder / f"{kind}-{number:03}.jsonl", plan


def _plants(cells: Sequence[Cell], each: int, chance: Random) -> dict[str, Plant]:
    """What slows which case; no case twice."""
    left = chance.sample(cells, len(cells))
    plants = {}
    for kind, slows in REAL.items():
        able = next(filter(slows, left), None)
        if able:
            left.remove(able)
            plants[able.id] = Plant(kind)
    sizes = [size for size in SIZES for _ in range(each)]
    return plants | {cell.id: Plant("spin", size) for cell, size in zip(left, sizes, strict=False)}
