"""The sweeper: brings back what was lost between table and queue.

A task can lose its message: a crash between put and send, a message that expired or went to the
dead-letter queue in an outage, a worker that died. The sweeper reads what is due in the index of
open tasks, reads each task itself, and sends its message again. It notes so on the task first,
so that two sweepers at once send once, and the note's interval doubles, so that a deep backlog is
not made deeper.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from typing import Final

import msgspec

from chalicelib.domain import lifecycle, unreadable
from chalicelib.domain.message import TaskMessage
from chalicelib.domain.retry_policy import sweep_interval_seconds
from chalicelib.domain.task import Task, TaskEvent
from chalicelib.domain.transition import Transition
from chalicelib.domain.unreadable import StoredTask, TaskUnreadable
from chalicelib.errors import (
    ConditionFailed,
    QueueUnavailable,
    ServiceUnavailable,
    StoreFull,
    StoreUnavailable,
)
from chalicelib.ports import Clock, Observer, TaskQueue, TaskStore
from chalicelib.threads import map_in_threads

#: Behind a live lease a task is due later than an interval from now; and clocks differ.
_LEASES_AND_CLOCKS: Final = timedelta(days=1)


class SweepPolicy(msgspec.Struct, frozen=True, kw_only=True):
    """The bounds of sweeping."""

    #: How long after its submission a task is first checked, and the first interval.
    grace_seconds: float
    #: The longest interval between two notes on one task.
    interval_seconds_max: float
    #: Past this age a task is abandoned. It exceeds the queue's retention, so that an outage
    #: of the queue fails no healthy task.
    age_seconds_max: float
    #: The most tasks that one run checks.
    tasks_max: int
    #: No note is begun with less than this left of the invocation: what a note and a send take.
    margin_seconds: float
    #: Tasks that are noted before one send; SQS takes ten messages a call.
    unit_tasks: int = 10
    #: Units that are done at the same time, once the queue has taken messages in this run.
    concurrency: int = 1


class SweepReport(msgspec.Struct, kw_only=True):
    """What one run did."""

    #: Tasks checked.
    seen: int = 0
    #: Messages that the queue took again.
    resent: int = 0
    #: Tasks whose live lease was respected.
    postponed: int = 0
    #: Tasks failed for their age.
    abandoned: int = 0
    #: Tasks that moved on meanwhile.
    skipped: int = 0
    #: Tasks that cannot be read; those among them that were too old are abandoned.
    unreadable: int = 0
    #: Whether there may be more that is due: a bound of the run was reached.
    more: bool = False

    def add(self, other: SweepReport) -> None:
        """Add what a part of the run did."""
        for name in self.__struct_fields__:
            setattr(self, name, getattr(self, name) + getattr(other, name))
        self.more = bool(self.more)


class SweepTasks(msgspec.Struct, frozen=True, kw_only=True):
    """Looks once at what is due. It keeps no state, so any run may be cut short or run twice."""

    store: TaskStore
    queue: TaskQueue
    clock: Clock
    observer: Observer
    policy: SweepPolicy

    def __call__(self, *, seconds_left: Callable[[], float]) -> SweepReport:
        """Bring back what is due, within the bounds of the policy.

        Raises:
            StoreUnavailable: the run fails loudly; the next one starts over.
            QueueUnavailable: likewise. What was noted is due again after its interval.
        """
        now = self.clock.now()
        beyond = timedelta(seconds=self.policy.interval_seconds_max) + _LEASES_AND_CLOCKS
        due = self.store.due(now, limit=self.policy.tasks_max, implausible_after=now + beyond)
        size = self.policy.unit_tasks
        units = [due[begin : begin + size] for begin in range(0, len(due), size)]
        report = SweepReport(more=len(due) >= self.policy.tasks_max)
        _Run(self, seconds_left, report).do(units)
        return report

    def do_unit(self, task_ids: Sequence[str], *, seconds_left: Callable[[], float]) -> SweepReport:
        """Note what is due among these, then send the messages of all that were noted at once."""
        report = SweepReport()
        noted: list[TaskMessage] = []
        failure: StoreUnavailable | StoreFull | None = None
        for task_id in task_ids:
            if seconds_left() < self.policy.margin_seconds:
                report.more = True
                break
            report.seen += 1
            try:
                message = self._read_and_sweep(task_id, report)
            except ConditionFailed:
                report.skipped += 1  # a worker or another sweeper was quicker
            except (StoreUnavailable, StoreFull) as exc:
                failure = exc  # what is noted is sent all the same
                break
            else:
                noted += [message] if message is not None else []
        self._send(noted, report)
        if failure is not None:
            raise failure
        return report

    def _send(self, noted: Sequence[TaskMessage], report: SweepReport) -> None:
        """Send in one call. What the queue does not take of it waits for its next interval."""
        if not noted:
            return
        taken = self.queue.send_batch(noted)
        for message, message_id in zip(noted, taken, strict=True):
            if message_id is not None:
                self.observer.published(message, message_id=message_id)
                report.resent += 1
        left = [m.task_id for m, message_id in zip(noted, taken, strict=True) if message_id is None]
        if left:
            error = QueueUnavailable(f"the queue took {report.resent} of {len(noted)} messages")
            self.observer.problem("send the messages", error, task_ids=left)
            if not report.resent:
                raise error

    def _read_and_sweep(self, task_id: str, report: SweepReport) -> TaskMessage | None:
        """Do what one task needs, and return its message if it is noted that it is sent again.

        What an item holds is no other task's matter.
        """
        try:
            task = self.store.get_without_payloads(task_id)
        except TaskUnreadable as exc:
            report.unreadable += 1
            self.observer.unreadable(exc)
            self._quarantine(exc.stored, report)
            return None
        if task is None or task.status.is_terminal:
            report.skipped += 1  # the index lags
            return None
        return self._sweep_one(task, report)

    def _quarantine(self, stored: StoredTask, report: SweepReport) -> None:
        """Make an item that cannot be read cost the next runs nothing, or end it for its age."""
        now = self.clock.now()
        if stored.has_ended or stored.has_live_lease(now):
            return  # the index lags, or the attempt that holds it is about to fail it
        if not stored.is_newer and self._is_too_old(stored.submitted_at, now):
            message = f"{self._too_old()}; it cannot be read: {stored.reason}"
            self.store.apply_to_unreadable(
                unreadable.abandon(stored, error_message=message, now=now), stored
            )
            report.abandoned += 1
        else:
            due_at = now + timedelta(seconds=self.policy.interval_seconds_max)
            self.store.apply_to_unreadable(
                unreadable.postpone(stored, due_at=due_at, now=now), stored
            )

    def _sweep_one(self, task: Task, report: SweepReport) -> TaskMessage | None:
        now = self.clock.now()
        if task.due_at is not None and task.due_at > now:
            report.skipped += 1
        elif task.lease is not None and lifecycle.has_live_lease(task, now):
            postpone = lifecycle.postpone_if_unchanged(task, due_at=task.lease.expires_at, now=now)
            self._apply(postpone)
            report.postponed += 1
        elif self._is_too_old(task.submitted_at, now):
            self._apply(
                lifecycle.abandon_if_unchanged(task, error_message=self._too_old(), now=now)
            )
            report.abandoned += 1
        else:
            return self._bring_back(task, now)
        return None

    def _is_too_old(self, submitted_at: datetime | None, now: datetime) -> bool:
        """Whether it is past the maximum age; what tells no time is not."""
        if submitted_at is None:
            return False
        return (now - submitted_at).total_seconds() > self.policy.age_seconds_max

    def _too_old(self) -> str:
        days = self.policy.age_seconds_max / 86_400
        return f"not finished within {days:g} days of its submission"

    def _bring_back(self, task: Task, now: datetime) -> TaskMessage | None:
        interval = sweep_interval_seconds(
            task.sweeps,
            first_seconds=self.policy.grace_seconds,
            seconds_max=self.policy.interval_seconds_max,
        )
        self._apply(
            lifecycle.note_sweep_if_unchanged(
                task,
                notes=f"sweep {task.sweeps + 1}: {_why_due(task)}; its message is sent again",
                due_at=now + timedelta(seconds=interval),
                now=now,
            )
        )
        return TaskMessage.about(task, enqueued_at=now)

    def _apply(self, transition: Transition) -> None:
        try:
            task = self.store.apply(transition)
        except TaskUnreadable as exc:
            self.observer.unreadable(exc)  # it is applied, and has been corrupt since it was read
            return
        if transition.event is not TaskEvent.POSTPONE:
            self.observer.transitioned(task)


class _Run:
    """The units of one run: alone until the queue has taken something, then several at a time.

    A queue that is dead must not double the intervals of thousands: of a run that it takes nothing
    from, one unit's tasks are noted. The first failure, of whichever part, begins no more units.
    """

    def __init__(
        self, sweep: SweepTasks, seconds_left: Callable[[], float], report: SweepReport
    ) -> None:
        self._sweep = sweep
        self._seconds_left = seconds_left
        self._report = report
        self._failures: list[Exception] = []
        self._lock = threading.Lock()

    def do(self, units: Sequence[Sequence[str]]) -> None:
        """Do all units, or those that there is time for; raise the first failure at the end."""
        rest = list(units)
        while rest and not self._report.resent and not self._failures:
            self._do_one(rest.pop(0))
        map_in_threads(self._do_one, rest, width=self._sweep.policy.concurrency)
        if self._failures:
            raise self._failures[0]

    def _do_one(self, unit: Sequence[str]) -> None:
        if self._failures:
            return
        try:
            done = self._sweep.do_unit(unit, seconds_left=self._seconds_left)
        except (ServiceUnavailable, StoreFull) as exc:
            self._failures.append(exc)
        else:
            with self._lock:
                self._report.add(done)


def _why_due(task: Task) -> str:
    if task.attempt == 0:
        return "never claimed"
    if task.lease is None:
        return f"attempt {task.attempt} was released and not tried again"
    return f"the lease of attempt {task.attempt} has expired"
