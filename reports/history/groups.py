"""Groups the changes of several series that one commit explains."""

import numpy as np
import pandas as pd


def groups(table: pd.DataFrame) -> np.ndarray:
    """A number for each row: rows of one number may all have happened at one commit.

    ``table`` has ``shape``, ``position`` and ``earliest``..``latest``, the commits at which each may have happened.
    The commit that explains most rows is taken first, then the one that explains most of the rest, and so on.  What
    came little by little is not due to a commit at which something else jumped.
    """
    group = np.full(len(table), -1)
    for shape in table["shape"].unique():
        left = np.flatnonzero(table["shape"] == shape)
        while left.size:
            members = left[_of_one_commit(table.iloc[left])]
            group[members] = group.max() + 1
            left = left[group[left] < 0]
    return group


def _of_one_commit(table: pd.DataFrame) -> np.ndarray:
    """Which rows the commit explains that explains most."""
    position, earliest, latest = (table[name].to_numpy() for name in ("position", "earliest", "latest"))
    size = int(latest.max()) + 2
    votes = np.zeros(size)
    np.add.at(votes, earliest, 1.0)
    np.add.at(votes, latest + 1, -1.0)
    # Half a vote more from each that most likely happened there.
    commit = int(np.argmax(np.cumsum(votes) + 0.5 * np.bincount(position, minlength=size)))
    members: np.ndarray = (earliest <= commit) & (commit <= latest)
    return members
