"""The effects of programs, and the values that go in and out of them."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Generator, Mapping
from typing import Any, TypeVar

from quantum_tasks.errors import BadAnswer
from quantum_tasks.reading import Document

T = TypeVar("T")


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """One HTTP request, relative to the service's address."""

    method: str
    #: Starts with a slash.
    path: str
    #: In this order, not yet encoded.
    query: tuple[tuple[str, str], ...] = ()
    headers: Mapping[str, str] = dataclasses.field(default_factory=dict)
    body: bytes | None = None
    #: If shorter than the client's own timeout.
    timeout_seconds: float | None = None


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Response:
    """A whole HTTP answer."""

    status: int
    #: Names in lower case.
    headers: Mapping[str, str]
    body: bytes

    def document(self) -> Document:
        """Return the body, which must be a JSON object.

        Raises:
            BadAnswer: it is not; another request may bring it whole.
        """
        try:
            value = json.loads(self.body)
        except (ValueError, RecursionError) as exc:
            message = f"the answer (status {self.status}) is not JSON"
            error = BadAnswer(message)
            error.retryable = True
            raise error from exc
        return Document.of(value)


@dataclasses.dataclass(frozen=True, slots=True)
class Lost:
    """No whole answer came; the request may have arrived all the same."""

    #: What happened, as a sentence's end: "the connection was refused".
    reason: str


Outcome = Response | Lost


@dataclasses.dataclass(frozen=True, slots=True)
class Send:
    """Send these requests, several at a time; answered with their outcomes in the same order."""

    requests: tuple[Request, ...]


@dataclasses.dataclass(frozen=True, slots=True)
class Sleep:
    """Wait so long, and no less; answered with None."""

    seconds: float


@dataclasses.dataclass(frozen=True, slots=True)
class Now:
    """Answered with the time on a clock that only goes forward, in seconds."""


@dataclasses.dataclass(frozen=True, slots=True)
class Emit:
    """Give this to the caller while the program goes on; answered with None."""

    value: Any


Effect = Send | Sleep | Now | Emit

#: Yields effects and is sent their answers; its value is what it was run for.
Program = Generator[Effect, Any, T]


def send(request: Request) -> Program[Outcome]:
    """Send one request."""
    outcomes = yield Send((request,))
    outcome: Outcome = outcomes[0]
    return outcome


def send_all(requests: tuple[Request, ...]) -> Program[tuple[Outcome, ...]]:
    """Send several requests, as many at a time as the driver allows."""
    outcomes: tuple[Outcome, ...] = yield Send(requests)
    return outcomes


def now() -> Program[float]:
    """Read the clock."""
    at: float = yield Now()
    return at
