"""One request until it is answered, or there is no use in asking again."""

from __future__ import annotations

import dataclasses
import itertools
import random
from collections.abc import Callable
from typing import Final, TypeVar

from quantum_tasks.engine.answers import checked
from quantum_tasks.engine.effects import Program, Request, Response, Sleep, now, send
from quantum_tasks.errors import QuantumTasksError

T = TypeVar("T")

#: A timeout of zero would be an error of the transport's.
_TIMEOUT_SECONDS_MIN: Final = 0.001


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class RetryPolicy:
    """How often and when to try again: full jitter, never sooner than the service asked.

    Source: "Exponential Backoff And Jitter", AWS Architecture Blog.
    """

    #: Tries after the first.
    retries_max: int = 4
    base_seconds: float = 0.5
    backoff_seconds_max: float = 20.0
    #: A service that asks for more is down for longer than a call should take: that is an error.
    retry_after_seconds_max: float = 300.0
    #: Returns a number in [0, 1).
    random: Callable[[], float] = random.random

    def delay_seconds(self, error: QuantumTasksError, tries: int) -> float | None:
        """Return how long to wait after so many tries (from 1), or None to give up."""
        asked = error.retry_after or 0.0
        if not error.retryable or tries > self.retries_max or asked > self.retry_after_seconds_max:
            return None
        bound = min(self.backoff_seconds_max, self.base_seconds * 2.0 ** min(tries, 30))
        return asked + self.random() * bound


def never(error: QuantumTasksError) -> None:
    """Recover from no error."""
    del error


class OutOfTime(Exception):
    """The next try would come after the deadline; its cause is why another was needed."""


def exchange(
    request: Request,
    *,
    read: Callable[[Response], T],
    policy: RetryPolicy,
    recover: Callable[[QuantumTasksError], T | None] = never,
    deadline: float | None = None,
    accepted: frozenset[int] = frozenset(),
) -> Program[T]:
    """Send a request that may be repeated, until it is answered.

    `read` makes the value out of the answer. `recover` may make it out of an error: a refusal can
    say that what was asked for is done. `accepted` are statuses that are answers, not errors.

    Raises:
        QuantumTasksError: the last error, after all tries.
        OutOfTime: only where there is a deadline.
    """
    for tries in itertools.count(1):
        outcome = yield from send((yield from in_time(request, deadline)))
        try:
            return read(checked(outcome, accepted=accepted))
        except QuantumTasksError as exc:
            recovered = recover(exc)
            if recovered is not None:
                return recovered
            delay = policy.delay_seconds(exc, tries)
            if delay is None:
                raise
            if deadline is not None and (yield from now()) + delay >= deadline:
                raise OutOfTime from exc
        yield Sleep(delay)
    raise AssertionError  # not reached: the count has no end


def in_time(request: Request, deadline: float | None) -> Program[Request]:
    """Let no request take longer than until the deadline."""
    if deadline is None:
        return request
    remaining = max(_TIMEOUT_SECONDS_MIN, deadline - (yield from now()))
    return dataclasses.replace(request, timeout_seconds=remaining)
