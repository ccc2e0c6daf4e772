"""Which error becomes which problem document (RFC 9457), and that every error becomes one."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from chalicelib.domain.unreadable import TaskUnreadable
from chalicelib.entrypoints.http.schemas import FieldErrorView, Problem
from chalicelib.errors import (
    CallerUnknown,
    IdempotencyConflict,
    InvalidRequest,
    PayloadTooLarge,
    ServiceUnavailable,
    StoreFull,
    SubmissionUnavailable,
    TaskAlreadyEnded,
    TaskNotFound,
    TaskServiceError,
    UnsupportedMediaType,
)

MEDIA_TYPE: Final = "application/problem+json"
#: What a client is told to wait before it tries again after a 503.
RETRY_AFTER_SECONDS: Final = 2

#: Types are relative references, as RFC 9457 allows; the docs have a row for each.
KINDS: Final[Mapping[type[TaskServiceError], tuple[int, str, str]]] = {
    InvalidRequest: (400, "invalid-request", "The request is not valid"),
    CallerUnknown: (403, "caller-unknown", "The caller is not known"),
    TaskNotFound: (404, "task-not-found", "There is no such task"),
    TaskAlreadyEnded: (409, "task-already-ended", "The task has already ended"),
    PayloadTooLarge: (413, "payload-too-large", "The payload is too large"),
    UnsupportedMediaType: (415, "unsupported-media-type", "The content type is not supported"),
    TaskUnreadable: (500, "task-unreadable", "The task cannot be read"),
    IdempotencyConflict: (422, "idempotency-conflict", "The Idempotency-Key was used before"),
    ServiceUnavailable: (503, "service-unavailable", "The service is unavailable"),
    StoreFull: (507, "store-full", "The store is full"),
}
_BUG: Final = (500, "internal-error", "Something went wrong")
#: An answer is small, whatever a message repeats.
_DETAIL_CHARACTERS_MAX: Final = 4_000
_BUG_DETAIL: Final = (
    "the service had an internal error and logged it; quote the correlation id to report it"
)


def problem_for(error: Exception, *, correlation_id: str) -> Problem:
    """Return what a client is told. Of an error that is not the service's own: nothing but 500."""
    status, slug, title = kind = kind_of(type(error))
    problem = Problem(
        type=f"/problems/{slug}",
        title=title,
        status=status,
        detail=_BUG_DETAIL if kind is _BUG else str(error)[:_DETAIL_CHARACTERS_MAX],
        correlation_id=correlation_id,
    )
    if isinstance(error, InvalidRequest):
        problem.errors = [FieldErrorView(field=e.field, message=e.message) for e in error.errors]
    if isinstance(error, TaskUnreadable):
        problem.task_id = error.stored.task_id
    if isinstance(error, SubmissionUnavailable):
        problem.kept = error.kept.value
        if error.task_id is not None:
            problem.task_id = error.task_id
    return problem


def kind_of(error: type[Exception]) -> tuple[int, str, str]:
    """Return the status, type and title of a kind of error."""
    return next((kind for known, kind in KINDS.items() if issubclass(error, known)), _BUG)
