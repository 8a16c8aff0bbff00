"""The switches under which every measuring process runs, whoever starts it.

Libraries read theirs once, while they load, so all must stand in the environment before (``switches.py``).
"""

import os
import signal
from collections.abc import Iterator, Mapping, MutableMapping
from contextlib import contextmanager

import switches
from benchmarks.grid import CaseError, chosen

# More threads than two would make a run on a large machine hard to compare with one on a hosted CI runner.
THREADS = min(2, os.cpu_count() or 1)
ENGINE = "threaded"
MOST_THREADS = 1024


def configure(environment: MutableMapping[str, str], threads: int | None = None, engine: str | None = None) -> None:
    """Write the suite's switches into ``environment``; what the user has set there stays, unless given here."""
    for name, given, default in (
        ("GLUONMARK_THREADS", threads, THREADS),
        ("GLUONMARK_ENGINE", engine, ENGINE),
        # Recorded backwards run inline, not through a thread pool that costs 100 µs a call.
        ("GLUONMARK_INLINE", None, 1),
    ):
        if given is not None:
            environment[name] = str(given)
        else:
            environment.setdefault(name, str(default))
    switches.prepare(environment)


def check(environment: Mapping[str, str]) -> None:
    """Raise ``CaseError`` for switches that mean nothing, before a library that reads them is loaded."""
    threads, engine = environment.get("GLUONMARK_THREADS", ""), environment.get("GLUONMARK_ENGINE", ENGINE)
    if threads and not (threads.isdecimal() and 0 < int(threads[:9]) <= MOST_THREADS and len(threads) < 9):
        raise CaseError(f"GLUONMARK_THREADS must be a whole number from 1 to {MOST_THREADS}, not {threads!r}")
    chosen("GLUONMARK_ENGINE", [engine], tuple(switches.ENGINES))


def conditions() -> dict[str, str | int | bool | None]:
    """What this process really runs under, recorded with every result.  Loads MXNet."""
    import mxnet_compat

    found = mxnet_compat.SWITCHES
    return {"threads": found.threads, "engine": found.engine, "inline_backward": found.inline}


def preload() -> None:
    """Load what every case needs and what may be loaded before a fork, so that many cases pay for it once.

    MXNet is not among it (see the package's docstring), but SciPy's statistics, a third of its import time, are.
    """
    import numba
    import rocket_fft  # noqa: F401
    import scipy.stats  # noqa: F401

    # Compiling anything makes Numba set up its target, which takes 0.6 s.
    numba.njit("float64(float64)")(lambda number: number)


@contextmanager
def interruptible() -> Iterator[None]:
    """SIGTERM and SIGHUP raise ``KeyboardInterrupt``, as Ctrl-C does: what was measured so far is kept.

    SIGPIPE is ignored: an order to a process that has died is an ``OSError``, and does not end this one.
    """
    wanted = dict.fromkeys((signal.SIGTERM, signal.SIGHUP), signal.default_int_handler) | {
        signal.SIGPIPE: signal.SIG_IGN
    }
    former = {number: signal.signal(number, handler) for number, handler in wanted.items()}
    try:
        yield
    finally:
        for number, handler in former.items():
            signal.signal(number, handler)
