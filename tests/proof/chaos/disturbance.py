"""Carries a plan out on a running stage: kills what it finds there, and pauses it."""

from __future__ import annotations

import contextlib
import dataclasses
import os
import random
import re
import signal
import subprocess
import threading
import time
from collections import Counter
from collections.abc import Callable, Collection, Iterator, Sequence
from pathlib import Path
from typing import Final, TypeVar

import psutil

from infra.local.supervisor.pid_files import living_processes
from tests.proof.chaos.plan import Kill, Pause, Plan, Target
from tests.proof.chaos.proxy import Outage, Proxy
from tests.support.processes import is_computing
from tools.local_stage import Stage

#: How long a target that is just being started again is waited for.
_TARGET_SECONDS_MAX: Final = 10.0
_LOOK_SECONDS: Final = 0.05
#: Where what is killed is to be killed in the middle of an execution.
_EXECUTING: Final = frozenset({Target.WORKER, Target.SANDBOX, Target.CHILD})
#: How long an execution is waited for, before an idle one will do.
_EXECUTION_SECONDS_MAX: Final = 3.0
#: More than a batch of ten leaves in a worker's log.
_LOG_BYTES: Final = 1 << 16
#: Between two starts of an attached process.
_RESTART_SECONDS: Final = 0.3

_OUTAGES: Final = {
    Target.QUEUE_REFUSED: Outage.REFUSED,
    Target.QUEUE_REPLIES_LOST: Outage.REPLIES_LOST,
}

Disturbance = TypeVar("Disturbance", Kill, Pause)


@dataclasses.dataclass(slots=True)
class Done:
    """What was done, by target."""

    kills: Counter[Target] = dataclasses.field(default_factory=Counter)
    pauses: Counter[Target] = dataclasses.field(default_factory=Counter)
    seconds_paused: Counter[Target] = dataclasses.field(default_factory=Counter)


class Disturber:
    """Disturbs one stage. Each of the plan's series runs in a thread of its own."""

    def __init__(self, stage: Stage, proxy: Proxy, plan: Plan, seed: int) -> None:
        """Take what to disturb and how; the seed picks among several targets of a kind."""
        self._stage = stage
        self._proxy = proxy
        self._plan = plan
        self._seed = seed
        self._started = time.monotonic()
        self._stopping = threading.Event()
        self.done = Done()

    def stop(self) -> None:
        """Disturb no more; a pause that goes on ends at once."""
        self._stopping.set()

    def series(self) -> list[Callable[[], None]]:
        """Give the series, to be run at the same time."""
        return [
            self._kill_all,
            self._pause_emulator,
            self._pause_workers,
            self._pause_children,
            self._fail_queue,
        ]

    def _kill_all(self) -> None:
        rng = random.Random(f"{self._seed} kill")  # noqa: S311 - repeatable
        for kill in self._due(self._plan.kills):
            pid = self._find(kill.target, rng, mid_execution=kill.mid_execution)
            if pid is not None and _signal(pid, signal.SIGKILL):
                self.done.kills[kill.target] += 1

    def _pause_emulator(self) -> None:
        for pause in self._due(self._plan.emulator_pauses):
            self._pause(pause, self._stage.pid("emulator"))

    def _pause_workers(self) -> None:
        rng = random.Random(f"{self._seed} pause")  # noqa: S311 - repeatable
        for pause in self._due(self._plan.worker_pauses):
            pid = self._find(pause.target, rng, mid_execution=True)
            if pid is not None:
                self._pause(pause, pid)

    def _pause_children(self) -> None:
        """Stop single children: their worker gives them up at the wall, and no others."""
        rng = random.Random(f"{self._seed} pause child")  # noqa: S311 - repeatable
        for pause in self._due(self._plan.child_pauses):
            pid = self._find(pause.target, rng, mid_execution=True)
            if pid is None:
                continue
            began = time.monotonic()
            with contextlib.suppress(psutil.NoSuchProcess):
                child = psutil.Process(pid)
                child.suspend()
                self._stopping.wait(pause.seconds)
                self._note(pause, began)
                child.resume()  # it knows if the number is another process's by now

    def _fail_queue(self) -> None:
        for outage in self._due(self._plan.queue_outages):
            began = time.monotonic()
            self._proxy.outage = _OUTAGES[outage.target]
            self._stopping.wait(outage.seconds)
            self._proxy.outage = None
            self._note(outage, began)

    def _due(self, disturbances: Sequence[Disturbance]) -> Iterator[Disturbance]:
        for disturbance in disturbances:
            due = self._started + disturbance.at_seconds
            if self._stopping.wait(max(0.0, due - time.monotonic())):
                return
            yield disturbance

    def _pause(self, pause: Pause, pid: int) -> None:
        """Stop a part and what it has started: each part leads a group of processes."""
        began = time.monotonic()
        if not _signal_group(pid, signal.SIGSTOP):
            return
        try:
            self._stopping.wait(pause.seconds)
        finally:
            _signal_group(pid, signal.SIGCONT)
        self._note(pause, began)

    def _note(self, pause: Pause, began: float) -> None:
        self.done.pauses[pause.target] += 1
        self.done.seconds_paused[pause.target] += round(time.monotonic() - began)

    def _find(self, target: Target, rng: random.Random, *, mid_execution: bool) -> int | None:
        """Pick a living process of a kind; one that is being started again is waited for."""
        if mid_execution and target in _EXECUTING:
            found = self._wait_for(lambda: self._executing(target), _EXECUTION_SECONDS_MAX)
            if found:
                return rng.choice(found)
        found = self._wait_for(lambda: self._living(target), _TARGET_SECONDS_MAX)
        return rng.choice(found) if found else None

    def _wait_for(self, look: Callable[[], list[int]], seconds: float) -> list[int]:
        deadline = time.monotonic() + seconds
        while not (found := look()):
            if self._stopping.wait(_LOOK_SECONDS) or time.monotonic() > deadline:
                return []
        return found

    def _living(self, target: Target) -> list[int]:
        if target is Target.SANDBOX:
            parents = self._parts(Target.WORKER) | self._parts(Target.SWEEPER)
            return sandboxes(parents.values())
        if target is Target.CHILD:
            return executing_children(sandboxes(self._parts(Target.WORKER).values()))
        return list(self._parts(target).values())

    def _executing(self, target: Target) -> list[int]:
        if target is Target.CHILD:
            return [pid for pid in self._living(target) if is_computing(pid)]
        busy = {
            pid
            for name, pid in self._parts(Target.WORKER).items()
            if is_executing(self._stage.data_dir / "log" / f"{name}.log")
        }
        return sandboxes(busy) if target is Target.SANDBOX else sorted(busy)

    def _parts(self, target: Target) -> dict[str, int]:
        living = living_processes(self._stage.data_dir)
        return {name: pid for name, pid in living.items() if name.startswith(target)}


def is_executing(log: Path) -> bool:
    """Whether a worker's log ends in the middle of a delivery."""
    with contextlib.suppress(FileNotFoundError):
        with log.open("rb") as file:
            file.seek(max(0, log.stat().st_size - _LOG_BYTES))
            tail = file.read()
        since_start = re.split(rb'"polling"|"invocation failed', tail)[-1]
        ended = re.findall(rb'"message (?:acknowledged|redelivered)"', since_start)
        return since_start.count(b'"message consumed"') > len(ended)
    return False


def sandboxes(parents: Collection[int]) -> list[int]:
    """Find the sandboxes of these pollers."""
    return [
        process.pid
        for process in psutil.process_iter(["ppid", "cmdline"])
        if process.info["ppid"] in parents
        and "infra.local.stand_ins.lambda_runtime.sandbox" in (process.info["cmdline"] or ())
    ]


def executing_children(parents: Collection[int]) -> list[int]:
    """Find the children in which these functions execute circuits."""
    return [
        process.pid
        for process in psutil.process_iter(["ppid", "cmdline"])
        if process.info["ppid"] in parents
        and any(
            "chalicelib.executors.children.child" in word for word in process.info["cmdline"] or ()
        )
    ]


def keep_running(start: Callable[[], subprocess.Popen[bytes]], stopping: threading.Event) -> None:
    """Start an attached part again whenever it dies, as the supervisor does with its own."""
    while not stopping.is_set():
        process = start()
        while process.poll() is None and not stopping.wait(_LOOK_SECONDS):
            pass
        stopping.wait(_RESTART_SECONDS)


def _signal(pid: int, number: signal.Signals) -> bool:
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, number)
        return True
    return False


def _signal_group(pid: int, number: signal.Signals) -> bool:
    with contextlib.suppress(ProcessLookupError):
        os.killpg(pid, number)
        return True
    return False
