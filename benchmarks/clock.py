"""The one sampler, and the clock that makes other tools' clocks agree with it.

One call of a fast kernel is shorter than what asv or pytest-benchmark add to each call.  So a *window* of many
calls is timed here, without those tools between the calls, and a virtual clock is then moved on by elapsed ÷ calls.
asv's ``timer`` attribute and pytest-benchmark's ``timer`` option read that clock: both see the time of one call.
"""

import gc
import math
import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass

# Threads that wait for each other on a busy machine take a hundred times longer: a window that missed its length by
# this factor is followed by one of another number of calls, or a run would take minutes longer.
TROUBLE = 8

# Seconds.  After another closure's window its libraries' threads still spin, in wait of more: those of OpenMP, behind
# MXNet's products, for 8 ms of processor time (libgomp's 300,000 rounds).  A window among them would time two closures.
SETTLE = 0.012

# That all of so many tries are disturbed is unlikely; more would cost seconds where a call takes one.
TRIES = 3


@dataclass(frozen=True)
class Sampling:
    """How long to measure.  Times are in seconds."""

    # Lets caches, branch predictors and MXNet's worker threads settle.
    warm_up: float = 0.02
    # Long against the clock's resolution (50 ns) and a hand-over between threads (100 µs).
    window: float = 0.004
    windows: int = 15


def stay_awake(seconds: float) -> None:
    """Wait without giving up the processor: one that slept is slow for a while after."""
    end = time.perf_counter() + seconds
    while time.perf_counter() < end:
        pass


class Sampler:
    """Times one closure in windows of a calibrated number of calls.

    ``call`` is warmed up and calibrated at once; afterwards ``sample()`` gives the seconds of one call.  ``clock``
    returns seconds.
    """

    def __init__(
        self,
        call: Callable[[], object],
        sampling: Sampling,
        clock: Callable[[], float] = time.perf_counter,
        wait: Callable[[float], None] = stay_awake,
    ) -> None:
        self._call = call
        self._clock = clock
        self._wait = wait
        self._window = sampling.window
        self.elapsed(1)  # the first call allocates, loads and compiles: it says nothing about the next
        self.calls = self._calibrated(sampling)

    def sample(self) -> float:
        """The seconds of one call, averaged over one window."""
        seconds = self.elapsed(self.calls) / self.calls
        if not 1 / TROUBLE < self.calls * seconds / self._window < TROUBLE:
            self.calls = self._filling(seconds)
        return seconds

    def settle(self) -> None:
        """Wait until the threads of whatever ran before have gone to sleep, then bring back what this closure needs."""
        self._wait(SETTLE)
        self.elapsed(math.ceil(self.calls / 4))

    def _calibrated(self, sampling: Sampling) -> int:
        """Calls that fill one window, found while warming up, so that no call is wasted.

        The fastest of several tries counts: one that lost the processor for a while would make every window too short.
        It decides also whether more calls are tried next, or what is slow ever after would be tried ever after.
        """
        calls, spent, tries, fastest = 1, 0.0, 0, math.inf
        while tries < TRIES or spent < sampling.warm_up or fastest * calls < sampling.window / 2:
            elapsed = self.elapsed(calls)
            spent += elapsed
            tries += 1
            fastest = min(fastest, elapsed / calls)
            if fastest * calls < sampling.window / 2:
                calls *= 2
        return self._filling(fastest)

    def _filling(self, seconds: float) -> int:
        """How many calls of so many ``seconds`` fill one window."""
        return max(1, math.ceil(self._window / seconds))

    def elapsed(self, calls: int) -> float:
        """The seconds that ``calls`` calls took, with the garbage collector held back as ``timeit`` does."""
        call, clock = self._call, self._clock
        collecting = gc.isenabled()
        gc.disable()
        try:
            start = clock()
            for _ in range(calls):
                call()
            return clock() - start
        finally:
            if collecting:
                gc.enable()


class VirtualClock:
    """A clock that only moves when something was measured, and then by the seconds of one call."""

    def __init__(self) -> None:
        self._now = 0.0

    def __call__(self) -> float:
        return self._now

    def advance_by_one(self, sampler: Sampler) -> None:
        """Measure one window and move on by the seconds of one call."""
        self._now += sampler.sample()

    def advance_by_median(self, sampler: Sampler, windows: int) -> None:
        """Measure several windows and move on by their median: for a tool that takes a single sample."""
        self._now += statistics.median(sampler.sample() for _ in range(windows))
