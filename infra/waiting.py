"""The one wait: look again and again until something is so, and never without a bound."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TypeVar

_T = TypeVar("_T")

#: For what runs on this machine: often enough not to be noticed, seldom enough to cost nothing.
POLL_SECONDS = 0.05
#: What any step may take on a slow machine; nothing waits this long when all is well.
PATIENCE_SECONDS = 60.0


class WaitedTooLong(Exception):
    """What was waited for did not come about in time."""


def wait_for(
    look: Callable[[], _T | None],
    what: str,
    *,
    seconds_max: float = PATIENCE_SECONDS,
    poll_seconds: float = POLL_SECONDS,
    failing_as: type[Exception] = WaitedTooLong,
) -> _T:
    """Look until something true is seen, and return it.

    `look` may raise where waiting longer makes no sense.

    Raises:
        failing_as: nothing true was seen in all that time; `what` is named.
    """
    deadline = time.monotonic() + seconds_max
    while not (seen := look()):
        if time.monotonic() > deadline:
            raise failing_as(f"waited {seconds_max:g} s for {what}")
        time.sleep(poll_seconds)
    return seen


def comes_true(
    condition: Callable[[], bool], *, seconds_max: float, poll_seconds: float = POLL_SECONDS
) -> bool:
    """Wait for a condition, and say whether it came true in time."""
    try:
        return wait_for(
            condition, "a condition", seconds_max=seconds_max, poll_seconds=poll_seconds
        )
    except WaitedTooLong:
        return False
