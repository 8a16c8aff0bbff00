"""How often something happened, with what is unknown of it."""

import math
from dataclasses import dataclass

NORMAL = 1.959964  # 97.5 % of a normal distribution lie below


@dataclass(frozen=True)
class Share:
    """``hits`` of ``tries``."""

    hits: int
    tries: int

    @property
    def value(self) -> float:
        """The share itself; NaN of no tries."""
        return self.hits / self.tries if self.tries else math.nan

    @property
    def interval(self) -> tuple[float, float]:
        """Wilson's 95 % interval, which also means something where nothing or everything was hit."""
        if not self.tries:
            return 0.0, 1.0
        square = NORMAL**2 / self.tries
        middle = self.value + square / 2
        half = NORMAL * math.sqrt(self.value * (1 - self.value) / self.tries + square / (4 * self.tries))
        return max(0.0, (middle - half) / (1 + square)), min(1.0, (middle + half) / (1 + square))
