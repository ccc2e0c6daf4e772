"""Tasks whose items cannot be read, and what may be done to them all the same.

An item is corrupt by a bug, by a person, or since a newer version of the service wrote it. Whatever
it holds becomes one error that names the task, so that it never holds up another. A corrupt item is
ended as soon as may be: by the attempt that holds it, by its owner's cancel, or by the sweeper past
its maximum age. An item from a newer version is left to that version: only its `due_at` is moved.

These decisions are made from what the item says for certain, so their writes are pinned to the raw
`due_at`, `status` and `attempt` that were seen (`TaskStore.apply_to_unreadable`).
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final

import msgspec

from chalicelib.domain.task import OPEN_STATUSES, Lease, TaskEvent, TaskStatus
from chalicelib.domain.transition import Condition, Transition
from chalicelib.errors import TaskServiceError

#: Attributes that must still have the value that was seen when an unreadable item is written.
PINNED: Final = ("due_at", "status", "attempt")

_ENDED: Final = frozenset(status.value for status in TaskStatus if status not in OPEN_STATUSES)
_ANY_STATUS: Final = frozenset(TaskStatus)


class StoredTask(msgspec.Struct, frozen=True, kw_only=True):
    """What can be told of a task whose item cannot be read. None: not even that."""

    task_id: str
    #: What cannot be read, for a person.
    reason: str
    #: A newer version of the service wrote it.
    is_newer: bool = False
    owner: str | None = None
    correlation_id: str | None = None
    #: The stored text, which may be an unknown status.
    status: str | None = None
    #: The stored number, which may not be an integer.
    attempt: float | None = None
    lease: Lease | None = None
    submitted_at: datetime | None = None
    due_at: datetime | None = None
    #: The attributes as the store holds them; only the store that made this reads them.
    raw: Mapping[str, Any] = msgspec.field(default_factory=dict)

    @property
    def has_ended(self) -> bool:
        """Whether its status is known, and one that a task never leaves."""
        return self.status in _ENDED

    def has_live_lease(self, now: datetime) -> bool:
        """Whether an attempt may be executing it. A lease that cannot be read is over."""
        return self.lease is not None and self.lease.expires_at > now


class TaskUnreadable(TaskServiceError):
    """What is stored of the task cannot be read."""

    def __init__(self, stored: StoredTask, *, applied: bool) -> None:
        """Take what can be told of it, and whether the write that was asked for was applied."""
        super().__init__(f"the task {stored.task_id} cannot be read: {stored.reason}")
        self.stored = stored
        self.applied = applied


def postpone(stored: StoredTask, *, due_at: datetime, now: datetime) -> Transition:
    """Check it again much later, so that it costs the next runs nothing. Leaves no entry."""
    return Transition(
        task_id=stored.task_id,
        event=TaskEvent.POSTPONE,
        at=now,
        status=TaskStatus.PENDING,  # a postponement writes no status
        due_at=due_at,
        condition=Condition(statuses=_ANY_STATUS, no_live_lease_at=now),
    )


def abandon(stored: StoredTask, *, error_message: str, now: datetime) -> Transition:
    """Fail it: it is past its maximum age, and no attempt holds it."""
    return Transition(
        task_id=stored.task_id,
        event=TaskEvent.ABANDON,
        at=now,
        status=TaskStatus.FAILED,
        notes=error_message,
        error_message=error_message,
        condition=Condition(statuses=_ANY_STATUS, no_live_lease_at=now),
    )


def cancel(stored: StoredTask, *, owner: str, now: datetime) -> Transition:
    """End it for its owner; its status may be unknown."""
    return Transition(
        task_id=stored.task_id,
        event=TaskEvent.CANCEL,
        at=now,
        status=TaskStatus.CANCELLED,
        notes="cancelled by its owner",
        condition=Condition(statuses=_ANY_STATUS, owner=owner),
    )
