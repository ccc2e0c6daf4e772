"""A clock that goes forward at once, and a service that answers by a script, for both clients."""

from __future__ import annotations

import asyncio
import dataclasses
import inspect
import itertools
import json
from collections.abc import AsyncIterator, Callable, Iterator, Mapping, Sequence
from typing import Any, Literal

from quantum_tasks import AsyncClient, Client
from quantum_tasks.protocol.answers import NoResponse, Response
from quantum_tasks.protocol.requests import Request
from quantum_tasks.transport.http import Transport

URL = "http://127.0.0.1:1"
#: More than any test needs: a client that never ends fails, and does not hang.
REQUESTS_MAX = 1000
TASK_ID = "1f0b3a9e-6d1c-5c57-9a43-0f0f6e2c7d11"

Reply = Response | NoResponse | BaseException
Mode = Literal["sync", "async"]
MODES: tuple[Mode, ...] = ("sync", "async")


class VirtualClock:
    """Time passes only by sleeping and by what the transport says a request takes."""

    def __init__(self) -> None:
        self.now = 1000.0
        #: After so many sleeps the next one is interrupted.
        self.sleeps_left: int | None = None

    def monotonic(self) -> float:
        """Return the time."""
        return self.now

    def sleep(self, seconds: float) -> None:
        """Let time pass."""
        assert seconds >= 0
        if self.interrupted():
            raise KeyboardInterrupt
        self.now += seconds

    def interrupted(self) -> bool:
        """Tell whether this sleep is the one that is interrupted."""
        if self.sleeps_left is None:
            return False
        self.sleeps_left -= 1
        return self.sleeps_left < 0


class VirtualAsyncClock(VirtualClock):
    """The same for the event loop."""

    async def sleep(self, seconds: float) -> None:  # type: ignore[override]
        """Let time pass; Ctrl-C in `asyncio.run` cancels the main task."""
        current = asyncio.current_task()
        if self.interrupted() and current is not None:
            current.cancel()
        self.now += seconds
        await asyncio.sleep(0)  # other coroutines have their turn


@dataclasses.dataclass(frozen=True, kw_only=True)
class Sent:
    """One request, when it was sent and what was answered."""

    at: float
    answered_at: float
    request: Request
    reply: Reply


class Script:
    """Answers requests one after the other; the last reply is repeated."""

    def __init__(self, clock: VirtualClock, replies: Sequence[Reply], seconds: float = 0.0) -> None:
        self._clock = clock
        self._replies = list(replies)
        self._seconds = seconds
        self.sent: list[Sent] = []

    def send(self, request: Request) -> Response | NoResponse:
        """Answer the next request."""
        assert len(self.sent) < REQUESTS_MAX, "the client does not stop asking"
        reply = self._replies[min(len(self.sent), len(self._replies) - 1)]
        at = self._clock.now
        limit = request.timeout_seconds
        self._clock.now += self._seconds if limit is None else min(self._seconds, limit)
        if limit is not None and self._seconds > limit:
            reply = NoResponse("the answer took too long")
        self.sent.append(Sent(at=at, answered_at=self._clock.now, request=request, reply=reply))
        if isinstance(reply, BaseException):
            raise reply
        return reply

    def close(self) -> None:
        """Nothing is open."""


def answer(status: int, document: object = None, **headers: str) -> Response:
    """Return an answer; header names have underscores for hyphens."""
    body = b"" if document is None else json.dumps(document).encode()
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return Response(status=status, headers=named, body=body)


def task(status: str, *, entries: int = 1, **more: Any) -> dict[str, Any]:  # noqa: ANN401 - JSON
    """Return a task's document."""
    entry = {
        "status": status,
        "transitioned_at": "2026-01-01T12:00:00Z",
        "notes": None,
        "attempt": 0,
    }
    result = {"counts": {"0": 1}, "shots": 1, "registers": [{"name": "c", "size": 1}]}
    return {
        "task_id": TASK_ID,
        "status": status,
        "attempt": 0,
        "result": result if status == "completed" else None,
        "error_message": "why" if status == "failed" else None,
        "status_history": [entry] * entries,
        **more,
    }


class Both:
    """Runs the same use of a client synchronously or in an event loop, on a clock of its own."""

    def __init__(
        self,
        *,
        mode: Mode,
        replies: Sequence[Reply] = (),
        seconds: float = 0.0,
        transport: Callable[[VirtualClock], Transport] | None = None,
    ) -> None:
        self._is_async = mode == "async"
        self.clock = VirtualAsyncClock() if self._is_async else VirtualClock()
        self.script = Script(self.clock, replies, seconds)
        self._transport = self.script if transport is None else transport(self.clock)

    def use(self, name: str, *args: object, then: str | None = None, **named: Any) -> Any:  # noqa: ANN401
        """Call a method of the client, and perhaps one of what it returns, with `named`."""
        if self._is_async:
            return asyncio.run(self._use_async(name, args, then, named))
        with Client(URL, transport=self._transport, clock=self.clock) as client:
            made = getattr(client, name)(*args, **({} if then else named))
            found = made if then is None else getattr(made, then)(**named)
            return list(found) if isinstance(found, Iterator) else found

    async def _use_async(
        self, name: str, args: Sequence[object], then: str | None, named: Mapping[str, Any]
    ) -> Any:  # noqa: ANN401
        assert isinstance(self.clock, VirtualAsyncClock)
        async with AsyncClient(URL, transport=self._transport, clock=self.clock) as client:
            made = await getattr(client, name)(*args, **({} if then else named))
            found = made if then is None else getattr(made, then)(**named)
            if isinstance(found, AsyncIterator):
                return [each async for each in found]
            return await found if inspect.isawaitable(found) else found

    @property
    def sent(self) -> list[Sent]:
        """All requests so far."""
        return self.script.sent


def pauses(sent: Sequence[Sent]) -> Iterator[tuple[float, float]]:
    """Give each pause between requests: how long it was and how long the service asked for."""
    for before, after in itertools.pairwise(sent):
        asked = 0.0
        if isinstance(before.reply, Response):
            asked = float(before.reply.headers.get("retry-after", 0))
        yield after.at - before.answered_at, asked
