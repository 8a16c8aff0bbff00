"""Import MXNet 1.9.1 on today's NumPy, with the thread and engine switches set before it loads.

Import this module before anything that imports ``mxnet``; ``layers`` and ``kernels`` do so first of all.
MXNet reads its switches once, while its library loads, so they are read here from the environment:

``GLUONMARK_THREADS``  threads for MXNet, Numba and BLAS alike (default: whatever those libraries choose)
``GLUONMARK_ENGINE``   ``threaded`` (MXNet's default) or ``naive`` (every operator on the calling thread)
``GLUONMARK_INLINE``   ``1`` runs the backward of recorded functions on the engine's thread instead of the
                       custom-operator thread pool.  gluonmark's own processes set it; in a user's process it is
                       opt-in, because a Python ``CustomOp`` that calls ``asnumpy()`` then waits for itself.
"""

import os
import warnings
from collections.abc import MutableMapping
from dataclasses import dataclass

import numpy

ENGINES = {"threaded": None, "naive": "NaiveEngine"}

# Two libraries with different thread counts would be compared unfairly: by default MXNet takes half the
# processors (src/engine/openmp.cc), Numba and OpenBLAS all of them.
THREAD_VARIABLES = ("OMP_NUM_THREADS", "NUMBA_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")

# Removed from NumPy 1.24; MXNet's Python package reads them while it is imported.
NUMPY_ALIASES = {"bool": bool, "int": int, "float": float, "object": object}


@dataclass(frozen=True)
class Switches:
    """What this process asked of MXNet before loading it; recorded with every result."""

    threads: int | None
    engine: str
    inline: bool


def read_switches(environment: MutableMapping[str, str]) -> Switches:
    """The switches that ``environment`` asks for.  Raises ``ValueError`` for a value that means nothing."""
    threads = environment.get("GLUONMARK_THREADS", "")
    if threads and not (threads.isdecimal() and int(threads) > 0):
        raise ValueError(f"GLUONMARK_THREADS must be a positive whole number, not {threads!r}")
    engine = environment.get("GLUONMARK_ENGINE", "threaded")
    if engine not in ENGINES:
        raise ValueError(f"GLUONMARK_ENGINE must be one of {', '.join(ENGINES)}, not {engine!r}")
    return Switches(int(threads) if threads else None, engine, environment.get("GLUONMARK_INLINE") == "1")


def _load(switches: Switches) -> None:
    if switches.threads is not None:
        os.environ.update(dict.fromkeys(THREAD_VARIABLES, str(switches.threads)))
    for name, builtin in NUMPY_ALIASES.items():
        if name not in vars(numpy):
            setattr(numpy, name, builtin)
    asked = ENGINES[switches.engine] or os.environ.get("MXNET_ENGINE_TYPE")
    # The custom-operator pool looks at the engine type while the library loads, the engine itself at the first
    # operation: naming the naive engine only during the import makes recorded backwards run inline and leaves
    # the engine asynchronous.
    _set_engine_type(ENGINES["naive"] if switches.inline else asked)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # MXNet 1.9.1 compares types and escapes as Python of 2015 did
            import mxnet  # noqa: F401
    except OSError as error:
        if "libquadmath" in str(error):
            raise ImportError(
                "MXNet needs the system library libquadmath.so.0: install it with `sudo apt-get install libquadmath0`"
            ) from error
        raise
    finally:
        _set_engine_type(asked)


def _set_engine_type(engine_type: str | None) -> None:
    if engine_type is None:
        os.environ.pop("MXNET_ENGINE_TYPE", None)
    else:
        os.environ["MXNET_ENGINE_TYPE"] = engine_type


SWITCHES = read_switches(os.environ)
_load(SWITCHES)
