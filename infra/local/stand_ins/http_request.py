"""Which HTTP requests the local API takes, once uvicorn has parsed them. Pure: no I/O.

Limits are API Gateway's (its developer guide, "Quotas for REST APIs"). Only loopback names are
answered: a page in a browser on this machine could otherwise reach the API, which does not ask who
they are, through a name of its own that resolves to 127.0.0.1 (DNS rebinding).
"""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Mapping
from http import HTTPStatus
from typing import Any, Final

from infra.local.stand_ins.problems import Headers, Refused

#: API Gateway's limit for a body.
BODY_BYTES_MAX: Final = 10 * 1024 * 1024
#: API Gateway's limit for the request line and all header values together.
HEAD_BYTES_MAX: Final = 10_240

_LOOPBACK: Final = re.compile(r"(localhost|127\.0\.0\.1|\[::1\])(:[0-9]{0,5})?", re.IGNORECASE)


@dataclasses.dataclass(frozen=True, slots=True)
class Request:
    """One request, whole."""

    method: str
    #: Path and query as they came, percent-encoded; it begins with a slash.
    target: str
    #: Names in lower case, in the order in which they came, repeated ones too.
    headers: Headers
    body: bytes = b""

    def header(self, name: str) -> str | None:
        """Give a header's last value."""
        return next((value for key, value in reversed(self.headers) if key == name), None)


def accepted(scope: Mapping[str, Any], body: bytes) -> Request:
    """Take a request from an ASGI scope, or raise `Refused`."""
    query = f"?{scope['query_string'].decode('ascii')}" if scope["query_string"] else ""
    headers = tuple((n.decode("latin-1"), v.decode("latin-1")) for n, v in scope["headers"])
    request = Request(scope["method"], scope["raw_path"].decode("ascii") + query, headers, body)
    if not request.target.startswith("/"):
        raise Refused(HTTPStatus.BAD_REQUEST, "the request's target must begin with a slash")
    size = len(request.method) + len(request.target) + sum(len(value) for _, value in headers)
    if size > HEAD_BYTES_MAX:
        detail = f"request line and headers have {size} bytes; at most {HEAD_BYTES_MAX}"
        raise Refused(HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE, detail)
    host = request.header("host")
    if host is not None and not _LOOPBACK.fullmatch(host):  # HTTP/1.0 has none, and no browser
        detail = f"the local stage answers to localhost, 127.0.0.1 and [::1] only, not to {host!r}"
        raise Refused(HTTPStatus.MISDIRECTED_REQUEST, detail)
    if len(body) > BODY_BYTES_MAX:
        detail = f"the body has {len(body)} bytes; at most {BODY_BYTES_MAX} are taken"
        raise Refused(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, detail)
    return request
