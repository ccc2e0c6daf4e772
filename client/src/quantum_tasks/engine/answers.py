"""From an outcome to an answer, or to the one error that says what went wrong."""

from __future__ import annotations

import calendar
import email.utils
from collections.abc import Mapping
from typing import Final, get_args

from quantum_tasks.engine.effects import Lost, Outcome, Response
from quantum_tasks.errors import (
    BY_STATUS,
    PROBLEMS,
    BadAnswer,
    ConnectionFailed,
    FieldError,
    Kept,
    ProblemError,
)
from quantum_tasks.reading import Document

#: The longest wait that is understood, about 30 years; what is longer is taken for this.
RETRY_AFTER_SECONDS_MAX: Final = 10**9

_BAD_REQUEST: Final = 400
_NOT_MODIFIED: Final = 304


def checked(outcome: Outcome, *, accepted: frozenset[int] = frozenset()) -> Response:
    """Return an answer that is no error: a success, a 304, or one of the statuses accepted.

    Raises:
        ConnectionFailed: there is no answer.
        ProblemError: the service refused; the class tells why.
        BadAnswer: a redirection, or something else that the service does not answer.
    """
    if isinstance(outcome, Lost):
        message = f"no answer from the service: {outcome.reason}"
        raise ConnectionFailed(message)
    if outcome.status in accepted:
        return outcome
    if outcome.status >= _BAD_REQUEST:
        raise problem_error(outcome)
    if not 200 <= outcome.status < 300 and outcome.status != _NOT_MODIFIED:  # noqa: PLR2004
        message = f"the answer has the status {outcome.status}; this address is not the service's"
        raise BadAnswer(message)
    return outcome


def problem_error(response: Response) -> ProblemError:
    """Return the error for a refusal, whatever its body is."""
    try:
        document = response.document()
    except BadAnswer:
        document = Document({})
    error = problem_from(document, status=response.status)
    error.retry_after = retry_after(response.headers)
    error.correlation_id = error.correlation_id or response.headers.get("x-correlation-id")
    return error


def problem_from(document: Document, *, status: int) -> ProblemError:
    """Return the error for a problem document. What it says wrongly is left out, never raised."""
    slug = _text(document, "type").rstrip("/").rpartition("/")[2]
    kind = PROBLEMS.get(slug) or BY_STATUS.get(status, ProblemError)
    title = _text(document, "title")
    detail = _text(document, "detail") or _text(document, "message")
    error = kind(detail or title or f"the service answered with the status {status}")
    error.type, error.title, error.status = slug, title, status
    error.errors = _field_errors(document)
    error.task_id = _text(document, "task_id") or None
    error.correlation_id = _text(document, "correlation_id") or None
    error.kept = _kept(document)
    return error


def retry_after(headers: Mapping[str, str]) -> float | None:
    """Return the seconds that `Retry-After` asks for (RFC 9110, section 10.2.3).

    A date counts from the answer's own `Date`, so that no clock of this machine matters.
    """
    text = headers.get("retry-after", "").strip()
    if text.isascii() and text.isdigit():
        return float(min(RETRY_AFTER_SECONDS_MAX, int(text[:10])))
    then, since = _http_date(text), _http_date(headers.get("date", ""))
    if then is None or since is None:
        return None
    return float(min(RETRY_AFTER_SECONDS_MAX, max(0, then - since)))


def _http_date(text: str) -> int | None:
    try:
        parsed = email.utils.parsedate(text)
        return None if parsed is None else calendar.timegm(parsed)
    except (ValueError, OverflowError, IndexError):
        return None


def _kept(document: Document) -> Kept | None:
    value = document.values.get("kept")
    return value if value in get_args(Kept) else None


def _text(document: Document, name: str) -> str:
    value = document.values.get(name)
    return value if isinstance(value, str) else ""


def _field_errors(document: Document) -> tuple[FieldError, ...]:
    entries = document.values.get("errors")
    if not isinstance(entries, list):
        return ()
    return tuple(
        FieldError(field=str(entry.get("field", "")), message=str(entry.get("message", "")))
        for entry in entries
        if isinstance(entry, dict)
    )
