"""The control: some cases also run as base against base; where that looks slower, the machine is to blame."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from reports.verdict.blocks import CONTROL
from reports.verdict.look import Look, look
from reports.verdict.observations import matrix
from reports.verdict.rules import Rules

STAGES = (1, 2)


@dataclass(frozen=True)
class Control:
    """One case as base against base in one stage; ``fired`` if the two differ more than accidents explain."""

    case: str
    stage: int
    blocks: int
    ratio: float
    fired: bool


def controls(observed: pd.DataFrame, rules: Rules) -> Sequence[Control]:
    """The controls of both stages, in the order of measuring."""
    found: list[Control] = []
    for stage in STAGES:
        ratios = matrix(observed, CONTROL, stage)
        seen = look(ratios.to_numpy(dtype=float), rules)
        fired = firing(seen, rules)
        found += [
            Control(str(case), stage, int(seen.blocks[i]), float(np.exp(seen.estimate[i])), bool(fired[i]))
            for i, case in enumerate(ratios.index)
        ]
    return found


def firing(seen: Look, rules: Rules) -> np.ndarray:
    """Which controls of one stage fire: like a failure, but in either direction, for neither arm is the newer one."""
    allowed = rules.control_error / len(STAGES) / max(1, len(seen.blocks)) / 2
    fired: np.ndarray = (np.minimum(seen.slower, seen.faster) <= allowed) & (np.abs(seen.estimate) > rules.least)
    return fired
