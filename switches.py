"""The switches of a process, and what they mean to the libraries that read theirs once, while they load.

``GLUONMARK_THREADS``  threads for MXNet, Numba and BLAS alike (default: whatever those libraries choose)
``GLUONMARK_ENGINE``   ``threaded`` (MXNet's default) or ``naive`` (every operator on the calling thread)
``GLUONMARK_INLINE``   ``1`` runs the backward of recorded functions on the engine's thread instead of the
                       custom-operator thread pool.  gluonmark's own processes set it; in a user's process it is
                       opt-in, because a Python ``CustomOp`` that calls ``asnumpy()`` then waits for itself.

This module loads no library, so that ``prepare`` can come before all of them.
"""

from collections.abc import MutableMapping
from dataclasses import dataclass

ENGINES = {"threaded": None, "naive": "NaiveEngine"}

# Two libraries with different thread counts would be compared unfairly: by default MXNet takes half the
# processors (src/engine/openmp.cc), Numba and OpenBLAS all of them.
THREAD_VARIABLES = ("OMP_NUM_THREADS", "NUMBA_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")

# A worker of SciPy's OpenBLAS, which our kernels call, spins for 2^28 cycles (0.1 s) after a product and takes a
# processor from MXNet's own threads: a Dense layer in MXNet took 3.9 ms instead of 0.4 ms beside one of ours.  2^17
# cycles (50 µs) keep it awake between the products of one call only; what waking it costs was lost in the noise.
BLAS_PATIENCE = {"OPENBLAS_THREAD_TIMEOUT": "17"}


@dataclass(frozen=True)
class Switches:
    """What this process asks of its libraries before they load; recorded with every result."""

    threads: int | None
    engine: str
    inline: bool


def prepare(environment: MutableMapping[str, str]) -> Switches:
    """Read the switches and write what libraries read.  Raises ``ValueError`` for a value that means nothing."""
    threads = environment.get("GLUONMARK_THREADS", "")
    if threads and not (threads.isdecimal() and int(threads) > 0):
        raise ValueError(f"GLUONMARK_THREADS must be a positive whole number, not {threads!r}")
    engine = environment.get("GLUONMARK_ENGINE", "threaded")
    if engine not in ENGINES:
        raise ValueError(f"GLUONMARK_ENGINE must be one of {', '.join(ENGINES)}, not {engine!r}")
    if threads:
        environment.update(dict.fromkeys(THREAD_VARIABLES, threads))
    for name, value in BLAS_PATIENCE.items():
        environment.setdefault(name, value)
    return Switches(int(threads) if threads else None, engine, environment.get("GLUONMARK_INLINE") == "1")
