"""What a measuring process suffers while it measures: recorded with every figure, so that rules can drop blocks."""

import os
import re
import resource
import time
from dataclasses import dataclass
from pathlib import Path

STAT = Path("/proc/stat")
SCHEDULE = Path("/proc/self/schedstat")
PROCESSORS = Path("/proc/cpuinfo")

STOLEN = 8  # column of /proc/stat: time that the hypervisor gave to somebody else
BUSY = (1, 2, 3, 6, 7)  # columns: user, nice, system, irq, softirq
NANO = 1e-9


@dataclass(frozen=True)
class Moment:
    """Counters of this machine and this process, all ever growing; ``None`` where this system does not count them."""

    seconds: float
    voluntary: int
    involuntary: int
    computed: float
    stolen: float | None
    busy: float | None
    waited: float | None

    @classmethod
    def now(cls) -> "Moment":
        """The counters as they stand."""
        used = resource.getrusage(resource.RUSAGE_SELF)
        machine = _machine()
        return cls(
            seconds=time.perf_counter(),
            voluntary=used.ru_nvcsw,
            involuntary=used.ru_nivcsw,
            computed=used.ru_utime + used.ru_stime,
            stolen=machine and machine[0],
            busy=machine and machine[1],
            waited=_waited(),
        )

    def since(self, earlier: "Moment") -> dict[str, float | None]:
        """What happened between two moments.

        ``steal`` and ``busy`` are in processors (2 of 2 processors busy: 2.0), of the whole machine, at a resolution
        of 10 ms; ``waited`` is the share of time that this process's first thread was ready and had no processor;
        ``load`` is the machine's mean of one minute.
        """
        elapsed = max(self.seconds - earlier.seconds, NANO)
        return {
            "seconds": elapsed,
            "load": os.getloadavg()[0],
            "steal": _rate(self.stolen, earlier.stolen, elapsed),
            "busy": _rate(self.busy, earlier.busy, elapsed),
            "waited": _rate(self.waited, earlier.waited, elapsed),
            "computed": (self.computed - earlier.computed) / elapsed,
            "voluntary": self.voluntary - earlier.voluntary,
            "involuntary": self.involuntary - earlier.involuntary,
            "megahertz": _megahertz(),
        }


def _rate(now: float | None, earlier: float | None, elapsed: float) -> float | None:
    return None if now is None or earlier is None else (now - earlier) / elapsed


def _machine() -> tuple[float, float] | None:
    """Seconds stolen and seconds computed, summed over all processors since the machine started."""
    try:
        columns = STAT.read_text().split("\n", 1)[0].split()
        tick = os.sysconf("SC_CLK_TCK")
        return int(columns[STOLEN]) / tick, sum(int(columns[column]) for column in BUSY) / tick
    except (OSError, IndexError, ValueError):
        return None


def _waited() -> float | None:
    """Seconds that this process's first thread was ready to run and had to wait for a processor."""
    try:
        return int(SCHEDULE.read_text().split()[1]) * NANO
    except (OSError, IndexError, ValueError):
        return None


def _megahertz() -> float | None:
    """The mean frequency of the processors; a virtual machine may tell a constant."""
    try:
        found = [float(one) for one in re.findall(r"^cpu MHz\s*:\s*([\d.]+)", PROCESSORS.read_text(), re.MULTILINE)]
    except OSError:
        return None
    return sum(found) / len(found) if found else None
