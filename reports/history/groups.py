"""Groups the changes of several series that one commit explains."""

import numpy as np
import pandas as pd


def groups(table: pd.DataFrame) -> np.ndarray:
    """A number for each row: rows of one number may all have happened at one commit.

    ``table`` has ``position`` and ``earliest``..``latest``, the commits at which each may have happened.  The commit
    that explains most rows is taken first, then the one that explains most of the rest, and so on.
    """
    position, earliest, latest = (table[name].to_numpy() for name in ("position", "earliest", "latest"))
    group = np.full(len(table), -1)
    number = 0
    while (left := np.flatnonzero(group < 0)).size:
        size = latest[left].max() + 2
        # How many may have happened at each commit, and half as much again for those that most likely did.
        votes = np.zeros(size)
        np.add.at(votes, earliest[left], 1.0)
        np.add.at(votes, latest[left] + 1, -1.0)
        votes = np.cumsum(votes) + 0.5 * np.bincount(position[left], minlength=size)[:size]
        commit = int(np.argmax(votes))
        members = left[(earliest[left] <= commit) & (commit <= latest[left])]
        group[members] = number
        number += 1
    return group
