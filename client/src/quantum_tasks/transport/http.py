"""Sends requests over HTTP, by urllib3: one try, and no decision about another."""

from __future__ import annotations

import dataclasses
import platform
import time
from typing import Final, Protocol, Self
from urllib.parse import quote, urlencode

import urllib3

from quantum_tasks.protocol.answers import NoResponse, Reply, Response
from quantum_tasks.protocol.requests import Request
from quantum_tasks.transport.config import Configuration
from quantum_tasks.transport.signing import Signer, signer_for
from quantum_tasks.version import VERSION

#: The largest answer that is read. The service's are at most 6.1 MB.
ANSWER_BYTES_MAX: Final = 16_000_000
#: Requests of one client that are under way at once, each in a thread.
REQUESTS_AT_ONCE: Final = 8
#: Connections kept open; more wait for one.
CONNECTIONS_MAX: Final = 16

_CHUNK_BYTES: Final = 65_536
_CONNECT_SECONDS_MAX: Final = 10.0

USER_AGENT: Final = f"quantum-tasks/{VERSION} Python/{platform.python_version()}"


class Transport(Protocol):
    """Sends one request."""

    def send(self, request: Request) -> Reply:
        """Return the answer, or that there is none. Nothing is sent twice."""

    def close(self) -> None:
        """Close all connections."""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class HttpTransport:
    """Sends to one service. May be used by several threads at once."""

    #: With the stage's path, if it has one.
    base_url: str
    timeout_seconds: float
    #: None: the service takes every request, as the local one does.
    signer: Signer | None = None
    pool: urllib3.PoolManager = dataclasses.field(
        default_factory=lambda: urllib3.PoolManager(
            num_pools=1, maxsize=CONNECTIONS_MAX, block=True, retries=False
        )
    )

    @classmethod
    def to(cls, settings: Configuration, *, timeout_seconds: float) -> Self:
        """Send to the service of a configuration.

        Raises:
            ConfigurationError: its requests are to be signed, and something for that is missing.
        """
        signer = signer_for(settings)
        return cls(base_url=settings.url, signer=signer, timeout_seconds=timeout_seconds)

    def send(self, request: Request) -> Reply:
        """Send once, signed now; a redirection is not followed."""
        url = url_of(self.base_url, request)
        headers = {"Accept": "application/json", "User-Agent": USER_AGENT, **request.headers}
        if self.signer is not None:
            headers = self.signer.sign(request.method, url, headers, request.body)
        timeout = min(self.timeout_seconds, request.timeout_seconds or self.timeout_seconds)
        try:
            return self._exchange(request, url, headers, timeout)
        except (urllib3.exceptions.HTTPError, OSError) as exc:
            return NoResponse(f"{_reason(exc)}: {self.base_url}")

    def close(self) -> None:
        """Close all connections."""
        self.pool.clear()

    def _exchange(
        self, request: Request, url: str, headers: dict[str, str], timeout: float
    ) -> Reply:
        deadline = time.monotonic() + timeout
        answer = self.pool.request(
            request.method,
            url,
            body=request.body,
            headers=headers,
            timeout=urllib3.Timeout(connect=min(timeout, _CONNECT_SECONDS_MAX), read=timeout),
            pool_timeout=timeout,
            preload_content=False,
            redirect=False,
            retries=False,
        )
        try:
            body = _read(answer, deadline)
        finally:
            answer.close()
        if isinstance(body, NoResponse):
            return body
        names = {name.lower(): value for name, value in answer.headers.items()}
        return Response(status=answer.status, headers=names, body=body)


def url_of(base_url: str, request: Request) -> str:
    """Return the whole URL. It is sent as it is signed, so nothing in it needs normalising."""
    query = urlencode(request.query, quote_via=quote, safe="-_.~")
    return f"{base_url.rstrip('/')}{request.path}{'?' + query if query else ''}"


def _read(answer: urllib3.BaseHTTPResponse, deadline: float) -> bytes | NoResponse:
    body = bytearray()
    for chunk in answer.stream(_CHUNK_BYTES, decode_content=True):
        body += chunk
        if len(body) > ANSWER_BYTES_MAX:
            return NoResponse(f"the answer is longer than {ANSWER_BYTES_MAX:,} bytes")
        if time.monotonic() > deadline:
            return NoResponse("the answer took too long")
    return bytes(body)


def _reason(exc: Exception) -> str:
    """Say in a person's words what happened, the library's own in parentheses."""
    errors = urllib3.exceptions
    words = {
        errors.NewConnectionError: "no connection could be made",
        errors.ConnectTimeoutError: "connecting took too long",
        errors.ReadTimeoutError: "the answer took too long",
        errors.SSLError: "the encrypted connection could not be made",
        errors.ProtocolError: "the connection broke",
        errors.LocationValueError: "the address cannot be used",
    }
    what = next((text for kind, text in words.items() if isinstance(exc, kind)), "it failed")
    return f"{what} ({exc.__cause__ or exc})"
