"""A threaded HTTP/1.1 server that behaves under load and ends in order.

Beside the standard library's and Chalice's: a listen queue of 1024 (theirs is 5, and whoever finds
it full waits for TCP's retry of 1 s), keep-alive with one write per response, no Nagle delay, a
problem document for what cannot be parsed, and a stop that lets requests in flight finish and does
not wait for idle connections.
"""

from __future__ import annotations

import contextlib
import logging
import selectors
import socket
import socketserver
import sys
import threading
import time
from collections.abc import Callable, Mapping
from email.utils import formatdate
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler
from typing import Protocol

from infra.local.stand_ins.api_gateway import BODY_BYTES_MAX, HttpResponse, problem

#: An idle connection, or one that stops in the middle of a request, is closed after this.
IDLE_SECONDS_MAX = 75.0
#: How long requests in flight may take to finish when the server stops.
DRAIN_SECONDS_MAX = 10.0
#: How much of a refused body is read, so that the client gets to read the refusal.
DISCARD_BYTES_MAX = 64 * 1024 * 1024

logger = logging.getLogger("infra.local.api")


class Answers(Protocol):
    """What answers the requests."""

    def handle(
        self, method: str, target: str, headers: Mapping[str, str], body: bytes
    ) -> HttpResponse:
        """Answer one request."""


class RefusedError(Exception):
    """The request cannot be passed on, and the connection cannot be used any further."""

    def __init__(self, status: HTTPStatus, detail: str) -> None:
        super().__init__(detail)
        self.status = status


def one_line(text: str) -> str:
    """Keep a header a header: a line break in it would begin another one."""
    return text.replace("\r", " ").replace("\n", " ")


class Server(socketserver.ThreadingMixIn, socketserver.TCPServer):
    """One thread per connection."""

    allow_reuse_address = True
    request_queue_size = 1024
    daemon_threads = True
    block_on_close = False

    def __init__(self, host: str, port: int, answers: Answers) -> None:
        """Bind and listen at once, so that a taken port is an error of this call."""
        self.answers = answers
        self.stopping = False
        self._connections: set[RequestHandler] = set()
        self._changed = threading.Condition()
        super().__init__((host, port), RequestHandler)

    def stop(self) -> None:
        """End ``serve_forever`` from a signal handler: a thread does the waiting."""
        self.stopping = True
        threading.Thread(target=self.shutdown, daemon=True).start()

    def drain(self) -> None:
        """Serve who already waits in line, close what is idle, wait for what is in flight."""
        self._accept_waiting()
        self.server_close()
        deadline = time.monotonic() + DRAIN_SECONDS_MAX
        with self._changed:
            for connection in self._connections:
                connection.end_when_idle()
            self._changed.wait_for(lambda: not self._connections, deadline - time.monotonic())
            if self._connections:
                logger.warning("%d requests were cut off", len(self._connections))

    def _accept_waiting(self) -> None:
        with selectors.DefaultSelector() as selector:
            selector.register(self.socket, selectors.EVENT_READ)
            while selector.select(0):
                self._handle_request_noblock()  # type: ignore[attr-defined]

    def opened(self, connection: RequestHandler) -> None:
        """Note a connection."""
        with self._changed:
            self._connections.add(connection)
            if self.stopping:
                connection.end_when_idle()

    def closed(self, connection: RequestHandler) -> None:
        """Forget a connection."""
        with self._changed:
            self._connections.discard(connection)
            self._changed.notify_all()

    def became_idle(self, connection: RequestHandler) -> None:
        """Note that a connection has answered; it ends if the server is about to."""
        with self._changed:
            connection.busy = False
            if self.stopping:
                connection.close_connection = True

    def handle_error(self, request: object, client_address: object) -> None:
        """Log what a connection's thread died of; the server lives on."""
        del request
        logger.warning("connection from %s ended", client_address, exc_info=sys.exc_info())


class RequestHandler(BaseHTTPRequestHandler):
    """One connection, one request after another."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    timeout = IDLE_SECONDS_MAX
    rbufsize = 1 << 16
    server: Server
    busy = False

    def setup(self) -> None:
        """Note the connection, so that a stop can wait for it."""
        super().setup()
        self.server.opened(self)

    def finish(self) -> None:
        """Forget it, whatever happened."""
        try:
            super().finish()
        finally:
            self.server.closed(self)

    def end_when_idle(self) -> None:
        """Let no further request arrive; one that has arrived is read and answered first."""
        if not self.busy:
            with contextlib.suppress(OSError):
                self.connection.shutdown(socket.SHUT_RD)

    def parse_request(self) -> bool:
        """Note that a request has begun: the base class calls this with its first line read."""
        self.busy = True
        return super().parse_request()

    def handle(self) -> None:
        """Serve until the client goes; that it goes in the middle is nothing to report."""
        with contextlib.suppress(ConnectionError, TimeoutError):
            super().handle()

    def answer(self) -> None:
        """Answer one request, of any method."""
        started = time.monotonic()
        try:
            body = self._body()
            headers = {name.lower(): value for name, value in self.headers.items()}
            response = self.server.answers.handle(self.command, self.path, headers, body)
        except RefusedError as refused:
            self.close_connection = True
            response = problem(refused.status, str(refused))
        except ConnectionError:
            raise
        except Exception:
            logger.exception("the app raised", extra={"path": self.path})
            response = problem(HTTPStatus.BAD_GATEWAY, "Internal server error")
        self._send(response)
        logger.info(
            "%s %s %d",
            self.command,
            self.path,
            response.status,
            extra={"duration_ms": round((time.monotonic() - started) * 1000, 1)},
        )
        self.server.became_idle(self)

    def __getattr__(self, name: str) -> Callable[[], None]:
        """Find ``do_<METHOD>`` for any method: which ones exist is the gateway's to say."""
        if name.startswith("do_"):
            return self.answer
        raise AttributeError(name)

    def _body(self) -> bytes:
        """Read the body. Only a stated length is understood, as by API Gateway's Lambda events."""
        if "transfer-encoding" in self.headers:
            raise RefusedError(HTTPStatus.LENGTH_REQUIRED, "Send the body with a Content-Length.")
        lengths = set(self.headers.get_all("content-length", ["0"]))
        text = lengths.pop()
        if lengths or not (text.isascii() and text.isdigit()):
            raise RefusedError(HTTPStatus.BAD_REQUEST, "Content-Length must be one whole number.")
        length = int(text)
        if length > BODY_BYTES_MAX:
            self._discard(length)
            raise RefusedError(
                HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
                f"The body is {length} bytes; at most {BODY_BYTES_MAX} are accepted.",
            )
        body = self.rfile.read(length)
        if len(body) < length:
            raise ConnectionAbortedError("the body ended early")
        return body

    def _discard(self, length: int) -> None:
        remaining = min(length, DISCARD_BYTES_MAX)
        while remaining > 0 and (chunk := self.rfile.read(min(remaining, 1 << 20))):
            remaining -= len(chunk)

    def _send(self, response: HttpResponse) -> None:
        """Write head and body in one piece."""
        if self.server.stopping:
            self.close_connection = True
        try:
            phrase = HTTPStatus(response.status).phrase
        except ValueError:
            phrase = ""
        lines = [f"HTTP/1.1 {response.status} {phrase}"]
        skipped = {"content-length", "connection", "transfer-encoding"}
        lines += [one_line(f"{n}: {v}") for n, v in response.headers if n.lower() not in skipped]
        lines.append(f"Date: {formatdate(usegmt=True)}")
        if response.status not in {HTTPStatus.NO_CONTENT, HTTPStatus.NOT_MODIFIED}:
            lines.append(f"Content-Length: {len(response.body)}")
        lines.append(f"Connection: {'close' if self.close_connection else 'keep-alive'}")
        head = "\r\n".join(lines).encode("latin-1", "replace") + b"\r\n\r\n"
        bodiless = self.command == "HEAD" or response.status == HTTPStatus.NOT_MODIFIED
        self.wfile.write(head if bodiless else head + response.body)

    def send_error(self, code: int, message: str | None = None, explain: str | None = None) -> None:
        """Refuse what cannot be parsed: the base class calls this, and would answer in HTML."""
        self.close_connection = True
        self.command = getattr(self, "command", None) or ""
        self._send(problem(HTTPStatus(code), explain or message or HTTPStatus(code).description))
        logger.info("malformed request", extra={"status": code, "detail": message})

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002  the base class's name
        """Say nothing on stderr; requests are logged above."""
