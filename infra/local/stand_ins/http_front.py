"""Between HTTP and the gateway: reads a request whole, has a thread answer it, sends the answer.

An ASGI application, for any server of that kind.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from http import HTTPStatus
from typing import Any, Final, Protocol

from chalicelib.entrypoints.http.reading import valid_correlation_id
from infra.local.stand_ins.http_request import Request, accepted
from infra.local.stand_ins.logs import part_logger
from infra.local.stand_ins.problems import HttpResponse, Refused, problem

#: Requests that are answered at the same time; others wait for a thread.
THREADS_MAX: Final = 32
#: API Gateway's limit for an integration's answer.
ANSWER_SECONDS_MAX: Final = 29.0

_SHOWN_CHARACTERS_MAX: Final = 1000
_BODILESS: Final = frozenset({HTTPStatus.NO_CONTENT, HTTPStatus.NOT_MODIFIED})
_IN_DOUBT: Final = "a task may be kept; repeat the request with its Idempotency-Key"

Scope = Mapping[str, Any]
Receive = Callable[[], Awaitable[Mapping[str, Any]]]
Send = Callable[[Mapping[str, Any]], Awaitable[None]]

logger = part_logger("api")


class Handler(Protocol):
    """What answers the requests. Called by several threads at a time."""

    def handle(self, request: Request) -> HttpResponse:
        """Answer one request."""


class Front:
    """The ASGI application."""

    def __init__(self, answers: Handler, *, is_stopping: Callable[[], bool]) -> None:
        """Take what answers, and how to know that connections are to be closed."""
        self._answers = answers
        self._is_stopping = is_stopping
        self._threads = ThreadPoolExecutor(THREADS_MAX, thread_name_prefix="answer")
        #: Requests that the end of the server cut off.
        self.cut_off = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request, whatever happens; unless its client has gone."""
        started = time.monotonic()
        body = await whole_body(receive)
        if body is None:
            return
        try:
            response = await self._respond(accepted(scope, body))
        except Refused as refused:
            given = dict(scope["headers"]).get(b"x-correlation-id", b"").decode("latin-1")
            response = problem(refused.status, str(refused), valid_correlation_id(given))
        headers = wire_headers(response)
        if self._is_stopping():
            headers.append((b"Connection", b"close"))
        await send({"type": "http.response.start", "status": response.status, "headers": headers})
        await send({"type": "http.response.body", "body": response.body})
        logger.info(
            "%s %s %d",
            scope["method"][:_SHOWN_CHARACTERS_MAX],
            scope["raw_path"].decode("ascii")[:_SHOWN_CHARACTERS_MAX],
            response.status,
            extra={"duration_ms": round((time.monotonic() - started) * 1000, 1)},
        )

    async def _respond(self, request: Request) -> HttpResponse:
        loop = asyncio.get_running_loop()
        try:
            async with asyncio.timeout(ANSWER_SECONDS_MAX):
                return await loop.run_in_executor(self._threads, self._answers.handle, request)
        except TimeoutError:
            raise Refused(HTTPStatus.GATEWAY_TIMEOUT, f"no answer in time; {_IN_DOUBT}") from None
        except asyncio.CancelledError:
            self.cut_off += 1
            raise
        except Exception:
            logger.exception("the app raised", extra={"target": request.target})
            raise Refused(HTTPStatus.BAD_GATEWAY, "an internal error; it has been logged") from None


async def whole_body(receive: Receive) -> bytes | None:
    """Read a body; None if its client went before its end."""
    body = bytearray()
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            return None
        body += message["body"]
        if not message["more_body"]:
            return bytes(body)


def wire_headers(response: HttpResponse) -> list[tuple[bytes, bytes]]:
    """Give the headers as bytes, with the body's length."""
    headers = [
        (name.encode("ascii"), value.encode("latin-1", "replace"))
        for name, value in response.headers
    ]
    if response.status not in _BODILESS:
        headers.append((b"Content-Length", str(len(response.body)).encode()))
    return headers
