"""Carries the effects of programs out, in this thread or in an event loop."""

from __future__ import annotations

import concurrent.futures
import time
from collections.abc import Callable, Iterator
from typing import Any, Final, Protocol, TypeVar

from quantum_tasks.engine.effects import (
    Effect,
    Emit,
    Now,
    Outcome,
    Program,
    Request,
    Send,
    Sleep,
)
from quantum_tasks.transport import Transport

T = TypeVar("T")

#: Requests that are under way at once, of one client.
REQUESTS_AT_ONCE: Final = 8


class Clock(Protocol):
    """Time that goes forward; tests have one that does so at once."""

    def monotonic(self) -> float:
        """Return seconds since some moment."""

    def sleep(self, seconds: float) -> None:
        """Return when so much time has passed."""


class SystemClock:
    """The machine's."""

    def monotonic(self) -> float:
        """Return seconds since some moment."""
        return time.monotonic()

    def sleep(self, seconds: float) -> None:
        """Sleep; Ctrl-C ends it."""
        time.sleep(seconds)


class Step:
    """What a program is sent next, and its value in the end."""

    def __init__(self) -> None:
        self.answer: Any = None
        self.failure: BaseException | None = None
        self.value: Any = None

    def next_effect(self, program: Program[Any]) -> Effect | None:
        """Give the last answer in; None means that the program has ended with its value."""
        answer, failure = self.answer, self.failure
        self.answer = self.failure = None
        try:
            return program.send(answer) if failure is None else program.throw(failure)
        except StopIteration as stop:
            self.value = stop.value
            return None


class Driver:
    """Runs programs in the thread that asks. May be used by several threads."""

    def __init__(self, transport: Transport, clock: Clock) -> None:
        self._transport = transport
        self._clock = clock
        self._threads = concurrent.futures.ThreadPoolExecutor(
            REQUESTS_AT_ONCE, thread_name_prefix="quantum-tasks"
        )

    def run(self, program: Program[T], on_emit: Callable[[Any], None] = lambda _: None) -> T:
        """Run a program to its end and return its value."""
        step = Step()
        while (effect := step.next_effect(program)) is not None:
            try:
                if isinstance(effect, Emit):
                    on_emit(effect.value)
                else:
                    step.answer = self._perform(effect)
            except BaseException as exc:  # noqa: BLE001 - Ctrl-C too: the program adds what it knows
                step.failure = exc
        value: T = step.value
        return value

    def iterate(self, program: Program[Any]) -> Iterator[Any]:
        """Run a program as far as its next value is wanted."""
        step = Step()
        while (effect := step.next_effect(program)) is not None:
            try:
                if isinstance(effect, Emit):
                    yield effect.value
                else:
                    step.answer = self._perform(effect)
            except BaseException as exc:  # noqa: BLE001 - as above
                step.failure = exc

    def close(self) -> None:
        """Let go of connections and threads."""
        self._threads.shutdown(wait=False, cancel_futures=True)
        self._transport.close()

    def _perform(self, effect: Effect) -> object:
        match effect:
            case Send(requests=(request,)):
                return (self._transport.send(request),)
            case Send(requests=requests):
                return self._send_all(requests)
            case Sleep(seconds=seconds):
                self._clock.sleep(seconds)
                return None
            case Now():
                return self._clock.monotonic()
            case _:
                raise TypeError(effect)

    def _send_all(self, requests: tuple[Request, ...]) -> tuple[Outcome, ...]:
        futures = [self._threads.submit(self._transport.send, request) for request in requests]
        try:
            return tuple(future.result() for future in futures)
        finally:
            for future in futures:
                future.cancel()
