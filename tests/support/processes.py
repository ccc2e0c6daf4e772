"""Processes of this machine, and their state."""

from __future__ import annotations

import contextlib
import signal
import subprocess
import sys
from collections.abc import Collection, Iterator
from pathlib import Path
from typing import Any

import psutil

from infra.waiting import wait_for


@contextlib.contextmanager
def started(*command: str, **options: Any) -> Iterator[subprocess.Popen[Any]]:  # noqa: ANN401 - as Popen has them
    """Run a program until the end of the block, and kill it then if it still runs.

    `Popen` as a context manager waits for its end, which never comes where a test has failed before
    it ended the program: the failure would not be seen.
    """
    with subprocess.Popen(command, **options) as process:
        try:
            yield process
        finally:
            process.kill()


def wait_until_bound(children: Collection[int]) -> None:
    """Wait until the kernel would kill an executor's children with their parent.

    Before that one is a program that starts like any other, which ends by itself once it sees that
    its parent has ended. That it may write no files can be seen, and is set after it. Where the
    kernel does not kill them there is nothing to wait for.
    """
    if sys.platform == "linux":
        wait_for(lambda: all(map(_writes_no_files, children)), "all children to be bound")


def _writes_no_files(pid: int) -> bool:
    return psutil.Process(pid).rlimit(psutil.RLIMIT_FSIZE) == (0, 0)


def is_running(pid: int) -> bool:
    """Whether there is such a process. One that has ended and was not reaped does not run."""
    return state_of(pid) not in {None, psutil.STATUS_ZOMBIE, psutil.STATUS_DEAD}


def state_of(pid: int) -> str | None:
    """A process's state, as one of psutil's constants; None if there is no such process."""
    with contextlib.suppress(psutil.NoSuchProcess):
        return psutil.Process(pid).status()
    return None


#: Of a process that has taken its SIGKILL and gives its memory back (linux/sched.h).
_PF_EXITING = 0x4


def is_killed(pid: int) -> bool:
    """Whether it has ended or is ending, or the kernel has its SIGKILL and will not let it run on.

    A process that ends sends its children their parent-death signal before anyone can see that it
    has ended ("exit_notify" of Linux's kernel/exit.c), so this needs no waiting.
    """
    if not is_running(pid):
        return True
    with contextlib.suppress(FileNotFoundError, ProcessLookupError):
        status = Path(f"/proc/{pid}/status").read_text()
        fields = dict(line.split(":", 1) for line in status.splitlines())
        flags = int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[6])
        is_pending = int(fields["ShdPnd"], 16) >> (signal.SIGKILL - 1) & 1
        return bool(is_pending or flags & _PF_EXITING)
    return True


def is_computing(pid: int) -> bool:
    """Whether one of its threads uses the processor now: the simulator has threads of its own."""
    if sys.platform != "linux":
        return psutil.pid_exists(pid) and psutil.Process(pid).status() == psutil.STATUS_RUNNING
    for thread in Path(f"/proc/{pid}/task").glob("*/stat"):
        with contextlib.suppress(FileNotFoundError, ProcessLookupError):
            # The state stands behind the name, which is in brackets ("proc_pid_stat(5)").
            if thread.read_text().rpartition(") ")[2].startswith("R"):
                return True
    return False


def children_of(pid: int) -> frozenset[int]:
    """The processes that this one has started, directly or not, and that run."""
    children = psutil.Process(pid).children(recursive=True)
    return frozenset(child.pid for child in children if is_running(child.pid))
