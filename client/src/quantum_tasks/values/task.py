"""A task as the service describes it, and how it ends."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from quantum_tasks.contract import STATUSES
from quantum_tasks.errors import BadAnswer, QuantumTasksError
from quantum_tasks.values.reading import named
from quantum_tasks.values.result import Result


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class HistoryEntry:
    """One transition of a task."""

    status: str
    transitioned_at: datetime
    #: Why, where there is something to say.
    notes: str | None = None
    #: The number of the execution, from 1; 0 before the first.
    attempt: int


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Usage:
    """What a task took, summed over its attempts; None is what is not known yet."""

    queued_ms: int | None = None
    execution_ms: int | None = None
    attempts: int | None = None


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class TaskData:
    """A task as the service described it last.

    A submission's answer and a list have less than the whole: there `circuit` is None and the
    history empty until the task is read.
    """

    id: str = named("task_id")
    status: str
    correlation_id: str | None = None
    shots: int | None = None
    seed: int | None = None
    tags: Mapping[str, str] = dataclasses.field(default_factory=dict)
    circuit: str | None = None
    #: Of the circuit's `input`s, as they were given: an object or a list of objects.
    inputs: Any = None
    submitted_at: datetime | None = None
    started_at: datetime | None = None
    completed_at: datetime | None = None
    attempt: int = 0
    result: Result | None = None
    error_message: str | None = None
    history: tuple[HistoryEntry, ...] = named("status_history", default=())
    usage: Usage = Usage()
    #: Of a submission: the task was there before.
    replayed: bool = False
    #: The document itself, with all that the service said.
    document: Mapping[str, Any] = dataclasses.field(default_factory=dict, repr=False)

    @property
    def ended(self) -> bool:
        """Tell whether the task has ended, in whichever way."""
        status = STATUSES.get(self.status)
        return status is not None and status.exit_code is not None


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """One page of a list; it may be empty and still have a next one."""

    tasks: tuple[TaskData, ...]
    next_cursor: str | None = None
    #: Ids of tasks that are there but cannot be read.
    unreadable: tuple[str, ...] = ()


class TaskError(QuantumTasksError):
    """A task has no result, or none yet; `task` is what is known of it."""

    def __init__(self, message: str, *, task: TaskData) -> None:
        super().__init__(message)
        self.task = task
        self.task_id = task.id
        self.correlation_id = task.correlation_id

    def __reduce__(self) -> tuple[object, ...]:
        """Make copies and pickles possible: the task is no positional argument."""
        return _remake, (type(self), self.message, self.task)


class TaskFailed(TaskError):
    """The task was executed and failed, or was abandoned."""


class TaskCancelled(TaskError):
    """The task was cancelled."""


class WaitTimeout(TaskError, TimeoutError):
    """The wait ran out of time. The task goes on; wait for it again by its id."""


class UnknownStatus(TaskError):
    """The task has a status that this client does not know, so it cannot wait for its end."""


def _remake(kind: type[TaskError], message: str, task: TaskData) -> TaskError:
    return kind(message, task=task)


def ended(data: TaskData) -> bool:
    """Tell whether a task has ended.

    Raises:
        UnknownStatus: the client cannot tell.
    """
    if data.status not in STATUSES:
        message = f"the task has the status {data.status!r}, which this client does not know"
        raise UnknownStatus(message, task=data)
    return data.ended


def result_of(data: TaskData) -> Result:
    """Return the result of a task that has ended.

    Raises:
        TaskFailed: it has none, since it failed; the message says why.
        TaskCancelled: it has none, since it was cancelled.
    """
    if data.status == "failed":
        message = f"the task failed: {data.error_message or 'the service gives no reason'}"
        raise TaskFailed(message, task=data)
    if data.status == "cancelled":
        raise TaskCancelled("the task was cancelled", task=data)
    if data.result is None:
        error = BadAnswer(f"the task is {data.status}, but the answer has no result")
        error.task_id = data.id
        raise error
    return data.result
