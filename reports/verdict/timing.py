"""How many blocks a gate has time for."""

from dataclasses import dataclass

from reports.verdict.rules import Rules
from reports.verdict.statistics import fewest

# How gates divide their time (benchmarks/side_by_side/plan.py).
FIRST_STAGE = 0.55
CONTROL_EVERY = 3


@dataclass(frozen=True)
class Timing:
    """``early`` blocks in the first stage, ``late`` seconds for the second one.  A block takes ``start`` seconds by
    itself and ``each`` for each of its cases."""

    early: int
    late: float
    start: float
    each: float

    def blocks(self, suspects: int) -> int:
        """How many blocks of so many suspects the second stage has time for, their controls included."""
        return int(self.late / ((self.start + suspects * self.each) * (1 + 1 / CONTROL_EVERY))) if suspects else 0

    def affordable(self, suspects: int, rules: Rules) -> int:
        """How many of so many suspects can be decided; at least one, if there is one.

        Where the machine is noisy everything is a suspect, and the time for all of them would decide none.
        """
        while suspects > 1 and self.blocks(suspects) < rules.suspect_blocks * fewest(rules.late / suspects):
            suspects -= 1
        return suspects
