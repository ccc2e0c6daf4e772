"""Children in memory, for a pool: they start, run and end as a test says."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping

from chalicelib.domain.task import TaskRequest
from chalicelib.executors.children.child_process import JobLimits
from chalicelib.executors.children.jobs import Answer

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
        self.ready_by = self.ready_at = 0.0
        #: Of each job: its circuit, its deadline, and in how many seconds that was to be.
        self.jobs: list[tuple[str, float, float]] = []

    def is_usable(self) -> bool:
        """Whether it waits for a job."""
        return self.usable

    def wait_until_ready(self, deadline: float) -> None:
        """Be ready at once."""
        self.ready_by, self.ready_at = deadline, time.monotonic()

    def run(self, request: TaskRequest, *, deadline: float, seconds_max: float) -> Answer:
        """Answer, raise, or do what the script says in the middle of the execution."""
        self.jobs.append((request.circuit, deadline, seconds_max))
        outcome = self._children.script.get(request.circuit, DONE)
        if callable(outcome):
            outcome()
            return DONE
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
        #: What each was started with: factory, limits, environment.
        self.told: list[tuple[str, JobLimits, dict[str, str]]] = []
        self.cannot_start: OSError | None = None
        #: What each circuit ends with.
        self.script: dict[str, Answer | Exception | Callable[[], object]] = {}

    def __call__(self, factory: str, limits: JobLimits, environment: Mapping[str, str]) -> Child:
        """Start one, if it can be."""
        self.told.append((factory, limits, dict(environment)))
        if self.cannot_start is not None:
            raise self.cannot_start
        self.started.append(Child(self, len(self.started) + 1))
        return self.started[-1]
