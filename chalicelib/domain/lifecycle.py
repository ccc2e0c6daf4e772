r"""The state machine of a task, as pure decisions. Read top-down, in the order of a task's life.

::

    submit ─▶ pending ──claim──▶ processing ──complete──▶ completed
                 │ │              │ ▲  │ └──fail, abandon─▶ failed
                 │ │              └─┘  │
                 │ │     release, claim│again
                 │ └───── cancel ──────┴────────────────▶ cancelled
                 └─────── abandon (the sweeper, past the task's maximum age) ─▶ failed

A function here returns a `Transition`: what to write and the condition under which the store may
write it, in one call. None of them does I/O, and none reads a clock: the time is an argument.
"""

from __future__ import annotations

import enum
from datetime import datetime, timedelta
from typing import Final

from msgspec import structs

from chalicelib.domain.task import (
    OPEN_STATUSES,
    HistoryEntry,
    Lease,
    Task,
    TaskEvent,
    TaskRequest,
    TaskResult,
    TaskStatus,
    derive_history,
)
from chalicelib.domain.transition import Condition, Transition
from chalicelib.errors import TaskAlreadyEnded

_PROCESSING: Final = frozenset({TaskStatus.PROCESSING})


def submit(
    request: TaskRequest,
    *,
    task_id: str,
    owner: str,
    correlation_id: str,
    now: datetime,
    sweep_grace_seconds: float,
) -> Task:
    """Return the task as it is first stored, if no task with its id exists."""
    task = Task(
        task_id=task_id,
        owner=owner,
        request=request,
        request_fingerprint=request.fingerprint,
        correlation_id=correlation_id,
        status=TaskStatus.PENDING,
        submitted_at=now,
        schema_version=request.schema_version,
    )
    return submitted_at(task, now, sweep_grace_seconds=sweep_grace_seconds)


def submitted_at(task: Task, now: datetime, *, sweep_grace_seconds: float) -> Task:
    """Return a task that is not stored yet as one that is submitted at this time."""
    entry = HistoryEntry(
        event=TaskEvent.SUBMIT, status=TaskStatus.PENDING, transitioned_at=now, attempt=0
    )
    due_at = now + timedelta(seconds=sweep_grace_seconds)
    return structs.replace(task, submitted_at=now, due_at=due_at, history=(entry,))


def claim_if_available(
    task_id: str, *, lease: Lease, now: datetime, attempts_max: int
) -> Transition:
    """Start an attempt on a task that is pending, or whose attempt's lease has expired.

    The attempt's number goes up by one and is the fencing token. There is never an attempt
    beyond `attempts_max`: such a task is abandoned instead.
    """
    return Transition(
        task_id=task_id,
        event=TaskEvent.CLAIM,
        at=now,
        status=TaskStatus.PROCESSING,
        lease=lease,
        condition=Condition(
            statuses=OPEN_STATUSES, no_live_lease_at=now, attempt_below=attempts_max
        ),
    )


class RefusedClaim(enum.Enum):
    """What a task shows that has refused a claim."""

    #: There is no such task.
    MISSING = enum.auto()
    #: It has ended.
    ENDED = enum.auto()
    #: It was this very claim that was applied: its reply was lost and the call repeated.
    MINE = enum.auto()
    #: Another attempt is at work.
    LEASED = enum.auto()
    #: The last attempt never finished, and there may be no other.
    EXHAUSTED = enum.auto()
    #: It would take the claim now: it changed between the write and the read.
    RACED = enum.auto()


def explain_refused_claim(
    task: Task | None, *, token: str, now: datetime, attempts_max: int
) -> RefusedClaim:
    """Decide, from one consistent read, why a claim was refused."""
    if task is None:
        return RefusedClaim.MISSING
    if task.status.is_terminal:
        return RefusedClaim.ENDED
    if task.lease is not None and task.lease.holder == token:
        return RefusedClaim.MINE
    if has_live_lease(task, now):
        return RefusedClaim.LEASED
    if task.attempt >= attempts_max:
        return RefusedClaim.EXHAUSTED
    return RefusedClaim.RACED


def has_live_lease(task: Task, now: datetime) -> bool:
    """Whether an attempt may be executing the task. An expired lease has no live holder."""
    return task.lease is not None and task.lease.expires_at > now


def complete_if_current_attempt(
    task_id: str, *, attempt: int, result: TaskResult, now: datetime, schema_version: int = 1
) -> Transition:
    """Record the result, if this attempt is still the current one.

    `schema_version` is what its request needs: a result in pieces may raise it, never lower it.
    """
    return Transition(
        task_id=task_id,
        event=TaskEvent.COMPLETE,
        at=now,
        status=TaskStatus.COMPLETED,
        result=result,
        schema_version=schema_version,
        condition=Condition(statuses=_PROCESSING, attempt=attempt),
    )


def fail_if_current_attempt(
    task_id: str, *, attempt: float, error_message: str, now: datetime
) -> Transition:
    """Record the failure, if this attempt is still the current one."""
    return Transition(
        task_id=task_id,
        event=TaskEvent.FAIL,
        at=now,
        status=TaskStatus.FAILED,
        notes=error_message,
        error_message=error_message,
        condition=Condition(statuses=_PROCESSING, attempt=attempt),
    )


def release_if_current_attempt(
    task_id: str, *, attempt: int, token: str, notes: str, now: datetime
) -> Transition:
    """Give the task back after a transient error, so that the next delivery may claim it."""
    return Transition(
        task_id=task_id,
        event=TaskEvent.RELEASE,
        at=now,
        status=TaskStatus.PROCESSING,
        notes=notes,
        condition=Condition(statuses=_PROCESSING, attempt=attempt, lease_holder=token),
    )


def abandon_if_unchanged(task: Task, *, error_message: str, now: datetime) -> Transition:
    """Fail a task that no worker is executing or will: as it was read, and no live lease.

    Raises:
        TaskAlreadyEnded: the task that was read has ended. So do the two transitions below.
    """
    return Transition(
        task_id=task.task_id,
        event=TaskEvent.ABANDON,
        at=now,
        status=TaskStatus.FAILED,
        notes=error_message,
        error_message=error_message,
        condition=Condition(statuses=_as_read(task), attempt=task.attempt, no_live_lease_at=now),
    )


def cancel_if_open(task_id: str, *, owner: str, now: datetime) -> Transition:
    """End a task of this owner that has not ended. An attempt at work is fenced out by it."""
    return Transition(
        task_id=task_id,
        event=TaskEvent.CANCEL,
        at=now,
        status=TaskStatus.CANCELLED,
        notes="cancelled by its owner",
        condition=Condition(statuses=OPEN_STATUSES, owner=owner),
    )


def note_sweep_if_unchanged(
    task: Task, *, notes: str, due_at: datetime, now: datetime
) -> Transition:
    """Note that the sweeper is about to send the task's message again.

    The note goes first and pins everything that was read, so two sweepers cannot both send.
    """
    return Transition(
        task_id=task.task_id,
        event=TaskEvent.SWEEP,
        at=now,
        status=task.status,
        notes=notes,
        due_at=due_at,
        condition=Condition(
            statuses=_as_read(task),
            attempt=task.attempt,
            sweeps=task.sweeps,
            no_live_lease_at=now,
        ),
    )


def postpone_if_unchanged(task: Task, *, due_at: datetime, now: datetime) -> Transition:
    """Check a task again only when its live lease has ended. Leaves no entry."""
    return Transition(
        task_id=task.task_id,
        event=TaskEvent.POSTPONE,
        at=now,
        status=task.status,
        due_at=due_at,
        condition=Condition(statuses=_as_read(task), attempt=task.attempt, sweeps=task.sweeps),
    )


def _as_read(task: Task) -> frozenset[TaskStatus]:
    if task.status.is_terminal:
        message = f"the task is {task.status} and takes no more transitions"
        raise TaskAlreadyEnded(message)
    return frozenset({task.status})


def after(task: Task, transition: Transition) -> Task:
    """Return the task as the transition leaves it. Every store must agree with this.

    The condition is not evaluated: that is the store's part, `Condition.holds_for`.
    """
    event = transition.event
    if event is TaskEvent.POSTPONE:
        return structs.replace(task, due_at=transition.due_at)
    at, status = transition.at, transition.status
    claimed = event is TaskEvent.CLAIM
    return structs.replace(
        task,
        status=status,
        attempt=task.attempt + claimed,
        started_at=task.started_at or (at if claimed else None),
        completed_at=at if status.is_terminal else None,
        lease=task.lease if event is TaskEvent.SWEEP else transition.lease,
        result=transition.result,
        error_message=transition.error_message,
        due_at=None if status.is_terminal else transition.due_at or task.due_at,
        sweeps=task.sweeps + (event is TaskEvent.SWEEP),
        history=derive_history([*task.history, transition.entry]),
    )
