"""What the local stage itself refuses, as problem documents (RFC 9457): made here, nowhere else.

Types and titles are those of the deployed gateway's own answers (`infra/package`; a test holds the
two against each other), so that a client meets the same errors on every stage.
"""

from __future__ import annotations

import dataclasses
import json
import uuid
from collections.abc import Mapping
from http import HTTPStatus
from typing import Final

PROBLEM_TYPE: Final = "application/problem+json"

#: Names and values in order; a name may stand more than once.
Headers = tuple[tuple[str, str], ...]

#: Slug and title by status. Every other status says that the request is not valid.
_KINDS: Final[Mapping[HTTPStatus, tuple[str, str]]] = {
    HTTPStatus.FORBIDDEN: ("not-authorized", "There is nothing here, or the request is not signed"),
    HTTPStatus.REQUEST_ENTITY_TOO_LARGE: ("payload-too-large", "The payload is too large"),
    HTTPStatus.BAD_GATEWAY: ("internal-error", "Something went wrong"),
    HTTPStatus.SERVICE_UNAVAILABLE: ("service-unavailable", "The service is unavailable"),
    HTTPStatus.GATEWAY_TIMEOUT: ("service-unavailable", "The service is unavailable"),
}
_NOT_VALID: Final = ("invalid-request", "The request is not valid")
#: Where it makes sense to try again, and after how many seconds.
_RETRIED: Final = frozenset(
    {HTTPStatus.BAD_GATEWAY, HTTPStatus.SERVICE_UNAVAILABLE, HTTPStatus.GATEWAY_TIMEOUT}
)
_RETRY_AFTER_SECONDS: Final = 2


@dataclasses.dataclass(frozen=True, slots=True)
class HttpResponse:
    """What goes back over the wire."""

    status: int
    headers: Headers
    body: bytes


class Refused(Exception):
    """The local stage answers this request itself: with which status, and why."""

    def __init__(self, status: HTTPStatus, detail: str) -> None:
        super().__init__(detail)
        self.status = status


def problem(status: HTTPStatus, detail: str, correlation_id: str | None = None) -> HttpResponse:
    """Make a problem document; `detail` is one sentence for a person."""
    correlation_id = correlation_id or str(uuid.uuid4())
    slug, title = _KINDS.get(status, _NOT_VALID)
    document = {
        "type": f"/problems/{slug}",
        "title": title,
        "status": status.value,
        "detail": detail,
        "correlation_id": correlation_id,
    }
    headers: Headers = (("Content-Type", PROBLEM_TYPE), ("X-Correlation-ID", correlation_id))
    if status in _RETRIED:
        headers += (("Retry-After", str(_RETRY_AFTER_SECONDS)),)
    return HttpResponse(status.value, headers, json.dumps(document).encode())
