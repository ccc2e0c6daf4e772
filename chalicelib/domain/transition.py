"""A transition: one conditional write on a task, as data."""

from __future__ import annotations

from datetime import datetime

import msgspec

from chalicelib.domain.task import (
    SCHEMA_VERSION,
    HistoryEntry,
    Lease,
    Task,
    TaskEvent,
    TaskResult,
    TaskStatus,
)


class Condition(msgspec.Struct, frozen=True, kw_only=True):
    """What a task must look like for a write to be applied. Every clause that is set must hold.

    It is data, so that each store can turn it into its own language and a test can take one
    clause out. That the task exists follows from `statuses`.
    """

    statuses: frozenset[TaskStatus]
    #: Whose task it must be.
    owner: str | None = None
    #: The fencing token: no worker has claimed the task since.
    #: An integer, unless the item is corrupt: then its settle uses the stored number.
    attempt: float | None = None
    #: Attempts are left.
    attempt_below: int | None = None
    #: The lease is this claim's own.
    lease_holder: str | None = None
    #: There is no lease, or it has expired by this time.
    no_live_lease_at: datetime | None = None
    #: The sweeper has left just so many notes.
    sweeps: int | None = None
    #: This version can read the task. A claim reads nothing: without this clause an old worker
    #: would use up the attempts of a task that it cannot execute.
    schema_version_max: int | None = SCHEMA_VERSION

    def holds_for(self, task: Task) -> bool:
        """Evaluate the condition as the store would, on the same item."""
        lease = task.lease
        return (
            task.status in self.statuses
            and self.owner in (None, task.owner)
            and self.attempt in (None, task.attempt)
            and (self.attempt_below is None or task.attempt < self.attempt_below)
            and (
                self.lease_holder is None
                or (lease is not None and lease.holder == self.lease_holder)
            )
            and (
                self.no_live_lease_at is None
                or lease is None
                or lease.expires_at <= self.no_live_lease_at
            )
            and self.sweeps in (None, task.sweeps)
            and (self.schema_version_max is None or task.schema_version <= self.schema_version_max)
        )


class Transition(msgspec.Struct, frozen=True, kw_only=True):
    """One conditional write: made by `lifecycle`, applied by a store, whole or not at all."""

    task_id: str
    event: TaskEvent
    #: When it was decided.
    at: datetime
    #: The task's status afterwards.
    status: TaskStatus
    condition: Condition
    #: Why, for a person who reads the history.
    notes: str | None = None
    #: The new lease of a claim. Every event but sweep and postpone ends the one before.
    lease: Lease | None = None
    result: TaskResult | None = None
    #: The task's, where there is a result.
    schema_version: int = 1
    error_message: str | None = None
    #: When the sweeper should look next; None leaves it, or clears it where the task ends.
    due_at: datetime | None = None

    @property
    def entry(self) -> HistoryEntry:
        """What it adds to the history; the attempt is counted by `derive_history`."""
        return HistoryEntry(
            event=self.event,
            status=self.status,
            transitioned_at=self.at,
            attempt=0,
            notes=self.notes,
        )
