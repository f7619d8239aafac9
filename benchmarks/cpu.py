"""CPU time of other processes, to the nanosecond where the kernel has a clock for it."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Sequence

import psutil

_CPUCLOCK_SCHED = 2


def cpu_seconds(pid: int) -> float:
    """User and system time of all threads of ``pid``, those that have ended too.

    ``/proc/<pid>/stat`` counts the same in ticks of 10 ms, which is most of a request.
    """
    if sys.platform == "linux":
        # clock_getcpuclockid(3), which Python has no name for.
        return time.clock_gettime((~pid) << 3 | _CPUCLOCK_SCHED)
    times = psutil.Process(pid).cpu_times()
    return times.user + times.system


def tree_cpu_seconds(pids: Sequence[int]) -> float:
    return sum(cpu_seconds(pid) for pid in pids)


def family(pid: int) -> tuple[int, ...]:
    """A process and all that it started."""
    process = psutil.Process(pid)
    return (pid, *(child.pid for child in process.children(recursive=True)))


def all_cpus() -> set[int]:
    return set(range(os.cpu_count() or 1))


def pin(pid: int, cpus: set[int]) -> None:
    """Bind every thread of a process to the given CPUs, where the platform can."""
    if sys.platform != "linux":
        return
    for thread in psutil.Process(pid).threads():
        try:
            os.sched_setaffinity(thread.id, cpus)
        except ProcessLookupError:
            continue


class MachineLoad:
    """How busy other people kept the machine: the share of CPU time that was none of ours."""

    def __init__(self, own_pids: Sequence[int]) -> None:
        self._own = tuple(own_pids)
        self._start = (time.monotonic(), self._busy(), tree_cpu_seconds(self._own))

    @staticmethod
    def _busy() -> float:
        times = psutil.cpu_times()
        return (
            sum(times) - times.idle - getattr(times, "iowait", 0.0) - getattr(times, "guest", 0.0)
        )

    def foreign_share(self) -> float:
        wall, busy, own = self._start
        elapsed = (time.monotonic() - wall) * (os.cpu_count() or 1)
        used = self._busy() - busy - (tree_cpu_seconds(self._own) - own)
        return max(0.0, used / elapsed)
