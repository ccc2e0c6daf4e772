"""The stored task as the explorer keeps it: real `Task` values in a canonical form.

Time is a constant, so a time is either over or not: leases and due times are rewritten by events
of the environment. What no code reads (notes, all but the shape of the history) is dropped
after it has been checked, so that equal situations are equal values.
"""

from __future__ import annotations

import dataclasses
from datetime import datetime, timedelta
from typing import Final

from msgspec import structs

from chalicelib.domain.task import (
    SCHEMA_VERSION,
    HistoryEntry,
    Lease,
    Task,
    TaskEvent,
    TaskResult,
    TaskStatus,
)
from tests.support.corrupting import Corrupt, CorruptTask, make_corrupt
from tests.support.in_memory import T0

#: Every clock, always.
NOW: Final = T0
#: A time that has not come: a live lease, a task not yet due.
LATER: Final = T0 + timedelta(days=1)
#: Past every age.
LONG_AGO: Final = T0 - timedelta(days=365)

#: How an item is corrupt that a newer version of the service has written.
NEWER: Final = "newer"

#: The owner of a lease whose claimant is not there any more.
NO_HOLDER: Final = 0


#: All fields but those that follow from others, or that `Items.intern` makes comparable.
_TOLD_APART_BY: Final = tuple(
    name
    for name in Task.__struct_fields__
    if name not in {"history", "request", "request_fingerprint", "result"}
)


def token_text(number: int) -> str:
    """Return a worker's token as the code under test sees it."""
    return f"token-{number}"


def token_number(text: str) -> int:
    """Return the number of a token."""
    return int(text.removeprefix("token-"))


def canonical_time(time: datetime | None) -> datetime | None:
    """Return the representative of all times that are over, or of all that are not."""
    return None if time is None else LATER if time > NOW else NOW


def canonical_lease(lease: Lease | None) -> Lease | None:
    """Return the lease with its time made canonical."""
    if lease is None:
        return None
    return Lease(holder=lease.holder, expires_at=LATER if lease.expires_at > NOW else NOW)


def attempt_result(attempt: int) -> TaskResult:
    """Return the result of an attempt: it tells whose it is."""
    return TaskResult(
        counts={"0": 8}, shots=8, executor="explorer", executor_version="1", seed=attempt
    )


@dataclasses.dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class Item:
    """A stored task, or nothing, with what the explorer asks about it all the time."""

    number: int
    task: Task | None
    open: bool = False
    terminal: bool = False
    #: The lease is there and not over.
    leased: bool = False
    token: int = NO_HOLDER
    attempt: int = 0
    due: bool = False
    aged: bool = False
    #: How it is corrupt; None if it is as this version writes it.
    corrupt: str | None = None


class Items:
    """All stored tasks that were met, each once."""

    def __init__(self, *, sweeps_max: int) -> None:
        self._sweeps_max = sweeps_max
        self._numbers: dict[object, int] = {}
        self._varied: dict[tuple[int, str], int] = {}
        self.all: list[Item] = [Item(number=0, task=None)]

    def intern(self, task: Task | None) -> int:
        """Return the number of a task's canonical form."""
        if task is None:
            return 0
        task = self.canonical(task)
        seed = None if task.result is None else task.result.seed
        fields = (getattr(task, name) for name in _TOLD_APART_BY)
        key = (task.request.circuit, seed, how_corrupt(task), *fields)
        number = self._numbers.get(key)
        if number is None:
            number = self._numbers[key] = len(self.all)
            self.all.append(_item(number, task))
        return number

    def canonical(self, task: Task) -> Task:
        """Drop what no code under test reads, and make times either over or not."""
        return structs.replace(
            task,
            submitted_at=LONG_AGO if task.submitted_at < NOW else NOW,
            started_at=None if task.started_at is None else NOW,
            completed_at=None if task.completed_at is None else NOW,
            lease=canonical_lease(task.lease),
            error_message=None if task.error_message is None else "failed",
            due_at=canonical_time(task.due_at),
            sweeps=min(task.sweeps, self._sweeps_max),
            history=_canonical_history(task),
        )

    def lease_expired(self, number: int) -> int:
        """Return the item when its lease has run out."""
        task = self._task(number)
        assert task.lease is not None
        return self._vary(number, "expired", lease=Lease(holder=task.lease.holder, expires_at=NOW))

    def disowned(self, number: int) -> int:
        """Return the item when no actor has the token of its lease any more."""
        task = self._task(number)
        assert task.lease is not None
        lease = Lease(holder=token_text(NO_HOLDER), expires_at=task.lease.expires_at)
        return self._vary(number, "disowned", lease=lease)

    def became_due(self, number: int) -> int:
        """Return the item when its due time has come."""
        return self._vary(number, "due", due_at=NOW)

    def aged(self, number: int) -> int:
        """Return the item when it is older than the sweeper's patience."""
        return self._vary(number, "aged", submitted_at=LONG_AGO)

    def corrupt(self, number: int, how: str) -> int:
        """Return the item when it has been corrupt."""
        if how == NEWER:
            return self._vary(number, how, schema_version=SCHEMA_VERSION + 1)
        varied = self._varied.get((number, how))
        if varied is None:
            task = make_corrupt(self._task(number), Corrupt(how))
            varied = self._varied[number, how] = self.intern(task)
        return varied

    def _task(self, number: int) -> Task:
        task = self.all[number].task
        assert task is not None
        return task

    def _vary(self, number: int, how: str, **changes: object) -> int:
        varied = self._varied.get((number, how))
        if varied is None:
            task = structs.replace(self._task(number), **changes)
            varied = self._varied[number, how] = self.intern(task)
        return varied


def _item(number: int, task: Task) -> Item:
    lease = task.lease
    return Item(
        number=number,
        task=task,
        open=not task.status.is_terminal,
        terminal=task.status.is_terminal,
        leased=lease is not None and lease.expires_at > NOW,
        token=NO_HOLDER if lease is None else token_number(lease.holder),
        attempt=task.attempt,
        due=task.due_at is not None and task.due_at <= NOW,
        aged=task.submitted_at < NOW,
        corrupt=how_corrupt(task),
    )


def how_corrupt(task: Task) -> str | None:
    """Return what keeps this version from reading the task."""
    if task.schema_version > SCHEMA_VERSION:
        return NEWER
    return task.corrupt.value if isinstance(task, CorruptTask) else None


def _canonical_history(task: Task) -> tuple[HistoryEntry, ...]:
    """Make a history of this task's shape: as many claims as attempts, and how it stands now."""
    events = [TaskEvent.SUBMIT, *[TaskEvent.CLAIM] * task.attempt]
    if task.status is TaskStatus.PROCESSING and task.lease is None:
        events.append(TaskEvent.RELEASE)
    if task.status.is_terminal:
        events.append(_LAST_EVENT[task.status])
    attempt = 0
    entries = []
    for place, event in enumerate(events):
        attempt += event is TaskEvent.CLAIM
        last = place == len(events) - 1
        status = TaskStatus.PROCESSING if attempt else TaskStatus.PENDING
        entries.append(
            HistoryEntry(
                event=event,
                status=task.status if last else status,
                transitioned_at=NOW,
                attempt=attempt,
            )
        )
    return tuple(entries)


_LAST_EVENT: Final = {
    TaskStatus.COMPLETED: TaskEvent.COMPLETE,
    TaskStatus.FAILED: TaskEvent.FAIL,
    TaskStatus.CANCELLED: TaskEvent.CANCEL,
}
