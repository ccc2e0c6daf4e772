"""Executor, observer and validator in memory: they do as told, remember, find nothing wrong."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from chalicelib.composition import Ports
from chalicelib.domain.message import Delivery, TaskMessage
from chalicelib.domain.task import Task, TaskEvent, TaskRequest, TaskResult
from chalicelib.domain.unreadable import TaskUnreadable
from chalicelib.domain.validation import Validation
from tests.support.in_memory import FakeClock, InMemoryTaskQueue, InMemoryTaskStore, a_result


class TrustingValidator:
    """Finds nothing wrong (`Validator`)."""

    def validate(self, request: TaskRequest) -> Validation:
        """See `Validator`."""
        return Validation(valid=True)


class ScriptedExecutor:
    """Does what a test has lined up, then succeeds (`Executor`)."""

    def __init__(self, *outcomes: Exception | TaskResult) -> None:
        self._outcomes = list(outcomes)
        self.executed: list[TaskRequest] = []
        self.time_limits: list[float] = []

    def execute(self, request: TaskRequest, *, time_limit_seconds: float) -> TaskResult:
        """See `Executor`."""
        self.executed.append(request)
        self.time_limits.append(time_limit_seconds)
        outcome = self._outcomes.pop(0) if self._outcomes else a_result(request.shots)
        if isinstance(outcome, Exception):
            raise outcome
        return outcome


class RecordingObserver:
    """Remembers what it is told (`Observer`)."""

    def __init__(self) -> None:
        self.events: list[TaskEvent] = []
        self.sent: list[TaskMessage] = []
        self.message_ids: list[str] = []
        self.problems: list[tuple[str, Exception]] = []
        #: Of each problem, whose it was.
        self.task_ids_of_problems: list[list[str]] = []
        self.others: list[str] = []

    def transitioned(self, task: Task) -> None:
        """See `Observer`."""
        self.events.append(task.history[-1].event)

    def replayed(self, task: Task) -> None:
        """See `Observer`."""
        self.others.append("replayed")

    def removed(self, task: Task) -> None:
        """See `Observer`."""
        self.others.append("removed")

    def published(self, message: TaskMessage, *, message_id: str) -> None:
        """See `Observer`."""
        self.sent.append(message)
        self.message_ids.append(message_id)

    def consumed(self, delivery: Delivery) -> None:
        """See `Observer`."""
        self.others.append("consumed")

    def acknowledged(self, delivery: Delivery, *, reason: str) -> None:
        """See `Observer`."""
        self.others.append("acknowledged")

    def redelivered(self, delivery: Delivery, *, reason: str, delay_seconds: int | None) -> None:
        """See `Observer`."""
        self.others.append("redelivered")

    def unreadable(self, error: TaskUnreadable) -> None:
        """See `Observer`."""
        self.others.append("unreadable")

    def unknown_task(self, delivery: Delivery) -> None:
        """See `Observer`."""
        self.others.append("unknown task")

    def problem(self, operation: str, error: Exception, *, task_ids: Iterable[str] = ()) -> None:
        """See `Observer`."""
        self.problems.append((operation, error))
        self.task_ids_of_problems.append(list(task_ids))


def ports_in_memory(**given: Any) -> Ports:  # noqa: ANN401 - any port, by its name
    """Return ports in memory; those that are given take the places of the simplest ones."""
    clock = given.setdefault("clock", FakeClock())
    simplest = {
        "store": InMemoryTaskStore(),
        "queue": InMemoryTaskQueue(clock),
        "executor": ScriptedExecutor(),
        "validator": TrustingValidator(),
        "observer": RecordingObserver(),
    }
    return Ports(**{**simplest, **given})
