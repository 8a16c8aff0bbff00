"""One gate: both sides are built, all cases get blocks, then the suspects do, until the budget is spent.

``choose`` is asked once, between the stages, which cases of the record so far are suspects: this room measures and does
not decide.
"""

import itertools
import math
import random
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from benchmarks import process
from benchmarks.grid import Cell
from benchmarks.side_by_side import sides
from benchmarks.side_by_side.arm import Surroundings
from benchmarks.side_by_side.block import Block
from benchmarks.side_by_side.commits import workplace
from benchmarks.side_by_side.errors import CannotJudgeError
from benchmarks.side_by_side.header import header
from benchmarks.side_by_side.plan import Plan
from benchmarks.side_by_side.record import Record
from benchmarks.side_by_side.timetable import Timetable

Choose = Callable[[Path], Sequence[str]]
Advance = Callable[[str, float], None]

BUILDING, ALL, SUSPECTS = 0, 1, 2

# A case that failed so often in blocks is left alone: each time that it hangs costs a minute of the budget.
STRIKES = 2

MINUTE = 60  # seconds


def run(plan: Plan, choose: Choose, record: Record, advance: Advance) -> Path:
    """Measure ``plan`` into ``record`` and return where that is; ``advance(what, seconds)`` tells how far it is.

    Ctrl-C, SIGTERM, SIGHUP and a full disk end it early: what was measured is in the record.
    Raises ``CaseError`` and ``CannotJudgeError`` where nothing can be measured.
    """
    began = time.monotonic()
    with process.interruptible(), workplace() as folder:
        advance("unpacking both commits", 0.0)
        base, head = sides.unpacked(plan, folder, record.path.parent)
        found = sides.cases(plan, base, head)
        record.write(header(plan, base, head, found))
        gate = Gate(plan, (base.where, head.where), record, advance, began)
        gate.build(found)
        gate.measure(choose)
    return record.path


class Gate:
    """The measurements of one gate, in the order in which they are made."""

    def __init__(
        self, plan: Plan, where: Sequence[Surroundings], record: Record, advance: Advance, began: float
    ) -> None:
        self._plan, self._where, self._record, self._advance, self._began = plan, where, record, advance, began
        self._total = plan.budget - plan.pace.last
        self._timetable = Timetable(plan.pace.samples)
        self._left: dict[str, Cell] = {}
        self._strikes: Counter[str] = Counter()

    @property
    def spent(self) -> float:
        """Seconds since the beginning."""
        return time.monotonic() - self._began

    def build(self, found: sides.Cases) -> None:
        """Prove every case right on both sides.  Raises ``CannotJudgeError`` if none is, or the budget is too small."""
        for arm, cells, reason in (
            ("base", found.new, "new: the base lacks it"),
            ("head", found.gone, "the head lacks it"),
        ):
            for cell in cells:
                self._write(BUILDING, 0, "build", {"case": cell.id, "arm": arm, "reason": reason, "absent": True})
        self._left = {cell.id: cell for cell in found.common}
        line: Mapping[str, Any] = {}
        for line in self._proved(found.common):
            self._write(BUILDING, 0, "build", line)
            self._advance(f"trying {line['case']}", self.spent)
            self._took_in(line)
        if not self._left:
            raise CannotJudgeError(f"no case can be measured; {line['case']} in the {line['arm']}: {line['reason']}")
        self._check_budget()

    def measure(self, choose: Choose) -> None:
        """Both stages, and why they ended early if they did."""
        ended = ""
        try:
            first = self._plan.pace.first_stage
            self._stage(ALL, list(self._left), self.spent + first * (self._total - self.spent))
            self._advance("looking for suspects", self.spent)
            self._stage(SUSPECTS, choose(self._record.path), self._total)
        except KeyboardInterrupt:
            ended = "interrupted"
        except CannotJudgeError as error:
            ended = str(error)
        except OSError as error:  # no process, no temporary file
            ended = f"the system denies what measuring needs: {error.strerror}"
        with suppress(CannotJudgeError):
            self._record.write({"spent": self.spent, "end": ended})

    def _proved(self, cells: Sequence[Cell]) -> Iterator[Mapping[str, Any]]:
        """A line of each case: why it failed, or what it is made of and how a block of proved cases measures it."""
        made: dict[str, Any] = {}
        for number, line in enumerate(Block(self._where, self._chance(BUILDING, "proof")).built(cells), 1):
            self._advance(f"building {line['case']}", self.spent)
            if "reason" not in line:
                made[line["case"]] = line["companions"]
                continue
            yield line
            if number < len(cells) and self.spent > self._total:  # what hangs, hangs for minutes, case after case
                raise CannotJudgeError(
                    f"the budget of {self._plan.budget:g} s is spent after {number} of {len(cells)} cases were built; "
                    f"{line['case']} fails in the {line['arm']}: {line['reason']}"
                )
        block = Block(self._where, self._chance(BUILDING))
        right = [cell for cell in cells if cell.id in made]
        for line in block.measured(right, self._plan.pace.samples[BUILDING]):
            yield {**line, "companions": made[line["case"]]}

    def _took_in(self, line: Mapping[str, Any]) -> None:
        """What a line of the building says about the time to come."""
        case = line["case"]
        if "reason" in line:
            del self._left[case]
            return
        self._timetable.built(case, line["start"], line["seconds"])

    def _check_budget(self) -> None:
        pace = self._plan.pace
        kinds = {"pair": pace.least_blocks, "control": math.ceil(pace.least_blocks / pace.control_every)}
        needed = sum(
            number * self._timetable.expected(ALL, kind, self._cases(ALL, kind, self._left))
            for kind, number in kinds.items()
        )
        if self.spent + needed > self._total:
            enough = math.ceil((self.spent + needed / pace.first_stage + pace.last) / MINUTE)
            number = len(self._left)
            what = "the case" if number == 1 else f"all {number} cases"
            raise CannotJudgeError(
                f"a budget of {self._plan.budget:g} s is too small: after {self.spent:.0f} s of building, "
                f"{pace.least_blocks} blocks of {what} take about {needed:.0f} s; "
                f"{'take fewer cases, or ' if number > 1 else 'take '}--budget {enough}m"
            )

    def _stage(self, stage: int, cases: Sequence[str], end: float) -> None:
        """Blocks of ``cases`` until the moment ``end``, counted as ``spent`` is."""
        pace = self._plan.pace
        for number in itertools.count(1):
            kinds = ("pair", "control") if number % pace.control_every == 1 else ("pair",)
            todo = {kind: self._cases(stage, kind, cases) for kind in kinds}
            predicted = sum(self._timetable.expected(stage, kind, some) for kind, some in todo.items())
            needed = stage == ALL and number <= pace.least_blocks
            if not todo["pair"] or self.spent + predicted > (self._total if needed else end):
                return
            for kind, some in todo.items():
                self._block(stage, number, kind, some)

    def _block(self, stage: int, number: int, kind: str, cases: Sequence[str]) -> None:
        base, head = self._where
        block = Block((base, head if kind == "pair" else base), self._chance(stage, number, kind))
        cells = [self._left[case] for case in cases]
        plants = self._plan.plants if kind == "pair" else {}
        began = time.monotonic()
        for line in block.measured(cells, self._plan.pace.samples[stage], plants):
            self._write(stage, number, kind, line)
            self._advance(f"stage {stage}, block {number}, {kind}s", self.spent)
            self._strikes[line["case"]] += "reason" in line
        self._timetable.took(stage, kind, time.monotonic() - began)
        for case in cases:
            if self._strikes[case] >= STRIKES:
                self._left.pop(case, None)

    def _cases(self, stage: int, kind: str, cases: Iterable[str]) -> list[str]:
        """Which of ``cases`` a block measures: all, but of the controls of the first stage a part, always the same."""
        present = [case for case in cases if case in self._left]
        if kind == "pair" or stage == SUSPECTS:
            return present
        pace = self._plan.pace
        number = min(len(present), max(pace.least_controls, math.ceil(pace.controls * len(present))))
        order = sorted(present, key=lambda case: self._chance(case).random())
        return order[:number]

    def _chance(self, *purpose: object) -> random.Random:
        """A generator of its own for each purpose: what one of them draws moves no other."""
        return random.Random(" ".join(map(str, (self._plan.seed, *purpose))))

    def _write(self, stage: int, block: int, kind: str, line: Mapping[str, Any]) -> None:
        self._record.write({"stage": stage, "block": block, "kind": kind, **line})
