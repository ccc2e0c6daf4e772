"""What an answer means: what was asked for, or the one error that says what went wrong."""

from __future__ import annotations

import calendar
import dataclasses
import email.utils
import json
from collections.abc import Mapping
from typing import Any, Final, get_args

from quantum_tasks.errors import (
    BY_STATUS,
    PROBLEMS,
    BadAnswer,
    ConnectionFailed,
    FieldError,
    Kept,
    ProblemError,
)

#: The longest wait that is understood, about 30 years; what is longer is taken for this.
RETRY_AFTER_SECONDS_MAX: Final = 10**9
NOT_MODIFIED: Final = 304

_BAD_REQUEST: Final = 400


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Response:
    """A whole HTTP answer."""

    status: int
    #: Names in lower case.
    headers: Mapping[str, str]
    body: bytes

    def document(self) -> dict[str, Any]:
        """Return the body, which must be a JSON object.

        Raises:
            BadAnswer: it is not; where it is no JSON, another request may bring it whole.
        """
        try:
            value = json.loads(self.body)
        except (ValueError, RecursionError) as exc:
            error = BadAnswer(f"the answer (status {self.status}) is not JSON")
            error.retryable = True
            raise error from exc
        if not isinstance(value, dict):
            raise BadAnswer(f"the answer is not a JSON object but {type(value).__name__}")
        return value


@dataclasses.dataclass(frozen=True, slots=True)
class NoResponse:
    """No whole answer came; the request may have arrived all the same."""

    #: What happened, as a sentence's end: "the connection was refused".
    reason: str


Reply = Response | NoResponse


def checked(reply: Reply, *, accepted: frozenset[int] = frozenset()) -> Response:
    """Return an answer that is no error: a success, a 304, or one of the statuses accepted.

    Raises:
        ConnectionFailed: there is no answer.
        ProblemError: the service refused; the class tells why.
        BadAnswer: a redirection, or something else that the service does not answer.
    """
    if isinstance(reply, NoResponse):
        raise ConnectionFailed(f"no answer from the service: {reply.reason}")
    if reply.status in accepted:
        return reply
    if reply.status >= _BAD_REQUEST:
        raise problem_error(reply)
    if not 200 <= reply.status < 300 and reply.status != NOT_MODIFIED:  # noqa: PLR2004
        message = f"the answer has the status {reply.status}; this address is not the service's"
        raise BadAnswer(message)
    return reply


def problem_error(response: Response) -> ProblemError:
    """Return the error for a refusal, whatever its body is."""
    try:
        document = response.document()
    except BadAnswer:
        document = {}
    error = problem_from(document, status=response.status)
    error.retry_after = retry_after(response.headers)
    error.correlation_id = error.correlation_id or response.headers.get("x-correlation-id")
    return error


def problem_from(document: Mapping[str, Any], *, status: int) -> ProblemError:
    """Return the error for a problem document. What it says wrongly is left out, never raised."""
    texts = {name: text for name, text in document.items() if isinstance(text, str) and text}
    slug = texts.get("type", "").rstrip("/").rpartition("/")[2]
    kind = PROBLEMS.get(slug) or BY_STATUS.get(status, ProblemError)
    details = (texts[name] for name in ("detail", "message", "title") if name in texts)
    error = kind(next(details, f"the service answered with the status {status}"))
    error.type, error.title, error.status = slug, texts.get("title", ""), status
    error.task_id = texts.get("task_id")
    error.correlation_id = texts.get("correlation_id")
    error.kept = next((kept for kept in get_args(Kept) if kept == document.get("kept")), None)
    entries = document.get("errors")
    error.errors = tuple(
        FieldError(field=str(entry.get("field", "")), message=str(entry.get("message", "")))
        for entry in (entries if isinstance(entries, list) else ())
        if isinstance(entry, dict)
    )
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
