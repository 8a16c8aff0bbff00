"""The control: some cases also run as base against base; where that looks slower, the machine is to blame."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from reports.verdict.blocks import CONTROL
from reports.verdict.look import Look, look
from reports.verdict.observations import matrix
from reports.verdict.rules import Rules


@dataclass(frozen=True)
class Control:
    """One case as base against base; ``fired`` if the two differ more than accidents explain, ``able`` if there are
    blocks enough for that."""

    case: str
    blocks: int
    ratio: float
    able: bool
    fired: bool


def controls(observed: pd.DataFrame, rules: Rules) -> Sequence[Control]:
    """The controls, each with its blocks of both stages: neither stage chose them for what they said."""
    ratios = pd.concat([matrix(observed, CONTROL, stage) for stage in (1, 2)], axis=1)
    seen = look(ratios.to_numpy(dtype=float), rules)
    able, fired = _able(seen, rules), firing(seen, rules)
    return [
        Control(str(case), int(seen.blocks[i]), float(np.exp(seen.estimate[i])), bool(able[i]), bool(fired[i]))
        for i, case in enumerate(ratios.index)
    ]


def firing(seen: Look, rules: Rules) -> np.ndarray:
    """Which controls fire: like a failure, but in either direction, for neither arm is the newer one.

    The chance of an accident is shared by those that have blocks enough to fire at all.
    """
    allowed = rules.control_error / max(1, int(_able(seen, rules).sum())) / 2
    fired: np.ndarray = (np.minimum(seen.slower, seen.faster) <= allowed) & (np.abs(seen.estimate) > rules.least)
    return fired


def _able(seen: Look, rules: Rules) -> np.ndarray:
    able: np.ndarray = 2.0 ** (1 - seen.blocks) <= rules.control_error
    return able
