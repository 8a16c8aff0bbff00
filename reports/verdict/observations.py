"""One number for each case and block: the logarithm of head ÷ base."""

import numpy as np
import pandas as pd

from reports.verdict.blocks import ARMS, BASE, DISTURBANCES, HEAD
from reports.verdict.rules import Rules

# So much of each disturbance is usual on any machine: of a processor's time, in switches, of the process's time.
USUAL = {"steal": 0.02, "involuntary": 5.0, "waited": 0.02}


def observations(frame: pd.DataFrame, rules: Rules) -> pd.DataFrame:
    """``frame`` with the columns ``base`` and ``head`` as seconds that stand for a process, ``ratio`` and ``dropped``.

    ``ratio`` is natural log(head ÷ base), ``dropped`` says that a process of the block was disturbed: a rule that knows
    neither arm nor time, so that what is left of identical code is still as likely to be of either sign.
    """
    seconds = {arm: np.array([np.quantile(samples, rules.quantile) for samples in frame[arm]]) for arm in ARMS}
    ratio = np.log(seconds[HEAD]) - np.log(seconds[BASE])
    return frame.assign(**seconds, ratio=ratio, dropped=_disturbed(frame, rules))


def matrix(observed: pd.DataFrame, kind: str, stage: int) -> pd.DataFrame:
    """The ratios of one stage by case (row) and block (column), NaN where there is none or it is dropped."""
    wanted = observed[(observed["kind"] == kind) & (observed["stage"] == stage)]
    kept = wanted["ratio"].where(~wanted["dropped"])
    return kept.groupby([wanted["case"], wanted["block"]], sort=False).first().unstack()


def _disturbed(frame: pd.DataFrame, rules: Rules) -> np.ndarray:
    """Compared with the case's own median: one that waits for other threads is switched more often than others.

    Of each stage apart, whose samples are of another number: what the first one said, the second one does not change.
    """
    disturbed = np.zeros(len(frame), dtype=bool)
    for name in DISTURBANCES:
        worse = frame[name].astype("float64")
        usual = worse.groupby([frame["case"], frame["stage"]]).transform("median").clip(lower=USUAL[name])
        disturbed |= (worse > rules.disturbed * usual).to_numpy()
    return disturbed
