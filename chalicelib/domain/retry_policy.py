"""When to try again. A policy returns a value; it never sleeps."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

import msgspec

#: While database or queue is out, each try's bound is four times the last: the first tries come
#: back within seconds, since most failures are short, and ten of them together last for hours.
OUTAGE_GROWTH: Final = 4.0
#: SQS hides a message for twelve hours at most ("Amazon SQS visibility timeout").
VISIBILITY_TIMEOUT_SECONDS_MAX: Final = 43_200


class Backoff(msgspec.Struct, frozen=True, kw_only=True):
    """Full-jitter exponential backoff: a random time below an exponential bound.

    Source: "Exponential Backoff And Jitter", AWS Architecture Blog. Jitter keeps tasks that
    failed together from coming back together.
    """

    base_seconds: float
    seconds_max: float
    #: Returns a number in [0, 1).
    random: Callable[[], float]
    #: How much larger the bound is with each try.
    growth: float = 2.0

    def delay_seconds(self, tries: int) -> int:
        """Return how long to wait after so many tries (from 1), in whole seconds, at least 1."""
        bound = min(self.seconds_max, self.base_seconds * self.growth ** min(tries - 1, 62))
        return visibility_timeout_seconds(self.random() * bound)


def visibility_timeout_seconds(seconds: float) -> int:
    """Round up to what SQS takes: whole seconds, from 1 to twelve hours."""
    return min(VISIBILITY_TIMEOUT_SECONDS_MAX, max(1, -int(-seconds // 1)))


def sweep_interval_seconds(sweeps: int, *, first_seconds: float, seconds_max: float) -> float:
    """Return how long the sweeper leaves a task alone after so many notes: it doubles.

    A deep backlog is not made deeper by sending each of its messages every minute.
    """
    return min(seconds_max, first_seconds * 2.0 ** min(sweeps, 62))


def poll_after_seconds(age_seconds: float) -> int:
    """Return the `Retry-After` for a task that has not ended: it grows with the task's age."""
    return min(60, max(1, int(age_seconds / 4)))
