"""Serves the page on loopback and hands its calls on to the service, signed where that is needed.

`access` decides what is let in; here is the HTTP.
"""

from __future__ import annotations

import dataclasses
import http.server
import json
import re
import threading
from collections.abc import Mapping
from http import HTTPStatus
from typing import Any, Final

from quantum_tasks.protocol.answers import NoResponse
from quantum_tasks.protocol.requests import Request
from quantum_tasks.transport.http import Transport
from quantum_tasks.ui.access import METHODS, ROOT, Access, Refused, request_for
from quantum_tasks.ui.page import SAFE_HEADERS, page

HOST: Final = "127.0.0.1"
#: What API Gateway and Lambda take.
BODY_BYTES_MAX: Final = 6_291_556
CHUNK_BYTES: Final = 65_536
#: An idle connection, or one that stops in the middle of a request, is closed after this.
IDLE_SECONDS_MAX: Final = 75.0
#: One browser opens six; more wait for one to end.
CONNECTIONS_MAX: Final = 32
#: Longer than the service takes for any answer.
ANSWER_SECONDS_MAX: Final = 35.0

#: What goes on to the service and comes back from it; all else stays.
REQUEST_HEADERS: Final = ("Content-Type", "If-None-Match", "Idempotency-Key", "X-Correlation-ID")
ANSWER_HEADERS: Final = ("ETag", "Retry-After", "X-Correlation-ID", "Idempotent-Replayed")
JSON_TYPES: Final = frozenset({"application/json", "application/problem+json"})

_LENGTH: Final = re.compile(r"[0-9]{1,12}")

PROBLEM: Final = "application/problem+json"
#: With every answer. A document that a browser shows by itself may do nothing at all.
BARE_HEADERS: Final = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'; sandbox",
    **SAFE_HEADERS,
}


def _length(headers: Mapping[str, str]) -> int:
    """Return how long the body is; refuse one without a plain length, or above the limit."""
    text = headers.get("content-length", "0")
    if "transfer-encoding" in headers or not _LENGTH.fullmatch(text):
        raise Refused(HTTPStatus.LENGTH_REQUIRED, "the body needs one Content-Length")
    if int(text) > BODY_BYTES_MAX:
        detail = f"the body is {int(text):,} bytes; at most {BODY_BYTES_MAX:,} are sent on"
        raise Refused(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, detail)
    return int(text)


class PageServer(http.server.ThreadingHTTPServer):
    """One page for one service, at a port that the system chooses."""

    daemon_threads = True
    block_on_close = False

    def __init__(self, transport: Transport) -> None:
        """Bind and listen; nothing is answered before `serve_forever`."""
        super().__init__((HOST, 0), _Handler)
        self.transport = transport
        self.access = Access(f"{HOST}:{self.server_address[1]}")
        self.page = page()
        self._free = threading.BoundedSemaphore(CONNECTIONS_MAX)

    def address_with_token(self) -> str:
        """Return the address that opens the page once."""
        return self.access.address_with_token()

    def process_request(self, request: Any, client_address: Any) -> None:  # noqa: ANN401
        """Give the connection a thread as soon as one is free."""
        self._free.acquire()
        try:
            super().process_request(request, client_address)
        except RuntimeError:  # no thread was started that would release it; Ctrl-C may come later
            self._free.release()
            raise

    def process_request_thread(self, request: Any, client_address: Any) -> None:  # noqa: ANN401
        """Serve one connection."""
        try:
            super().process_request_thread(request, client_address)
        finally:
            self._free.release()

    def handle_error(self, request: object, client_address: object) -> None:
        """Say nothing of a connection that broke; the page says it."""


class _Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    wbufsize = -1  # head and body go in one piece
    server_version = "qtasks"
    sys_version = ""
    timeout = IDLE_SECONDS_MAX
    server: PageServer
    #: Bytes of the request's body that are still to be read.
    _unread = 0

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401 - a method of any name
        """Find `do_<METHOD>` for any method: which ones there are is not said here."""
        if name.startswith("do_"):
            return self._answer
        raise AttributeError(name)

    def _answer(self) -> None:
        """Answer one request, whatever it is."""
        self._unread = 0
        headers = {name.lower(): value for name, value in self.headers.items()}
        try:
            self._refuse_repeated()
            self._unread = _length(headers)
            self.server.access.check_sender(self.command, headers)
            self._serve(headers)
        except Refused as refused:
            self._discard()
            self._problem(refused.status, str(refused))
        except OSError:
            raise  # the browser has gone
        except Exception as exc:  # noqa: BLE001 - the boundary, such as credentials that ran out
            detail = f"the call could not be sent: {type(exc).__name__}: {exc}"
            self._problem(HTTPStatus.BAD_GATEWAY, detail)

    def _refuse_repeated(self) -> None:
        """Refuse a header that decides who may ask and is there twice."""
        for name in ("Host", "Origin", "Cookie", "Content-Length"):
            if len(self.headers.get_all(name, [])) > 1:
                raise Refused(HTTPStatus.BAD_REQUEST, f"{name} is there more than once")

    def _serve(self, headers: Mapping[str, str]) -> None:
        path, _, query = self.path.partition("?")
        if path == ROOT and self.command == "GET":
            cookie = self.server.access.session_for(query)
            if cookie is not None:
                self._send(HTTPStatus.SEE_OTHER, {"Set-Cookie": cookie, "Location": ROOT})
                return
            self.server.access.check_session(headers)
            self._send(HTTPStatus.OK, *self.server.page)
            return
        self.server.access.check_session(headers)
        request = request_for(self.command, path, query)
        if self._unread and headers.get("content-type", "").partition(";")[0] != "application/json":
            raise Refused(HTTPStatus.UNSUPPORTED_MEDIA_TYPE, "the content type is application/json")
        body = self.rfile.read(self._unread)
        if len(body) < self._unread:
            raise ConnectionAbortedError("the body ended early")
        kept = {n: headers[n.lower()] for n in REQUEST_HEADERS if n.lower() in headers}
        body_or_none = body if request.method == "POST" else None
        self._hand_on(dataclasses.replace(request, headers=kept, body=body_or_none))

    def _hand_on(self, request: Request) -> None:
        reply = self.server.transport.send(request)
        if isinstance(reply, NoResponse):
            self._problem(HTTPStatus.BAD_GATEWAY, f"the service did not answer: {reply.reason}")
            return
        headers = {
            n: reply.headers[n.lower()] for n in ANSWER_HEADERS if n.lower() in reply.headers
        }
        given = reply.headers.get("content-type", "").partition(";")[0].strip().lower()
        headers["Content-Type"] = given if given in JSON_TYPES else "text/plain; charset=utf-8"
        self._send(reply.status, headers, reply.body)

    def _discard(self) -> None:
        """Read what was refused, so that the refusal can be read; then end the connection."""
        self.close_connection = True
        left = min(self._unread, BODY_BYTES_MAX)
        while left > 0 and (chunk := self.rfile.read(min(left, CHUNK_BYTES))):
            left -= len(chunk)

    def _problem(self, status: HTTPStatus, detail: str) -> None:
        document = {"type": "about:blank", "title": status.phrase, "status": status.value}
        content = json.dumps({**document, "detail": detail}).encode()
        headers = {"Content-Type": PROBLEM}
        if status == HTTPStatus.METHOD_NOT_ALLOWED:
            headers["Allow"] = ", ".join(sorted(METHODS))
        self._send(status, headers, content)

    def _send(self, status: int, headers: Mapping[str, str], content: bytes = b"") -> None:
        """Write head and body."""
        self.send_response(status)
        named = {**BARE_HEADERS, **headers}
        if status != HTTPStatus.NOT_MODIFIED:
            named["Content-Length"] = str(len(content))
        if self.close_connection:
            named["Connection"] = "close"
        for name, value in named.items():
            self.send_header(name, value.replace("\r", " ").replace("\n", " "))
        self.end_headers()
        if getattr(self, "command", "") != "HEAD" and status != HTTPStatus.NOT_MODIFIED:
            self.wfile.write(content)

    def send_error(self, code: int, message: str | None = None, explain: str | None = None) -> None:
        """Refuse what cannot be parsed: the base class calls this, and would answer in HTML."""
        self.close_connection = True
        self.request_version = self.protocol_version  # else it answers without a head
        status = HTTPStatus(code)
        self._problem(status, explain or message or status.description)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base class's name
        """Write nothing: addresses have a token in them."""
