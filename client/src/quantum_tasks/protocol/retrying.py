"""When to try again, and what an interruption says."""

from __future__ import annotations

import contextlib
import dataclasses
import random
from collections.abc import Callable, Iterator

from quantum_tasks.errors import QuantumTasksError


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
        """Return how long to wait after so many tries (from 1), or None to stop trying."""
        asked = error.retry_after or 0.0
        if not error.retryable or tries > self.retries_max or asked > self.retry_after_seconds_max:
            return None
        bound = min(self.backoff_seconds_max, self.base_seconds * 2.0 ** min(tries, 30))
        return asked + self.random() * bound


@contextlib.contextmanager
def noting(note: str) -> Iterator[None]:
    """Add a note to whatever interrupts the block; the client's own errors have what they need."""
    try:
        yield
    except QuantumTasksError:
        raise
    except BaseException as interruption:
        interruption.add_note(note)
        raise
