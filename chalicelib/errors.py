"""Everything that can go wrong, under one root. A class's docstring is its default message."""

from __future__ import annotations

import enum

import msgspec


class TaskServiceError(Exception):
    """The task service could not do what was asked."""

    def __init__(self, message: str | None = None) -> None:
        """Take a message, or fall back to the first line of the class's docstring."""
        super().__init__(message or (type(self).__doc__ or "").partition("\n")[0])


class FieldError(msgspec.Struct, frozen=True):
    """One thing that is wrong with one field of a request."""

    #: The field's name, as the client wrote it; a dotted path inside an object.
    field: str
    #: What it must be, and what it was.
    message: str


class InvalidRequest(TaskServiceError):
    """The request is not valid."""

    def __init__(self, *errors: FieldError) -> None:
        """Take every problem that was found, at least one."""
        super().__init__("; ".join(f"{error.field}: {error.message}" for error in errors))
        self.errors = errors


class UnsupportedMediaType(TaskServiceError):
    """The content type must be application/json."""


class PayloadTooLarge(TaskServiceError):
    """A circuit or a result is too large to store or to return."""


class CallerUnknown(TaskServiceError):
    """The request does not say who is calling."""


class TaskNotFound(TaskServiceError):
    """There is no such task."""


class TaskAlreadyEnded(TaskServiceError):
    """The task has already ended another way."""


class IdempotencyConflict(TaskServiceError):
    """This Idempotency-Key was used before with another request."""


class ServiceUnavailable(TaskServiceError):
    """Something that the service depends on cannot be used now; try again later."""

    def __init__(self, message: str | None = None, *, in_doubt: bool = False) -> None:
        """Say whether the call may have been applied all the same.

        A call is refused (`in_doubt` False) only if every attempt of it was refused. It is in
        doubt if any attempt timed out or lost its reply: it may have been applied, or may be yet.
        """
        super().__init__(message)
        self.in_doubt = in_doubt


class StoreUnavailable(ServiceUnavailable):
    """The database cannot be used now; try again later."""


class QueueUnavailable(ServiceUnavailable):
    """The queue cannot be used now; try again later."""


class StoreFull(TaskServiceError):
    """The database has reached a limit and takes no more."""


class Kept(enum.StrEnum):
    """Whether a submission that was answered 503 left a task behind."""

    #: No: there is no task and there will be none.
    NO = "no"
    #: Yes: the task is stored and will be executed.
    YES = "yes"
    #: It cannot be known: a reply was lost.
    UNKNOWN = "unknown"


class SubmissionUnavailable(ServiceUnavailable):
    """The task could not be submitted."""

    def __init__(self, message: str, *, kept: Kept, task_id: str | None) -> None:
        """Take the truth about the task: whether it was kept, and its id wherever it may exist."""
        super().__init__(message, in_doubt=kept is Kept.UNKNOWN)
        self.kept = kept
        self.task_id = task_id


class ConditionFailed(TaskServiceError):
    """The store did not apply the write: the task does not look as the condition demands.

    It may be one's own earlier success, when a reply was lost and the call was repeated. One
    consistent read decides.
    """


class ExecutionError(TaskServiceError):
    """The execution failed."""


class PermanentExecutionError(ExecutionError):
    """The execution failed and would fail again."""


class TransientExecutionError(ExecutionError):
    """The execution failed and may succeed on another try."""
