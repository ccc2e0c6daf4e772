"""Everything that can go wrong, under one root.

Every problem type of the service has one class here, and `PROBLEMS` is the only table of them. An
error's text is a whole sentence for a person, with the ids that a report of it needs.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import TYPE_CHECKING, Final, Literal

if TYPE_CHECKING:
    from quantum_tasks.values import TaskData

Kept = Literal["no", "yes", "unknown"]


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class FieldError:
    """One thing that is wrong with one field of a request."""

    #: The field's name; a dotted path inside an object.
    field: str
    #: What it must be, and what it was.
    message: str


class QuantumTasksError(Exception):
    """Something asked of the quantum task service could not be done."""

    #: Another try of the same request makes sense. The client has made its tries already.
    retryable: bool = False
    #: Seconds that the service asked to wait before another try.
    retry_after: float | None = None
    #: The task that this is about, where one is known or may exist.
    task_id: str | None = None
    #: The key of the submission. Submitting again with it finds the same task and makes no second.
    key: str | None = None
    #: Of a submission: whether the task was kept.
    kept: Kept | None = None
    #: Names the request in the service's log.
    correlation_id: str | None = None

    def __init__(self, message: str) -> None:
        super().__init__(message)
        self.message = message

    def __str__(self) -> str:
        """Return the message and, in parentheses, the ids that are known."""
        known = {
            "task": self.task_id,
            "key": self.key,
            "correlation id": self.correlation_id,
        }
        ids = ", ".join(f"{name} {value}" for name, value in known.items() if value)
        return f"{self.message} ({ids})" if ids else self.message


# --- before anything is sent ----


class ConfigurationError(QuantumTasksError):
    """A setting, profile or credential cannot be used."""


class UnsupportedCircuit(QuantumTasksError, TypeError):
    """A circuit is neither a text nor an object that can be written as OpenQASM."""


# --- between client and service ----


class ConnectionFailed(QuantumTasksError):
    """No whole answer came: no connection, a connection that broke, or a timeout."""

    retryable = True


class BadAnswer(QuantumTasksError):
    """An answer came that is not the service's: another program answers at this address."""


# --- what the service answers ----


class ProblemError(QuantumTasksError):
    """The service refused, with a problem document (RFC 9457)."""

    #: The last part of the problem's type, as in `/problems/task-not-found`; empty where none came.
    type: str = ""
    title: str = ""
    #: The HTTP status.
    status: int = 0
    #: With an invalid request: every field that is wrong.
    errors: tuple[FieldError, ...] = ()


class InvalidRequest(ProblemError):
    """The request is malformed; `errors` names each field."""


class NotAuthorized(ProblemError):
    """The request is not signed, has expired, or is not allowed."""


class CallerUnknown(ProblemError):
    """The signed request does not say who is calling."""


class TaskNotFound(ProblemError):
    """There is no such task, or it is another owner's."""


class TaskUnreadable(ProblemError):
    """The task is there, but what is stored of it cannot be read; it can still be cancelled."""


class NotFound(ProblemError):
    """There is no such path."""


class TaskAlreadyEnded(ProblemError):
    """The task has already ended another way, so it cannot be cancelled."""


class PayloadTooLarge(ProblemError):
    """The circuit is too large."""


class UnsupportedMediaType(ProblemError):
    """The content type is not JSON."""


class IdempotencyConflict(ProblemError):
    """The key was used before with another request."""


class Throttled(ProblemError):
    """There are more requests than the service takes."""

    retryable = True


class InternalError(ProblemError):
    """An internal error of the service; report it with the correlation id."""


class ServiceUnavailable(ProblemError):
    """Something that the service depends on cannot be used now."""

    retryable = True


class StoreFull(ProblemError):
    """The service's database has reached a limit."""


#: Problem type to class; one to one with the service's table of problems.
PROBLEMS: Final[Mapping[str, type[ProblemError]]] = {
    "invalid-request": InvalidRequest,
    "not-authorized": NotAuthorized,
    "caller-unknown": CallerUnknown,
    "task-not-found": TaskNotFound,
    "not-found": NotFound,
    "task-already-ended": TaskAlreadyEnded,
    "task-unreadable": TaskUnreadable,
    "payload-too-large": PayloadTooLarge,
    "unsupported-media-type": UnsupportedMediaType,
    "idempotency-conflict": IdempotencyConflict,
    "throttled": Throttled,
    "internal-error": InternalError,
    "service-unavailable": ServiceUnavailable,
    "store-full": StoreFull,
}

#: What an answer without a known type is taken for: a proxy's or a gateway's own.
BY_STATUS: Final[Mapping[int, type[ProblemError]]] = {
    400: InvalidRequest,
    401: NotAuthorized,
    403: NotAuthorized,
    404: NotFound,
    413: PayloadTooLarge,
    415: UnsupportedMediaType,
    429: Throttled,
    500: InternalError,
    502: ServiceUnavailable,
    503: ServiceUnavailable,
    504: ServiceUnavailable,
}


# --- how a task ends, and waits that end before it ----


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
    """The task was executed and failed, or was given up."""


class TaskCancelled(TaskError):
    """The task was cancelled."""


class WaitTimeout(TaskError, TimeoutError):
    """The wait ran out of time. The task goes on; wait for it again by its id."""


class UnknownStatus(TaskError):
    """The task has a status that this client does not know, so it cannot wait for its end."""


def _remake(kind: type[TaskError], message: str, task: TaskData) -> TaskError:
    return kind(message, task=task)
