"""Which HTTP requests the local API takes, once h11 has parsed them. Pure: no I/O.

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
from urllib.parse import urlsplit

from infra.local.stand_ins.problems import Headers, Refused

#: API Gateway's limit for a body.
BODY_BYTES_MAX: Final = 10 * 1024 * 1024
#: API Gateway's limit for the request line and all header values together.
HEAD_BYTES_MAX: Final = 10_240
HEADERS_MAX: Final = 100

_VERSIONS: Final = frozenset({"1.0", "1.1"})
_LOOPBACK: Final = re.compile(r"(localhost|127\.0\.0\.1|\[::1\])(:[0-9]{0,5})?", re.IGNORECASE)
_SHOWN_CHARACTERS_MAX: Final = 100


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


def accepted(scope: Mapping[str, Any]) -> Request:
    """Take the head of a request from an ASGI scope, or raise `Refused`."""
    if scope["http_version"] not in _VERSIONS:
        raise Refused(HTTPStatus.HTTP_VERSION_NOT_SUPPORTED, "this server speaks HTTP/1.1")
    target, authority = _target_of(scope)
    headers = tuple((n.decode("latin-1"), v.decode("latin-1")) for n, v in scope["headers"])
    request = Request(scope["method"], target, headers)
    _check_size(request)
    # The target's authority counts for more than the Host (RFC 9112, section 3.2.2).
    _check_host(authority or request.header("host"))
    _check_framing(request)
    return request


def _target_of(scope: Mapping[str, Any]) -> tuple[str, str | None]:
    """Give a target's path with query and, of an absolute one, its authority."""
    path: str = scope["raw_path"].decode("ascii")
    query = f"?{scope['query_string'].decode('ascii')}" if scope["query_string"] else ""
    if path.startswith("/"):
        return path + query, None
    try:
        parts = urlsplit(path)
    except ValueError:
        parts = urlsplit("")
    if parts.scheme not in {"http", "https"} or not parts.netloc:
        raise Refused(HTTPStatus.BAD_REQUEST, "the request's target must begin with a slash")
    return (parts.path or "/") + query, parts.netloc


def _check_size(request: Request) -> None:
    line = len(request.method) + len(request.target)
    if line > HEAD_BYTES_MAX:
        detail = f"the request's target has {len(request.target)} bytes; at most {HEAD_BYTES_MAX}"
        raise Refused(HTTPStatus.REQUEST_URI_TOO_LONG, detail)
    size = line + sum(len(value) for _, value in request.headers)
    if size > HEAD_BYTES_MAX or len(request.headers) > HEADERS_MAX:
        detail = (
            f"request line and headers have {size} bytes in {len(request.headers)} headers; "
            f"at most {HEAD_BYTES_MAX} in {HEADERS_MAX}"
        )
        raise Refused(HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE, detail)


def _check_host(host: str | None) -> None:
    """HTTP/1.0 knows no Host; no browser speaks that."""
    if host is not None and not _LOOPBACK.fullmatch(host):
        detail = (
            "the local stage answers to localhost, 127.0.0.1 and [::1] only, "
            f"not to {host[:_SHOWN_CHARACTERS_MAX]!r}"
        )
        raise Refused(HTTPStatus.MISDIRECTED_REQUEST, detail)


def _check_framing(request: Request) -> None:
    """Take a body with a stated length only, and never two opinions on where it ends.

    h11 has refused a length that is no number, and two that differ.
    """
    length = request.header("content-length")
    if request.header("transfer-encoding") is not None:
        if length is not None:
            detail = "Content-Length and Transfer-Encoding exclude each other"
            raise Refused(HTTPStatus.BAD_REQUEST, detail)
        raise Refused(HTTPStatus.LENGTH_REQUIRED, "the body must come with a Content-Length")
    if length is not None and int(length) > BODY_BYTES_MAX:
        detail = f"the body has {int(length)} bytes; at most {BODY_BYTES_MAX} are taken"
        raise Refused(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, detail)
