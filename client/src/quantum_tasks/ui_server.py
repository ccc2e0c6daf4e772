"""Serves the page on loopback and hands its calls on to the service, signed where that is needed.

`ui_access` decides what is let in; here is the HTTP.
"""

from __future__ import annotations

import base64
import hashlib
import http.server
import importlib.resources
import json
import re
import threading
from collections.abc import Mapping
from http import HTTPStatus
from typing import Any, Final

from quantum_tasks.config import configuration
from quantum_tasks.engine.effects import Lost, Request
from quantum_tasks.signing import signer_for
from quantum_tasks.transport import HttpTransport, Transport
from quantum_tasks.ui_access import METHODS, ROOT, Access, Refused, call_for

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
SAFE_HEADERS: Final = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'; sandbox",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
}


def transport_for(
    base_url: str | None, *, profile: str | None, region: str | None, auth: str
) -> HttpTransport:
    """Return what sends the page's calls.

    Raises:
        ConfigurationError: something given or configured cannot be used.
    """
    chosen = configuration(base_url, profile=profile, region=region, auth=auth)
    return HttpTransport(
        base_url=chosen.url, signer=signer_for(chosen), timeout_seconds=ANSWER_SECONDS_MAX
    )


def page() -> bytes:
    """Return the page as it was installed."""
    return importlib.resources.files("quantum_tasks").joinpath("page.html").read_bytes()


def content_security_policy(content: bytes) -> str:
    """Return the policy under which this page runs and nothing that was put into it does.

    Source: Content Security Policy Level 3, section 2.3.1 (hash sources); Trusted Types.
    """
    scripts, styles = (" ".join(_hashes(content, tag)) for tag in (b"script", b"style"))
    return "; ".join(
        (
            "default-src 'none'",
            f"script-src {scripts}",
            f"style-src {styles}",
            "connect-src 'self'",
            "img-src data:",
            "base-uri 'none'",
            "form-action 'none'",
            "frame-ancestors 'none'",
            "require-trusted-types-for 'script'",
            "trusted-types 'none'",
        )
    )


def _hashes(content: bytes, tag: bytes) -> list[str]:
    """Return the hash of each element's text, as a browser sees it."""
    texts = re.findall(b"<%b>(.*?)</%b>" % (tag, tag), content, re.DOTALL)
    digests = (base64.b64encode(hashlib.sha256(text).digest()) for text in texts)
    return [f"'sha256-{digest.decode()}'" for digest in digests]


def _length(headers: Mapping[str, str]) -> int:
    """Return how long the body is.

    Raises:
        Refused: 411 without one plain length, 413 above the limit.
    """
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
        self.content = page()
        self.policy = content_security_policy(self.content)
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
            self._send_page()
            return
        self.server.access.check_session(headers)
        call = call_for(self.command, path, query)
        if self._unread and headers.get("content-type", "").partition(";")[0] != "application/json":
            raise Refused(HTTPStatus.UNSUPPORTED_MEDIA_TYPE, "the content type is application/json")
        body = self.rfile.read(self._unread)
        if len(body) < self._unread:
            raise ConnectionAbortedError("the body ended early")
        kept = {n: headers[n.lower()] for n in REQUEST_HEADERS if n.lower() in headers}
        self._hand_on(
            Request(
                method=call.method,
                path=call.path,
                query=call.query,
                headers=kept,
                body=body if call.method == "POST" else None,
            )
        )

    def _hand_on(self, request: Request) -> None:
        outcome = self.server.transport.send(request)
        if isinstance(outcome, Lost):
            self._problem(HTTPStatus.BAD_GATEWAY, f"the service did not answer: {outcome.reason}")
            return
        seen = outcome.headers
        headers = {n: seen[n.lower()] for n in ANSWER_HEADERS if n.lower() in seen}
        given = seen.get("content-type", "").partition(";")[0].strip().lower()
        headers["Content-Type"] = given if given in JSON_TYPES else "text/plain; charset=utf-8"
        self._send(outcome.status, headers, outcome.body)

    def _send_page(self) -> None:
        named = {
            "Content-Type": "text/html; charset=utf-8",
            "Content-Security-Policy": self.server.policy,
        }
        self._send(HTTPStatus.OK, named, self.server.content)

    def _discard(self) -> None:
        """Read what was refused, so that the refusal can be read; then end the connection."""
        self.close_connection = True
        left = min(self._unread, BODY_BYTES_MAX)
        while left > 0 and (chunk := self.rfile.read(min(left, CHUNK_BYTES))):
            left -= len(chunk)

    def _problem(self, status: HTTPStatus, detail: str) -> None:
        document = {"type": "about:blank", "title": status.phrase, "status": status.value}
        content = json.dumps({**document, "detail": detail}).encode()
        more = (
            {"Allow": ", ".join(sorted(METHODS))} if status == HTTPStatus.METHOD_NOT_ALLOWED else {}
        )
        self._send(status, {"Content-Type": PROBLEM, **more}, content)

    def _send(self, status: int, headers: Mapping[str, str], content: bytes = b"") -> None:
        """Write head and body in one piece."""
        self.send_response(status)
        named = {**SAFE_HEADERS, **headers}
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
