"""Tasks whose item cannot be read, for the store in memory."""

from __future__ import annotations

import enum

from chalicelib.domain.task import SCHEMA_VERSION, Task
from chalicelib.domain.unreadable import StoredTask, TaskUnreadable
from tests.support.alike import as_a


class Corrupt(enum.StrEnum):
    """What is wrong with a stored task."""

    #: The item that its `circuit_ref` names is gone.
    CIRCUIT = "circuit"
    #: Something that no transition's condition reads, such as an event of its history.
    ITEM = "item"
    #: Its status is none that is known, so that no condition holds.
    STATUS = "status"


class CorruptTask(Task, frozen=True, kw_only=True):
    """A task whose item cannot be read. Its fields are what is true of it all the same."""

    corrupt: Corrupt


def make_corrupt(task: Task, how: Corrupt) -> CorruptTask:
    """Return the task when its item has been corrupt."""
    return as_a(CorruptTask, task, corrupt=how)


def how_corrupt(task: Task) -> Corrupt | None:
    """Return what is wrong with a task; None if nothing is."""
    return task.corrupt if isinstance(task, CorruptTask) else None


def stored_of(task: Task) -> StoredTask:
    """Return what can be told of a task that cannot be read."""
    is_unknown = how_corrupt(task) is Corrupt.STATUS and not task.status.is_terminal
    return StoredTask(
        task_id=task.task_id,
        reason="it is corrupt",
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
    corrupt = how_corrupt(task)
    if task.schema_version > SCHEMA_VERSION or (
        corrupt is not None and (payloads or corrupt is not Corrupt.CIRCUIT)
    ):
        raise TaskUnreadable(stored_of(task), applied=applied)
    return task
