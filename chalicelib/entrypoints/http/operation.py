"""How an operation of the API is described; each resource's own stand in `*_operations.py`.

Nothing of this is imported at start-up: `openapi` imports it with the first request for it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

import msgspec

from chalicelib.errors import (
    InvalidRequest,
    PayloadTooLarge,
    ServiceUnavailable,
    StoreFull,
    TaskServiceError,
    UnsupportedMediaType,
)

TEXT: Final[Mapping[str, Any]] = {"type": "string"}


class Parameter(msgspec.Struct, frozen=True, kw_only=True):
    """A parameter of a request."""

    name: str
    #: `query`, `header` or `path`.
    place: str
    description: str
    schema: Mapping[str, Any]

    def to_openapi(self) -> dict[str, Any]:
        """Return it as OpenAPI has it."""
        return {
            "name": self.name,
            "in": self.place,
            "description": self.description,
            "required": self.place == "path",
            "schema": dict(self.schema),
        }


class Operation(msgspec.Struct, frozen=True, kw_only=True):
    """One operation of the API."""

    method: str
    path: str
    name: str
    summary: str
    status: int = 200
    #: What the answer may be, the usual one first; empty for an object that no struct describes.
    answers: Sequence[type[msgspec.Struct]]
    #: An answer of the first kind, as it is sent.
    example: Any
    request: type[msgspec.Struct] | None = None
    request_example: Any = None
    parameters: Sequence[Parameter] = ()
    #: Headers of the answer, and what each says.
    headers: Mapping[str, str] = msgspec.field(default_factory=dict)
    #: What a client can go on with: an operation, and its parameters out of this answer.
    links: Mapping[str, Mapping[str, str]] = msgspec.field(default_factory=dict)
    errors: Sequence[type[TaskServiceError]] = ()
    #: Another status with which the same body may come, and what that says.
    also: Mapping[int, str] = msgspec.field(default_factory=dict)
    is_signed: bool = True


CORRELATION_ID: Final = Parameter(
    name="X-Correlation-ID",
    place="header",
    description="at most 128 visible ASCII characters; comes back, and stands on every log line",
    schema=TEXT,
)
IF_NONE_MATCH: Final = Parameter(
    name="If-None-Match",
    place="header",
    description="the ETag of an earlier answer: 304 if nothing has changed",
    schema=TEXT,
)
PREFER: Final = Parameter(
    name="Prefer",
    place="header",
    description=(
        "`wait=N` waits up to N seconds for the task's end (RFC 7240); the service's own limit, by"
        " default 2 s, is in `Preference-Applied`"
    ),
    schema=TEXT,
)
IDEMPOTENCY_KEY: Final = Parameter(
    name="Idempotency-Key",
    place="header",
    description="makes the request safe to repeat: the same key and request is the same task",
    schema={"type": "string", "pattern": "^[\\x21-\\x7e]{1,255}$"},
)
UNCHANGED: Final = {"If-None-Match": "$response.header.ETag"}
APPLIED: Final = {"Preference-Applied": "`wait=N`: for how long the request waits at most"}
ETAG: Final = {"ETag": "changes with what the answer says"}
OF_A_BODY: Final = (InvalidRequest, PayloadTooLarge, UnsupportedMediaType)
OF_A_WRITE: Final = (ServiceUnavailable, StoreFull)
