"""What a task has cost in time, from its history."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Final

import msgspec

from chalicelib.domain.task import HistoryEntry, TaskEvent

#: Events after which an attempt is no longer executing.
_ENDS: Final = frozenset(
    {
        TaskEvent.COMPLETE,
        TaskEvent.FAIL,
        TaskEvent.RELEASE,
        TaskEvent.ABANDON,
        TaskEvent.CANCEL,
        TaskEvent.CLAIM,  # a takeover: the attempt before it had not ended by itself
    }
)


class Usage(msgspec.Struct, frozen=True, kw_only=True):
    """Times of a task, summed over its attempts."""

    #: From the submission to the first claim, and from each release to the next claim; None
    #: before the first claim.
    queued_ms: int | None
    #: From each claim to what ended that attempt; None before the first attempt has ended.
    execution_ms: int | None
    #: Claims so far.
    attempts: int


def usage_of(history: Sequence[HistoryEntry]) -> Usage:
    """Return the usage that a history tells. Clocks differ, so no span counts below zero."""
    queued: list[int] = []
    executed: list[int] = []
    attempts = 0
    waiting_since: datetime | None = None
    executing_since: datetime | None = None
    for entry in history:
        if executing_since is not None and entry.event in _ENDS:
            executed.append(_milliseconds(executing_since, entry.transitioned_at))
            executing_since = None
        if entry.event in {TaskEvent.SUBMIT, TaskEvent.RELEASE}:
            waiting_since = entry.transitioned_at
        elif entry.event is TaskEvent.CLAIM:
            attempts += 1
            if waiting_since is not None:
                queued.append(_milliseconds(waiting_since, entry.transitioned_at))
            waiting_since, executing_since = None, entry.transitioned_at
    return Usage(
        queued_ms=sum(queued) if attempts else None,
        execution_ms=sum(executed) if executed else None,
        attempts=attempts,
    )


def _milliseconds(start: datetime, end: datetime) -> int:
    return max(0, round((end - start).total_seconds() * 1000))
