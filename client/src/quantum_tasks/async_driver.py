"""Runs programs in an event loop; a bounded pool of threads sends their requests."""

from __future__ import annotations

import asyncio
import concurrent.futures
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any, Protocol, TypeVar

from quantum_tasks.driver import REQUESTS_AT_ONCE, Step
from quantum_tasks.engine.effects import Effect, Emit, Now, Outcome, Program, Request, Send, Sleep
from quantum_tasks.transport import Transport

T = TypeVar("T")


async def _ignore(value: object) -> None:
    del value


class AsyncClock(Protocol):
    """Time that goes forward while other coroutines run."""

    def monotonic(self) -> float:
        """Return seconds since some moment."""

    async def sleep(self, seconds: float) -> None:
        """Return when so much time has passed."""


class SystemAsyncClock:
    """The machine's."""

    def monotonic(self) -> float:
        """Return seconds since some moment."""
        return time.monotonic()

    async def sleep(self, seconds: float) -> None:
        """Sleep; cancelling the coroutine ends it."""
        await asyncio.sleep(seconds)


class AsyncDriver:
    """Runs programs; the event loop goes on while they wait."""

    def __init__(self, transport: Transport, clock: AsyncClock) -> None:
        self._transport = transport
        self._clock = clock
        self._threads = concurrent.futures.ThreadPoolExecutor(
            REQUESTS_AT_ONCE, thread_name_prefix="quantum-tasks"
        )

    async def run(
        self, program: Program[T], on_emit: Callable[[Any], Awaitable[None]] = _ignore
    ) -> T:
        """Run a program to its end and return its value."""
        step = Step()
        while (effect := step.next_effect(program)) is not None:
            try:
                if isinstance(effect, Emit):
                    await on_emit(effect.value)
                else:
                    step.answer = await self._perform(effect)
            except BaseException as exc:  # noqa: BLE001 - cancellation too: the program adds what it knows
                step.failure = exc
        value: T = step.value
        return value

    async def iterate(self, program: Program[Any]) -> AsyncIterator[Any]:
        """Run a program as far as its next value is wanted."""
        step = Step()
        while (effect := step.next_effect(program)) is not None:
            try:
                if isinstance(effect, Emit):
                    yield effect.value
                else:
                    step.answer = await self._perform(effect)
            except BaseException as exc:  # noqa: BLE001 - as above
                step.failure = exc

    def close(self) -> None:
        """Let go of connections and threads."""
        self._threads.shutdown(wait=False, cancel_futures=True)
        self._transport.close()

    async def _perform(self, effect: Effect) -> object:
        match effect:
            case Send(requests=requests):
                return tuple(await asyncio.gather(*(self._send(r) for r in requests)))
            case Sleep(seconds=seconds):
                await self._clock.sleep(seconds)
                return None
            case Now():
                return self._clock.monotonic()
            case _:
                raise TypeError(effect)

    async def _send(self, request: Request) -> Outcome:
        """Send in a thread. A cancelled wait leaves the thread to its timeout."""
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._threads, self._transport.send, request)
