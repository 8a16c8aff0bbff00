"""One block: every case once, in random order, on a fresh pair of processes."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from random import Random

from benchmarks.grid import Cell
from benchmarks.side_by_side.arm import Surroundings
from benchmarks.side_by_side.errors import ArmDeathError, CannotJudgeError
from benchmarks.side_by_side.pair import Answer, Pair, Patience, pair
from benchmarks.side_by_side.planted import Plant

TRIES = 2  # to start a pair


@dataclass(frozen=True)
class Block:
    """What is common to the cases of one block; ``where`` is the base's place, then the head's."""

    where: Sequence[Surroundings]
    chance: Random
    patience: Patience = field(default_factory=Patience)

    def built(self, cells: Sequence[Cell]) -> Iterator[Answer]:
        """Each case compiled and proved right on both sides."""
        return self._each(cells, lambda arms, cell: arms.build(cell))

    def measured(
        self, cells: Sequence[Cell], samples: int, plants: Mapping[str, Plant] | None = None
    ) -> Iterator[Answer]:
        """``samples`` windows of each case and side; ``plants`` slow cases of the head, by their ids."""
        planted = plants or {}
        return self._each(cells, lambda arms, cell: arms.measure(cell, samples, self.chance, planted.get(cell.id)))

    def _each(self, cells: Sequence[Cell], step: Callable[[Pair, Cell], Answer]) -> Iterator[Answer]:
        """A line for each cell.  A case that ends a process costs its own line; the others go on with a fresh pair."""
        left = self.chance.sample(list(cells), len(cells))
        deaths = 0
        while left:
            at: Cell | None = None
            try:
                with pair(self.where, self.chance, self.patience) as arms:
                    while left:
                        at = left.pop()
                        yield {"case": at.id, **step(arms, at)}
            except ArmDeathError as death:
                deaths = deaths + 1 if at is None else 0
                if deaths == TRIES:
                    raise CannotJudgeError(f"the {death.side} does not start: {death}") from death
                if at is not None:
                    yield {"case": at.id, "arm": death.side, "reason": str(death)}
