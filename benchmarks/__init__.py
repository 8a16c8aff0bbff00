"""When the layers are timed: one grid of cases, one sampler, three ways to run them.

asv (``layers_asv.py``), pytest-benchmark (``with_pytest/test_cases.py``) and ``gluonmark bench`` (``bench.py``)
enumerate the cells of ``grid.py``, prepare them with ``cases.py`` and time them with ``clock.py``; three ways to
measure one thing that disagree would make every later verdict worthless.  ``side_by_side/`` measures two commits for
``gluonmark gate``, with the same cases and the same sampler.

asv imports every file of this folder, in an environment that holds only what the measured code needs, and in the
process that it then forks for each case.  Therefore no module here imports, while it is itself imported,

* MXNet, ``layers`` or ``kernels``: MXNet switches OpenMP off in a process that was forked after it was loaded
  (src/initialize.cc, ``atfork_child``), so a case would run on one thread while Numba runs on all of them;
* pytest, pandas, Rich or Typer: asv's environment lacks them.
"""
