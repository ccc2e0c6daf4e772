"""Everything that can go wrong, under one root.

Every problem type of the service has one class here, which names the type and the statuses that
alone stand for it. An error's text is a whole sentence, with the ids that a report of it needs.
"""

from __future__ import annotations

import dataclasses
from typing import Final, Literal

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
        known = {"task": self.task_id, "key": self.key, "correlation id": self.correlation_id}
        ids = ", ".join(f"{name} {value}" for name, value in known.items() if value)
        return f"{self.message} ({ids})" if ids else self.message


class ConfigurationError(QuantumTasksError):
    """A setting, profile or credential cannot be used."""


class UnsupportedCircuit(QuantumTasksError, TypeError):
    """A circuit is neither a text nor an object that can be written as OpenQASM."""


class ConnectionFailed(QuantumTasksError):
    """No whole answer came: no connection, a connection that broke, or a timeout."""

    retryable = True


class BadAnswer(QuantumTasksError):
    """An answer came that is not the service's: another program answers at this address."""


#: Problem type to class; the service has the same types.
PROBLEMS: Final[dict[str, type[ProblemError]]] = {}

#: What an answer without a known type is taken for: a proxy's or a gateway's own.
BY_STATUS: Final[dict[int, type[ProblemError]]] = {}


class ProblemError(QuantumTasksError):
    """The service refused, with a problem document (RFC 9457)."""

    #: The last part of the problem's type, as in `/problems/task-not-found`; empty where none came.
    type: str = ""
    title: str = ""
    #: The HTTP status.
    status: int = 0
    #: With an invalid request: every field that is wrong.
    errors: tuple[FieldError, ...] = ()

    def __init_subclass__(cls, slug: str = "", statuses: tuple[int, ...] = ()) -> None:
        """Note the problem type of a class, and the statuses that alone are taken for it."""
        if slug:
            PROBLEMS[slug] = cls
        BY_STATUS.update(dict.fromkeys(statuses, cls))


class InvalidRequest(ProblemError, slug="invalid-request", statuses=(400,)):
    """The request is malformed; `errors` names each field."""


class NotAuthorized(ProblemError, slug="not-authorized", statuses=(401, 403)):
    """The request is not signed, has expired, or is not allowed."""


class CallerUnknown(ProblemError, slug="caller-unknown"):
    """The signed request does not say who is calling."""


class TaskNotFound(ProblemError, slug="task-not-found"):
    """There is no such task, or it is another owner's."""


class TaskUnreadable(ProblemError, slug="task-unreadable"):
    """The task is there, but what is stored of it cannot be read; it can still be cancelled."""


class NotFound(ProblemError, slug="not-found", statuses=(404,)):
    """There is no such path."""


class TaskAlreadyEnded(ProblemError, slug="task-already-ended"):
    """The task has already ended another way, so it cannot be cancelled."""


class PayloadTooLarge(ProblemError, slug="payload-too-large", statuses=(413,)):
    """The circuit is too large."""


class UnsupportedMediaType(ProblemError, slug="unsupported-media-type", statuses=(415,)):
    """The content type is not JSON."""


class IdempotencyConflict(ProblemError, slug="idempotency-conflict"):
    """The key was used before with another request."""


class Throttled(ProblemError, slug="throttled", statuses=(429,)):
    """There are more requests than the service takes."""

    retryable = True


class InternalError(ProblemError, slug="internal-error", statuses=(500,)):
    """An internal error of the service; report it with the correlation id."""


class ServiceUnavailable(ProblemError, slug="service-unavailable", statuses=(502, 503, 504)):
    """Something that the service depends on cannot be used now."""

    retryable = True


class StoreFull(ProblemError, slug="store-full"):
    """The service's database has reached a limit."""
