"""An executor that does what its circuit says: a behaviour's name and, for some, a number.

Only children import it (`tests.pool.factories:build`).
"""

from __future__ import annotations

import contextlib
import os
import resource
import signal
import sys
import threading
from pathlib import Path
from typing import Any, NoReturn

from chalicelib.domain.task import TaskRequest, TaskResult
from chalicelib.executors.children.child import Runnable
from chalicelib.executors.children.grants import AskForMemory, ProgramSize
from tests.pool.behaviours import BEHAVIOURS, MEGABYTE, burn, scribble


def _limits() -> dict[str, Any]:
    """Return the process's own limits, soft and hard, and the address space that it uses."""
    limits: dict[str, Any] = {}
    for kind in ("CORE", "FSIZE", "CPU", "AS"):
        soft, hard = resource.getrlimit(getattr(resource, f"RLIMIT_{kind}"))
        limits |= {f"{kind} soft": soft, f"{kind} hard": hard}
    with contextlib.suppress(OSError):
        pages = int(Path("/proc/self/statm").read_text().split()[0])
        limits["used"] = pages * resource.getpagesize()
        status = dict(line.split(":", 1) for line in open("/proc/self/status"))  # noqa: PTH123, SIM115
        limits |= {name: int(status[name]) for name in ("NoNewPrivs", "Seccomp")}
    return limits


class Behaving:
    """Does what the circuit says and answers with the process's id and environment."""

    def execute(self, request: TaskRequest, *, time_limit_seconds: float) -> TaskResult | str:
        """See `Executor`; a document is given as the validator gives it."""
        assert time_limit_seconds > 0
        name, _, amount = request.circuit.partition(" ")
        if name == "document":
            return "x" * int(amount)
        if name == "large":
            counts: dict[str, Any] = {f"{n:0100b}": 1 for n in range(int(amount))}
        elif name == "wrong":
            counts = {"00": "many"}
        elif name == "environment":
            flags = ("isolated", "no_site", "dont_write_bytecode")
            counts = {flag: int(getattr(sys.flags, flag)) for flag in flags}
            counts |= {f"{name}={value}": 1 for name, value in os.environ.items()}
        elif name == "limits":
            counts = _limits()
        else:
            BEHAVIOURS[name](float(amount or 0))
            counts = {str(os.getpid()): request.shots}
        return TaskResult(
            counts=counts, shots=request.shots, executor="behaving", executor_version="1", seed=0
        )


def build() -> Runnable:
    """Build the executor."""
    return Behaving()


class Asking(Behaving):
    """Says before it executes that its program has so many qubits as there are shots."""

    ask_for_memory: AskForMemory

    def execute(self, request: TaskRequest, *, time_limit_seconds: float) -> TaskResult | str:
        """See `Behaving`."""
        size = ProgramSize(qubits=request.shots, part=request.shots, operations=0)
        if request.shots > 1:
            self.ask_for_memory(size)
        return super().execute(request, time_limit_seconds=time_limit_seconds)


def build_asking() -> Runnable:
    """Build it."""
    executor = Asking()
    executor.ask_for_memory = lambda _: None
    return executor


def build_never() -> None:
    """Wait for what does not come."""
    threading.Event().wait(3600)


def build_endlessly() -> None:
    """Use the processor and do not come to an end."""
    burn(3600)


def build_with_a_thread() -> Runnable:
    """Build it with a thread that is not done when all else is."""
    threading.Thread(target=threading.Event().wait, args=(3600,)).start()
    return Behaving()


def refuse_to_build() -> NoReturn:
    """Cannot be built, and has a megabyte to say about it."""
    raise RuntimeError("no license for this simulator" + "x" * MEGABYTE)


def scribble_while_building() -> Runnable:
    """Writes what is no answer before it is ready."""
    scribble()
    return Behaving()


def crash_while_building() -> NoReturn:
    """Crashes on import, as a wheel for another processor does."""
    os.kill(os.getpid(), signal.SIGILL)
    raise AssertionError
