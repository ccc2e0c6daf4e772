"""Tasks whose item cannot be read, for the store in memory."""

from __future__ import annotations

import enum

from chalicelib.domain.task import SCHEMA_VERSION, Task
from chalicelib.domain.unreadable import StoredTask, TaskUnreadable
from tests.support.alike import as_a


class Spoilt(enum.StrEnum):
    """What is wrong with a stored task."""

    #: The item that its `circuit_ref` names is gone.
    CIRCUIT = "circuit"
    #: Something that no transition's condition reads, such as an event of its history.
    ITEM = "item"
    #: Its status is none that is known, so that no condition holds.
    STATUS = "status"


class SpoiltTask(Task, frozen=True, kw_only=True):
    """A task whose item cannot be read. Its fields are what is true of it all the same."""

    spoilt: Spoilt


def spoil(task: Task, how: Spoilt) -> SpoiltTask:
    """Return the task when its item has been spoilt."""
    return as_a(SpoiltTask, task, spoilt=how)


def how_spoilt(task: Task) -> Spoilt | None:
    """Return what is wrong with a task; None if nothing is."""
    return task.spoilt if isinstance(task, SpoiltTask) else None


def seen_of(task: Task) -> StoredTask:
    """Return what can be told of a task that cannot be read."""
    is_unknown = how_spoilt(task) is Spoilt.STATUS and not task.status.is_terminal
    return StoredTask(
        task_id=task.task_id,
        reason="it is spoilt",
        is_newer=task.schema_version > SCHEMA_VERSION,
        owner=task.owner,
        correlation_id=task.correlation_id,
        status="unknown" if is_unknown else task.status.value,
        attempt=task.attempt,
        lease=task.lease,
        submitted_at=task.submitted_at,
        due_at=task.due_at,
    )


def readable(task: Task, *, payloads: bool, applied: bool = False) -> Task:
    """Return the task, or raise as a store does when its item cannot be read."""
    spoilt = how_spoilt(task)
    if task.schema_version > SCHEMA_VERSION or (
        spoilt is not None and (payloads or spoilt is not Spoilt.CIRCUIT)
    ):
        raise TaskUnreadable(seen_of(task), applied=applied)
    return task
