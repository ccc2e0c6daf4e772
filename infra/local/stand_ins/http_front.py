"""Between HTTP and the gateway: reads a request whole, has a thread answer it, sends the answer.

An ASGI application, for any server of that kind.
"""

from __future__ import annotations

import asyncio
import dataclasses
import re
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
#: Requests that are read or answered at the same time.
REQUESTS_MAX: Final = 1024
#: API Gateway's limit for an integration's answer.
ANSWER_SECONDS_MAX: Final = 29.0
#: The header that ends a connection.
CLOSE: Final = (b"Connection", b"close")

_SHOWN_CHARACTERS_MAX: Final = 1000
_BODILESS: Final = frozenset({HTTPStatus.NO_CONTENT, HTTPStatus.NOT_MODIFIED})
#: Headers that say where a message ends are the server's own.
_FRAMING: Final = frozenset({"connection", "content-length", "transfer-encoding"})
_UNSENDABLE: Final = re.compile(r"[\x00-\x08\x0a-\x1f\x7f]")
_IN_DOUBT: Final = "a task may be kept; repeat the request with its Idempotency-Key"

Scope = Mapping[str, Any]
Receive = Callable[[], Awaitable[Mapping[str, Any]]]
Send = Callable[[Mapping[str, Any]], Awaitable[None]]

logger = part_logger("api")


class Answers(Protocol):
    """What answers the requests. Called by several threads at a time."""

    def handle(self, request: Request) -> HttpResponse:
        """Answer one request."""


class Front:
    """The ASGI application: reads a request whole, has a thread answer it, sends the answer."""

    def __init__(self, answers: Answers, *, is_stopping: Callable[[], bool]) -> None:
        """Take what answers, and how to know that connections are to be closed."""
        self._answers = answers
        self._is_stopping = is_stopping
        self._threads = ThreadPoolExecutor(THREADS_MAX, thread_name_prefix="answer")
        self._requests = 0
        #: Requests that the end of the server cut off.
        self.cut_off = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request, whatever happens; unless its client has gone."""
        started = time.monotonic()
        self._requests += 1
        closes = False
        try:
            response = await self._respond(scope, receive)
        except Refused as refused:
            closes = True
            response = problem(refused.status, str(refused), correlation_id_of(scope))
        except ConnectionAbortedError:
            return
        finally:
            self._requests -= 1
        await reply(send, response, closes=closes or self._is_stopping())
        logger.info(
            "%s %s %d",
            scope["method"][:_SHOWN_CHARACTERS_MAX],
            scope["raw_path"].decode("ascii")[:_SHOWN_CHARACTERS_MAX],
            response.status,
            extra={"duration_ms": round((time.monotonic() - started) * 1000, 1)},
        )

    async def _respond(self, scope: Scope, receive: Receive) -> HttpResponse:
        request = accepted(scope)
        if self._requests > REQUESTS_MAX:
            detail = f"more than {REQUESTS_MAX} requests at the same time"
            raise Refused(HTTPStatus.SERVICE_UNAVAILABLE, detail)
        request = dataclasses.replace(request, body=await whole_body(receive))
        loop = asyncio.get_running_loop()
        try:
            async with asyncio.timeout(ANSWER_SECONDS_MAX):
                return await loop.run_in_executor(self._threads, self._answers.handle, request)
        except TimeoutError:
            raise Refused(HTTPStatus.GATEWAY_TIMEOUT, f"no answer in time; {_IN_DOUBT}") from None
        except asyncio.CancelledError:
            self.cut_off += 1
            detail = f"the server was stopped; {_IN_DOUBT}"
            raise Refused(HTTPStatus.SERVICE_UNAVAILABLE, detail) from None
        except Exception:
            logger.exception("the app raised", extra={"target": request.target})
            raise Refused(HTTPStatus.BAD_GATEWAY, "an internal error; it has been logged") from None


def correlation_id_of(scope: Scope) -> str | None:
    """Give the client's correlation id, if it is a sane one."""
    given = dict(scope["headers"]).get(b"x-correlation-id")
    return valid_correlation_id(given.decode("latin-1")) if given else None


async def whole_body(receive: Receive) -> bytes:
    """Read a body; its stated length has been checked."""
    body = bytearray()
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise ConnectionAbortedError("the body ended early")
        body += message["body"]
        if not message["more_body"]:
            return bytes(body)


async def reply(send: Send, response: HttpResponse, *, closes: bool) -> None:
    """Send an answer; uvicorn leaves the body out where the request was a HEAD."""
    headers = [*wire_headers(response), *([CLOSE] if closes else [])]
    await send({"type": "http.response.start", "status": response.status, "headers": headers})
    body = b"" if response.status in _BODILESS else response.body
    await send({"type": "http.response.body", "body": body})


def wire_headers(response: HttpResponse) -> list[tuple[bytes, bytes]]:
    """Give the headers as bytes; nothing in a value can begin another header."""
    headers = [
        (name.encode("ascii"), _UNSENDABLE.sub(" ", value).strip().encode("latin-1", "replace"))
        for name, value in response.headers
        if name.lower() not in _FRAMING
    ]
    if response.status not in _BODILESS:
        headers.append((b"Content-Length", str(len(response.body)).encode()))
    return headers
