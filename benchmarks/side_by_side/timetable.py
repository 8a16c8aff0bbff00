"""How long the next block will take, from what the blocks so far took."""

import statistics
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

LATEST = 3  # blocks that predict the next one


@dataclass
class Timetable:
    """Seconds.  ``samples`` says how many each side gives in a block of each stage; stage 0 is the building."""

    samples: Mapping[int, int]
    start: float = 0.0
    _sampling: dict[str, float] = field(default_factory=dict)
    _blocks: dict[tuple[int, str], list[float]] = field(default_factory=dict)

    def built(self, case: str, start: float, sampling: float) -> None:
        """The building of a case on a pair that took ``start`` to start; ``sampling`` is what a block will repeat."""
        self.start = max(self.start, start)
        self._sampling[case] = sampling

    def took(self, stage: int, kind: str, seconds: float) -> None:
        """A block ended."""
        self._blocks.setdefault((stage, kind), []).append(seconds)

    def expected(self, stage: int, kind: str, cases: Iterable[str]) -> float:
        """What a block will take.  Before the first of its kind: as long as the building says, all of it sampling."""
        known = self._blocks.get((stage, kind))
        if known:
            return statistics.mean(known[-LATEST:])
        more = max(1.0, self.samples[stage] / self.samples[0])
        return self.start + more * sum(self._sampling[case] for case in cases)
