"""The commands of ``gluonmark.py``, a file for each kind: they parse, delegate to a room and print, without logic.

The rooms are imported inside the commands, so that ``--help`` is quick and ``speedups`` needs neither MXNet nor Numba.
"""

# Exit codes besides 0: done, nothing regressed.
REGRESSED, WRONG_INPUT, NOT_JUDGED = 1, 2, 3
