"""Both sides of a gate, unpacked: where each is measured, and which cases it has."""

import shutil
import subprocess
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

from benchmarks import grid
from benchmarks.crew import SUITE
from benchmarks.grid import CaseError, Cell
from benchmarks.side_by_side.arm import Surroundings, end
from benchmarks.side_by_side.commits import Commit, Repository
from benchmarks.side_by_side.errors import CannotJudgeError
from benchmarks.side_by_side.pair import SIDES
from benchmarks.side_by_side.plan import Plan

# What a checkout of gluonmark has; the folders alone may be somebody else's.
OURS = ("gluonmark.py", "benchmarks", "kernels", "layers")
DRIVER = Path("benchmarks", "side_by_side", "measuring.py")
ACCEPTED = ".gluonmark-accept"  # slow-downs that the head accepts: reports/verdict/overrides.py


@dataclass(frozen=True)
class Side:
    """One unpacked commit."""

    commit: Commit
    where: Surroundings

    @property
    def about(self) -> dict[str, Any]:
        """What the record says of it."""
        accepted = self.where.root / ACCEPTED
        return {
            "commit": self.commit.hash,
            "subject": self.commit.subject,
            "message": self.commit.message,
            "dirty": self.commit.dirty,
            "accept": accepted.read_text(encoding="utf-8", errors="replace") if accepted.is_file() else "",
        }


@dataclass(frozen=True)
class Cases:
    """The cells that both sides have, and those that only one has."""

    common: tuple[Cell, ...]
    new: tuple[Cell, ...]
    gone: tuple[Cell, ...]


def unpacked(plan: Plan, folder: Path, results: Path) -> tuple[Side, Side]:
    """The base and the head in folders of their own; ``results`` belongs to neither.

    Raises ``CaseError`` and ``CannotJudgeError``.
    """
    repository = Repository.around(Path.cwd(), results)
    commits = [repository.commit(plan.base), repository.commit(plan.head)]
    roots = [folder / side for side in SIDES]
    for commit, root in zip(commits, roots, strict=True):
        repository.write(commit, root)
    own = all((repository.root / name).exists() for name in OURS)
    if own:
        _share_definitions(*roots)
    elif plan.layers or not plan.outside:
        raise CaseError(
            f"name layers of the repository {repository.root}, path/to/file.py:Class: gluonmark's own catalogue is "
            "the same for all of its commits"
        )
    for side, root in zip(SIDES, roots, strict=True):
        _build(plan.build, side, root, plan.budget)
    base, head = (
        Side(
            commit,
            Surroundings(root if own else SUITE, root, plan.outside, plan.pace.sampling, plan.threads, plan.engine),
        )
        for commit, root in zip(commits, roots, strict=True)
    )
    return base, head


def _share_definitions(base: Path, head: Path) -> None:
    """Give both sides the head's ``benchmarks/``, or ours where the head is older than the gate."""
    source = head if (head / DRIVER).is_file() else SUITE
    for root in (base, head):
        if root != source:
            shutil.rmtree(root / "benchmarks", ignore_errors=True)
            shutil.copytree(source / "benchmarks", root / "benchmarks", ignore=shutil.ignore_patterns("__pycache__"))


def _build(command: str, side: str, root: Path, longest: float) -> None:
    """Run the person's own command in the folder of a side, for ``longest`` seconds at most.

    A server that it leaves behind ends with it, and is not waited for.
    """
    if not command:
        return
    with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as complaints:
        started = subprocess.Popen(
            command,
            shell=True,
            cwd=root,
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=complaints,
            start_new_session=True,
        )
        try:
            status = started.wait(longest)
        except subprocess.TimeoutExpired as error:
            raise CannotJudgeError(
                f"the {side} does not build within the budget of {longest:g} s: {command}"
            ) from error
        finally:
            end(started)
        if status:
            said = _lines(complaints) or _lines(out) or [f"exit status {status}"]
            raise CannotJudgeError(f"the {side} does not build: {said[-1]}")


def _lines(file: IO[bytes]) -> Sequence[str]:
    file.seek(0)
    return file.read().decode(errors="replace").strip().splitlines()


def cases(plan: Plan, base: Side, head: Side) -> Cases:
    """Which cases there are.  Raises ``CaseError`` for a layer that neither side has, or if none is common."""
    cells = [set(_cells(plan, side)) for side in (base, head)]
    known = sorted({cell.layer for side in cells for cell in side})
    for name in (*plan.layers, *plan.outside):
        if name not in known:
            spec, all_known = _named(plan, name), ", ".join(known) or "no layer"
            raise CaseError(f"neither the base nor the head has {spec}; they have: {all_known}")
    if plan.cases:
        cells = [{cell for cell in side if cell.id in plan.cases} for side in cells]
    both = cells[0] & cells[1]
    if not both:
        lacking = "; ".join(_lacking(plan, cells))
        raise CannotJudgeError(f"the base and the head have no case in common{lacking and ': '}{lacking}")
    return Cases(_ordered(both), _ordered(cells[1] - both), _ordered(cells[0] - both))


def _lacking(plan: Plan, cells: Sequence[set[Cell]]) -> Iterator[str]:
    """Which side lacks which of the layers that were asked for by name."""
    for side, found in zip(SIDES, cells, strict=True):
        have = {cell.layer for cell in found}
        lacks = [_named(plan, name) for name in (*plan.layers, *plan.outside) if name not in have]
        if lacks:
            yield f"the {side} lacks {', '.join(lacks)}"


def _named(plan: Plan, name: str) -> str:
    """A layer as it was asked for."""
    return plan.outside[name].spec if name in plan.outside else name


def _cells(plan: Plan, side: Side) -> Iterator[Cell]:
    """The cells of the chosen layers that a side has."""
    names = grid.layer_names(side.where.suite / "layers")
    chosen = [name for name in names if name in plan.layers or not (plan.layers or plan.outside)]
    yield from grid.cells(chosen, plan.variants, plan.batches or grid.BATCHES, ["cpu"], plan.modes)
    for name, layer in plan.outside.items():
        if _may_have(side.where.root, layer.spec):
            yield from grid.cells([name], plan.variants, plan.batches or [layer.batch], ["cpu"], plan.modes)


def _may_have(root: Path, spec: str) -> bool:
    """Whether the file of a layer is there and speaks of its class, or of names that it does not say."""
    file, _, name = spec.rpartition(":")
    try:
        text = (root / file).read_text(encoding="utf-8", errors="replace")
    except OSError:
        return False
    return name in text or "import *" in text


def _ordered(cells: set[Cell]) -> tuple[Cell, ...]:
    return tuple(sorted(cells, key=lambda cell: cell.id))
