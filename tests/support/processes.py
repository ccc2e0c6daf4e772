"""Processes of this machine, and their state."""

from __future__ import annotations

import contextlib

import psutil


def is_running(pid: int) -> bool:
    """Whether there is such a process. One that has ended and was not reaped does not run."""
    return state_of(pid) not in {None, psutil.STATUS_ZOMBIE, psutil.STATUS_DEAD}


def state_of(pid: int) -> str | None:
    """A process's state, as one of psutil's constants; None if there is no such process."""
    with contextlib.suppress(psutil.NoSuchProcess):
        return psutil.Process(pid).status()
    return None


def children_of(pid: int) -> frozenset[int]:
    """The processes that this one has started, directly or not, and that run."""
    children = psutil.Process(pid).children(recursive=True)
    return frozenset(child.pid for child in children if is_running(child.pid))
