"""Who may ask the page's server, and for what. Pure decisions; each refusal says what is wrong.

The server stands on loopback, where every program and every web page of this machine's browsers
can send requests. What protects it:

- `Host` must be its own address, so that no other name that resolves to 127.0.0.1 reaches it
  (DNS rebinding).
- A cookie that only the one-time token of the printed address gives. It is `HttpOnly`, and
  `SameSite=Strict`: no request that another site starts carries it.
- `Origin` must be its own, and must be there where something is changed.
- Only the calls of `OPERATIONS` go on to the service.
"""

from __future__ import annotations

import functools
import hmac
import re
import secrets
from collections.abc import Mapping
from http import HTTPStatus
from http.cookies import CookieError, SimpleCookie
from typing import Final
from urllib.parse import parse_qs, parse_qsl

from quantum_tasks.protocol.requests import Query, Request

#: The page's own address. The token stands in its query, once.
ROOT: Final = "/"
QUERY_NAME: Final = "token"
COOKIE: Final = "qtasks_ui"

#: What may be asked of the service: method, path as the OpenAPI document has it, and whether it
#: takes a query.
OPERATIONS: Final = (
    ("GET", "/tasks", True),
    ("POST", "/tasks", False),
    ("GET", "/tasks/{task_id}", False),
    ("POST", "/tasks/{task_id}/cancel", False),
    ("POST", "/validations", False),
    ("GET", "/health", False),
)
METHODS: Final = frozenset({"GET", "POST"})
QUERY_FIELDS_MAX: Final = 100

_TASK_ID: Final = r"[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}"
_PATHS: Final = tuple(
    (method, re.compile(re.escape(path).replace(r"\{task_id\}", _TASK_ID)), with_query)
    for method, path, with_query in OPERATIONS
)


class Refused(Exception):
    """The request is not answered by page or service."""

    def __init__(self, status: HTTPStatus, detail: str) -> None:
        super().__init__(detail)
        self.status = status


class Access:
    """Knows the secrets of one server: a token that can be used once, and the cookie it gives."""

    def __init__(self, host: str) -> None:
        """Take the server's own `Host`: address and port."""
        self.host = host
        self.origin = f"http://{host}"
        self._token: str | None = secrets.token_urlsafe(32)
        self._session = secrets.token_urlsafe(32)

    def address_with_token(self) -> str:
        """Return the address that opens the page once."""
        return f"{self.origin}{ROOT}?{QUERY_NAME}={self._token}"

    def check_sender(self, method: str, headers: Mapping[str, str]) -> None:
        """Refuse what is not meant for this server, or what another site has started."""
        if headers.get("host") != self.host:
            raise Refused(HTTPStatus.FORBIDDEN, f"the Host of this server is {self.host}")
        if method not in METHODS:
            raise Refused(HTTPStatus.METHOD_NOT_ALLOWED, "the methods are GET and POST")
        origin = headers.get("origin")
        if origin != self.origin and (origin is not None or method != "GET"):
            raise Refused(HTTPStatus.FORBIDDEN, f"the Origin must be {self.origin}")
        if headers.get("sec-fetch-site", "none") not in {"none", "same-origin"}:
            raise Refused(HTTPStatus.FORBIDDEN, "another site has started this request")

    def session_for(self, query: str) -> str | None:
        """Return the cookie to set if the query has the token, which is used up by that.

        Refuses another token, and one that was used before.
        """
        given = parse_qs(query, max_num_fields=QUERY_FIELDS_MAX).get(QUERY_NAME)
        if given is None:
            return None
        token, same = self._token, False
        if token is not None and len(given) == 1:
            same = hmac.compare_digest(given[0].encode(), token.encode())
        if not same:
            detail = "the token is not valid, or was used before: start `qtasks ui` again"
            raise Refused(HTTPStatus.FORBIDDEN, detail)
        self._token = None
        return f"{COOKIE}={self._session}; Path=/; HttpOnly; SameSite=Strict"

    def check_session(self, headers: Mapping[str, str]) -> None:
        """Refuse all who do not have the cookie."""
        cookies: SimpleCookie = SimpleCookie()
        try:
            cookies.load(headers.get("cookie", ""))
        except CookieError:
            cookies = SimpleCookie()
        given = cookies[COOKIE].value if COOKIE in cookies else ""
        if not hmac.compare_digest(given.encode(), self._session.encode()):
            detail = "open the page by the address that `qtasks ui` printed"
            raise Refused(HTTPStatus.FORBIDDEN, detail)


def request_for(method: str, path: str, query: str) -> Request:
    """Return what to ask of the service; refuse all but the operations that the page may use."""
    for known, pattern, with_query in _PATHS:
        if method == known and pattern.fullmatch(path) and (with_query or not query):
            return Request(method=method, path=path, query=_fields(query))
    raise Refused(HTTPStatus.FORBIDDEN, "the page has no such call")


def _fields(query: str) -> Query:
    read = functools.partial(parse_qsl, keep_blank_values=True, max_num_fields=QUERY_FIELDS_MAX)
    try:
        return tuple(read(query, strict_parsing=bool(query), errors="strict"))
    except ValueError as exc:
        raise Refused(HTTPStatus.BAD_REQUEST, f"the query cannot be read: {exc}") from exc
