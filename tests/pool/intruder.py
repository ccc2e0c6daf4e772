"""An executor that tries to reach what its parent, a function, holds: what it got is its result.

`python -m tests.pool.intruder` stands for the function.
"""

from __future__ import annotations

import ctypes
import json
import os
import socket
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Final

from chalicelib.domain.task import TaskRequest, TaskResult
from chalicelib.executors.children.child_process import JobLimits
from chalicelib.executors.children.pool import ProcessPool
from chalicelib.warm_process import prctl
from tests.pool.conftest import Problems

#: A user without rights.
_NO_USER_ID: Final = 65_534
_PTRACE_ATTACH: Final = 16
#: linux/prctl.h
_PR_SET_DUMPABLE: Final = 4


class Intruder:
    """Tries each way in, as the same user as its parent."""

    def execute(self, request: TaskRequest, *, time_limit_seconds: float) -> TaskResult:
        """Count, of each way, whether it led anywhere; a first execution tries none."""
        if request.circuit == "ready":
            return _result({})
        drop_rights()
        ways: dict[str, Callable[[], object]] = {
            "environment": lambda: Path(f"/proc/{os.getppid()}/environ").read_bytes(),
            "memory": lambda: os.close(os.open(f"/proc/{os.getppid()}/mem", os.O_RDONLY)),
            "socket": socket.socket,
            "pair of sockets": socket.socketpair,
            "program": lambda: os.execv(sys.executable, [sys.executable, "-c", ""]),  # noqa: S606
            "process": lambda: subprocess.run([sys.executable, "-c", ""], check=True),
            "tracing": _attach,
        }
        return _result({name: int(_leads(way)) for name, way in ways.items()})


def _result(counts: dict[str, int]) -> TaskResult:
    return TaskResult(counts=counts, shots=1, executor="intruder", executor_version="1", seed=0)


def _leads(way: Callable[[], object]) -> bool:
    try:
        way()
    except OSError:
        return False
    return True


def _attach() -> None:
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.ptrace(_PTRACE_ATTACH, os.getppid(), None, None) != 0:
        raise OSError(ctypes.get_errno(), "ptrace")


def drop_rights() -> None:
    """Give up a superuser's rights."""
    if os.getuid() == 0:
        os.setgid(_NO_USER_ID)
        os.setuid(_NO_USER_ID)


def main() -> None:
    """Stand for a function that starts its children, and print what an executor got of it.

    A test's interpreter may be open to a superuser only, so the child is started before both sides
    lose their rights. That closes this process by itself; it is opened again, as a function is.
    """
    pool = _pool()
    pool.execute(_request("ready"), time_limit_seconds=60)
    drop_rights()
    prctl(_PR_SET_DUMPABLE, 1)
    _pool()
    print(json.dumps(pool.execute(_request("intrude"), time_limit_seconds=60).counts))


def _pool() -> ProcessPool:
    limits = JobLimits(processor_seconds_max=20, memory_bytes_max=256 << 20)
    return ProcessPool("tests.pool.intruder:Intruder", limits=limits, reporter=Problems())


def _request(circuit: str) -> TaskRequest:
    return TaskRequest(circuit=circuit, shots=1, tags={}, seed=None)


if __name__ == "__main__":
    main()
