"""Sends calls, sleeps and reads the clock; when and what, `quantum_tasks.protocol` says."""

from __future__ import annotations

import concurrent.futures
from collections.abc import Iterator, Mapping, Sequence
from typing import Protocol, TypeVar

from quantum_tasks.errors import QuantumTasksError
from quantum_tasks.protocol.answers import Reply
from quantum_tasks.protocol.calls import Call, Seen
from quantum_tasks.protocol.requests import Request
from quantum_tasks.protocol.retrying import RetryPolicy
from quantum_tasks.protocol.watching import Change, Watch
from quantum_tasks.transport.http import REQUESTS_AT_ONCE, Transport

T = TypeVar("T")


class Clock(Protocol):
    """Time that goes forward, as Python's module `time` has it; tests have one of their own."""

    def monotonic(self) -> float:
        """Return seconds since some moment."""

    def sleep(self, seconds: float, /) -> None:
        """Return when so much time has passed."""


class Session:
    """What all tasks of one client share. May be used by several threads."""

    def __init__(self, transport: Transport, clock: Clock, policy: RetryPolicy) -> None:
        self.clock = clock
        self.policy = policy
        self._transport = transport
        self._threads = concurrent.futures.ThreadPoolExecutor(
            REQUESTS_AT_ONCE, thread_name_prefix="quantum-tasks"
        )

    def exchange(self, call: Call[T]) -> T:
        """Send a call that may be repeated, until it is answered.

        Raises:
            QuantumTasksError: the last error, after all tries.
        """
        tries = 0
        while True:
            reply = self._transport.send(call.request)
            tries += 1
            try:
                return call.read(reply, self.clock.monotonic())
            except QuantumTasksError as exc:
                delay = self.policy.delay_seconds(exc, tries)
                if delay is None:
                    raise
            self.clock.sleep(delay)

    def watch(self, many: Mapping[int, Seen], timeout: float | None) -> Iterator[Change]:
        """Ask for tasks until all have ended, and give each change.

        Raises:
            WaitTimeout: `timeout` seconds are over; the tasks go on.
        """
        now = self.clock.monotonic
        watch = Watch(many, now=now(), timeout=timeout, policy=self.policy)
        yield from watch.start(now())
        while not watch.is_over:
            self.clock.sleep(watch.pause(now()))
            replies = self._send_all(watch.due(now()))
            yield from watch.take(replies, now())

    def close(self) -> None:
        """Let go of connections and threads."""
        self._threads.shutdown(wait=False, cancel_futures=True)
        self._transport.close()

    def _send_all(self, requests: Sequence[Request]) -> Sequence[Reply]:
        """Send several requests at once; one alone needs no thread."""
        send = self._transport.send
        each = map(send, requests) if len(requests) == 1 else self._threads.map(send, requests)
        return list(each)
