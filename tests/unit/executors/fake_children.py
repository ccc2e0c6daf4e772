"""Children in memory, for a pool: they start, run and end as a test says."""

from __future__ import annotations

import threading
from collections.abc import Mapping

from chalicelib.domain.task import TaskRequest
from chalicelib.executors.children.child_process import JobLimits
from chalicelib.executors.children.jobs import Answer
from infra.waiting import PATIENCE_SECONDS, wait_for

#: What an execution ends with, unless a test says otherwise.
DONE = Answer(number=1, document="{}")


class Child:
    """Answers as its circuit's line of the script says (`ChildProcess`)."""

    def __init__(self, children: Children, pid: int) -> None:
        self._children = children
        self.pid = pid
        self.printed = ""
        self.usable = True
        self.ended = 0
        self.ready_by = 0.0
        self.jobs: list[tuple[str, float, float]] = []

    def is_usable(self) -> bool:
        """Whether it waits for a job."""
        return self.usable

    def wait_until_ready(self, deadline: float) -> None:
        """Be ready at once."""
        self.ready_by = deadline

    def run(self, request: TaskRequest, *, deadline: float, seconds_max: float) -> Answer:
        """Answer, or raise; a circuit that is held up takes until it is let go."""
        self.jobs.append((request.circuit, deadline, seconds_max))
        self._children.begun.append(request.circuit)
        if request.circuit in self._children.held:
            assert self._children.held[request.circuit].wait(PATIENCE_SECONDS)
        outcome = self._children.script.get(request.circuit, DONE)
        if isinstance(outcome, Exception):
            raise outcome
        return outcome

    def end(self) -> None:
        """Be gone."""
        self.ended += 1


class Children:
    """Starts them (stands for the class `ChildProcess`)."""

    def __init__(self) -> None:
        self.started: list[Child] = []
        self.starts_begun = 0
        #: What each was started with: factory, limits, environment.
        self.told: list[tuple[str, JobLimits, dict[str, str]]] = []
        self.may_start = threading.Semaphore(1_000)
        self.cannot_start: OSError | None = None
        #: What each circuit ends with, those that wait, and all in the order of their beginning.
        self.script: dict[str, Answer | Exception] = {}
        self.held: dict[str, threading.Event] = {}
        self.begun: list[str] = []

    def __call__(self, factory: str, limits: JobLimits, environment: Mapping[str, str]) -> Child:
        """Start one, when it may."""
        self.starts_begun += 1
        self.told.append((factory, limits, dict(environment)))
        assert self.may_start.acquire(timeout=PATIENCE_SECONDS)
        if self.cannot_start is not None:
            raise self.cannot_start
        self.started.append(Child(self, len(self.started) + 1))
        return self.started[-1]

    def hold(self, *circuits: str) -> None:
        """Have these circuits wait."""
        self.held |= {circuit: threading.Event() for circuit in circuits}

    def let_go(self, *circuits: str) -> None:
        """Have them go on."""
        for circuit in circuits:
            self.held[circuit].set()

    def wait_for_begun(self, *circuits: str) -> None:
        """Wait until these, and no others, have begun."""
        wait_for(lambda: sorted(self.begun) == sorted(circuits), f"{circuits} to begin")
