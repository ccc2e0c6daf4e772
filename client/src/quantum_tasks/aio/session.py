"""The twin of `quantum_tasks.sync.session`: a bounded pool of threads sends the requests."""

from __future__ import annotations

import asyncio
import concurrent.futures
import time
from collections.abc import AsyncIterator, Mapping
from typing import Protocol, TypeVar

from quantum_tasks.errors import QuantumTasksError
from quantum_tasks.protocol.answers import Reply
from quantum_tasks.protocol.calls import Call, Seen
from quantum_tasks.protocol.requests import Request
from quantum_tasks.protocol.retrying import RetryPolicy
from quantum_tasks.protocol.watching import Change, Watch
from quantum_tasks.transport.http import REQUESTS_AT_ONCE, Transport

T = TypeVar("T")


class AsyncClock(Protocol):
    """Time that goes forward while other coroutines run."""

    def monotonic(self) -> float:
        """Return seconds since some moment."""

    async def sleep(self, seconds: float, /) -> None:
        """Return when so much time has passed."""


class SystemClock:
    """The machine's."""

    monotonic = staticmethod(time.monotonic)

    async def sleep(self, seconds: float) -> None:
        """Sleep; cancelling the coroutine ends it."""
        await asyncio.sleep(seconds)


class AsyncSession:
    """What all tasks of one client share; the event loop goes on while they wait."""

    def __init__(self, transport: Transport, clock: AsyncClock, policy: RetryPolicy) -> None:
        self.clock = clock
        self.policy = policy
        self._transport = transport
        self._threads = concurrent.futures.ThreadPoolExecutor(
            REQUESTS_AT_ONCE, thread_name_prefix="quantum-tasks"
        )

    async def exchange(self, call: Call[T]) -> T:
        """Send a call that may be repeated, until it is answered; see `Session.exchange`."""
        tries = 0
        while True:
            reply = await self._send(call.request)
            tries += 1
            try:
                return call.read(reply, self.clock.monotonic())
            except QuantumTasksError as exc:
                delay = self.policy.delay_seconds(exc, tries)
                if delay is None:
                    raise
            await self.clock.sleep(delay)

    async def watch(self, many: Mapping[int, Seen], timeout: float | None) -> AsyncIterator[Change]:
        """Ask for tasks until all have ended, and give each change; see `Session.watch`."""
        now = self.clock.monotonic
        watch = Watch(many, now=now(), timeout=timeout, policy=self.policy)
        for change in watch.start(now()):
            yield change
        while not watch.is_over:
            await self.clock.sleep(watch.pause(now()))
            replies = await asyncio.gather(*(self._send(r) for r in watch.due(now())))
            for change in watch.take(replies, now()):
                yield change

    def close(self) -> None:
        """Let go of connections and threads."""
        self._threads.shutdown(wait=False, cancel_futures=True)
        self._transport.close()

    async def _send(self, request: Request) -> Reply:
        """Send in a thread. A cancelled wait leaves the thread to its timeout."""
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._threads, self._transport.send, request)
