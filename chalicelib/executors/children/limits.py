"""What a child process may do, set by itself.

It starts no process, and each job has bounds on processor time and memory. The kernel keeps these
whatever the executor does, also while native code runs. Linux has all of them. Elsewhere (a
developer's macOS) memory is not bounded, and a process that an executor starts is not prevented;
processor and wall limit hold everywhere.
"""

from __future__ import annotations

import contextlib
import math
import os
import resource
import sys
import time
from typing import Final

from chalicelib.executors.children.linux_sandbox import confine

_IS_LINUX: Final = sys.platform == "linux"
_PAGE_BYTES: Final = resource.getpagesize()
#: A child that is idle may use this much of the processor before the kernel ends it: what an
#: executor left running in the background does not outlive its execution for long.
_IDLE_PROCESSOR_SECONDS: Final = 1
#: The most seconds that ticks are taken to count in one of processor time.
_SECONDS_BY_TICKS_MAX: Final = 1.5
#: A child that has grown by more than this since it started is replaced.
_GROWTH_BYTES_MAX: Final = 64 << 20


def bound_process() -> None:
    """Set what holds for a child's whole life: no core dump, file, process, program or socket."""
    for kind in (resource.RLIMIT_CORE, resource.RLIMIT_FSIZE):
        resource.setrlimit(kind, (0, 0))
    if _IS_LINUX:
        confine()


class JobBounds:
    """The bounds of one job after another in one child; make it once the executor is built.

    Both are soft limits on top of what the process has used by then: they add up in a process that
    stays, and a hard one could not be raised for the next job.
    """

    def __init__(self) -> None:
        """Take the child's size now as what it is when it is idle."""
        self._statm = os.open("/proc/self/statm", os.O_RDONLY) if _IS_LINUX else -1
        self._size_bytes_at_start = self._size_bytes_before = self._size_bytes()
        self._granted = 0

    def begin(self, *, processor_seconds_max: float, memory_bytes_max: int) -> None:
        """Set the limits for a job.

        The parent keeps the exact processor limit; the kernel's stands behind it, for a parent that
        is late. The kernel has whole seconds and counts them by ticks, of which a virtual machine
        misses some and doubles others: 15% too many were seen, so it is given more.
        """
        seconds = _SECONDS_BY_TICKS_MAX * processor_seconds_max
        _set_soft(resource.RLIMIT_CPU, math.ceil(_processor_seconds_by_ticks() + seconds))
        self._size_bytes_before, self._granted = self._size_bytes(), 0
        self.grant(memory_bytes_max)

    def grant(self, memory_bytes_max: int) -> None:
        """Let the job have so much memory on top of what the process had before, or what it has."""
        self._granted = max(self._granted, memory_bytes_max)
        if _IS_LINUX:
            _set_soft(resource.RLIMIT_AS, self._size_bytes_before + self._granted)

    def end(self) -> bool:
        """Bound what goes on after a job, and say whether the child is worn out."""
        used = math.ceil(_processor_seconds_by_ticks())
        _set_soft(resource.RLIMIT_CPU, used + _IDLE_PROCESSOR_SECONDS)
        return self._size_bytes() > self._size_bytes_at_start + _GROWTH_BYTES_MAX

    def lift(self) -> None:
        """Make room to report that memory ran out."""
        if _IS_LINUX:
            _set_soft(resource.RLIMIT_AS, resource.RLIM_INFINITY)

    def _size_bytes(self) -> int:
        """The address space in use, which is what the limit is on; 0 where it is not bounded."""
        if not _IS_LINUX:
            return 0
        return int(os.pread(self._statm, 64, 0).split(maxsplit=1)[0]) * _PAGE_BYTES


def _processor_seconds_by_ticks() -> float:
    """Return what this process has used as RLIMIT_CPU counts it, which no other clock does.

    `CPUCLOCK_PROF` of linux/posix-timers_types.h, for this process.
    """
    if _IS_LINUX:
        return time.clock_gettime(~0 << 3)
    usage = resource.getrusage(resource.RUSAGE_SELF)
    return usage.ru_utime + usage.ru_stime


def _set_soft(kind: int, value: int) -> None:
    hard = resource.getrlimit(kind)[1]
    if hard != resource.RLIM_INFINITY and (value == resource.RLIM_INFINITY or value > hard):
        value = hard
    with contextlib.suppress(ValueError):  # a limit from outside that is lower stays
        resource.setrlimit(kind, (value, hard))


def processor_seconds_of(pid: int) -> float | None:
    """Return the processor time that another process has used; None if it cannot be read.

    The clock of a process has this number on Linux: `clock_getcpuclockid(3)` makes it so.
    """
    if not _IS_LINUX:
        return None
    try:
        return time.clock_gettime((~pid << 3) | 2)
    except OSError:
        return None
