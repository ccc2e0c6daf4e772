"""The sweeper: brings back what was lost between table and queue.

A task can lose its message: a crash between put and send, a message that expired or went to the
dead-letter queue in an outage, a worker that died. The sweeper reads what is due in the index of
open tasks, reads each task itself, and sends its message again. It notes so on the task first,
so that two sweepers at once send once, and the note's interval doubles, so that a deep backlog is
not made deeper.
"""

from __future__ import annotations

import functools
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
from chalicelib.errors import ConditionFailed, QueueUnavailable, StoreFull, StoreUnavailable
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


class SweepReport(msgspec.Struct, frozen=True, kw_only=True):
    """What was done: with one task, in one unit of ten, or in a whole run. Reports add up."""

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

    def __add__(self, other: SweepReport) -> SweepReport:
        """Return what both parts of a run did."""
        names = self.__struct_fields__
        sums = {name: getattr(self, name) + getattr(other, name) for name in names}
        return SweepReport(**{**sums, "more": self.more or other.more})


class Remedy(msgspec.Struct, frozen=True, kw_only=True):
    """What one due task needs: at most one write, and then at most one message."""

    #: What it counts as once it is done.
    report: SweepReport
    #: None: the task is left as it is.
    transition: Transition | None = None
    message: TaskMessage | None = None


class SweepTasks(msgspec.Struct, frozen=True, kw_only=True):
    """Looks once at what is due. It keeps no state, so any run may be cut short or run twice."""

    store: TaskStore
    queue: TaskQueue
    clock: Clock
    observer: Observer
    policy: SweepPolicy

    def __call__(self, *, seconds_left: Callable[[], float]) -> SweepReport:
        """Bring back what is due, within the bounds of the policy.

        A queue that is dead must not double the intervals of thousands: units are done one after
        the other until the queue has taken a message, then several at a time.

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
        while units and not report.resent:
            report += self.do_unit(units.pop(0), seconds_left=seconds_left)
        do = functools.partial(self.do_unit, seconds_left=seconds_left)
        return sum(map_in_threads(do, units, width=self.policy.concurrency), report)

    def do_unit(self, task_ids: Sequence[str], *, seconds_left: Callable[[], float]) -> SweepReport:
        """Note what is due among these, then send the messages of all that were noted at once."""
        done: list[Remedy] = []
        failure: StoreUnavailable | StoreFull | None = None
        for task_id in task_ids:
            if seconds_left() < self.policy.margin_seconds:
                done.append(Remedy(report=SweepReport(more=True)))
                break
            try:
                done.append(self._sweep_one(task_id))
            except (StoreUnavailable, StoreFull) as exc:
                failure = exc  # what is noted is sent all the same
                break
        resent = self._send([remedy.message for remedy in done if remedy.message is not None])
        if failure is not None:
            raise failure
        return sum((remedy.report for remedy in done), SweepReport(resent=resent))

    def _sweep_one(self, task_id: str) -> Remedy:
        """Do what one task needs, and return it. A corrupt item stops no other task."""
        try:
            task = self.store.get_without_payloads(task_id)
        except TaskUnreadable as exc:
            self.observer.unreadable(exc)
            return self._quarantine(exc.stored)
        if task is None or task.status.is_terminal:
            return _SKIPPED  # the index lags
        return self._carry_out(self._remedy_for(task))

    def _remedy_for(self, task: Task) -> Remedy:
        return remedy_for(task, now=self.clock.now(), policy=self.policy)

    def _carry_out(self, remedy: Remedy) -> Remedy:
        """Write what a remedy says, and return what was done."""
        transition = remedy.transition
        if transition is None:
            return remedy
        try:
            task = self.store.apply(transition)
        except ConditionFailed:
            return _SKIPPED  # a worker or another sweeper was quicker
        except TaskUnreadable as exc:
            self.observer.unreadable(exc)  # it is applied, and has been corrupt since it was read
            return remedy
        if transition.event is not TaskEvent.POSTPONE:
            self.observer.transitioned(task)
        return remedy

    def _quarantine(self, stored: StoredTask) -> Remedy:
        """Make an item that cannot be read cost the next runs nothing, or end it for its age."""
        remedy = remedy_for_unreadable(stored, now=self.clock.now(), policy=self.policy)
        if remedy.transition is None:
            return remedy
        try:
            self.store.apply_to_unreadable(remedy.transition, stored)
        except ConditionFailed:
            return Remedy(report=SweepReport(seen=1, unreadable=1, skipped=1))
        return remedy

    def _send(self, noted: Sequence[TaskMessage]) -> int:
        """Send in one call, and return how many messages the queue took.

        A message that it does not take waits for its task's next interval.
        """
        if not noted:
            return 0
        message_ids = self.queue.send_batch(noted)
        left: list[str] = []
        for message, message_id in zip(noted, message_ids, strict=True):
            if message_id is None:
                left.append(message.task_id)
            else:
                self.observer.published(message, message_id=message_id)
        taken = len(noted) - len(left)
        if left:
            error = QueueUnavailable(f"the queue took {taken} of {len(noted)} messages")
            self.observer.problem("send the messages", error, task_ids=left)
            if not taken:
                raise error
        return taken


# --- decisions ---

_SKIPPED: Final = Remedy(report=SweepReport(seen=1, skipped=1))


def remedy_for(task: Task, *, now: datetime, policy: SweepPolicy) -> Remedy:
    """Return what an open task needs that the index says is due."""
    if task.due_at is not None and task.due_at > now:
        return _SKIPPED
    if task.lease is not None and lifecycle.has_live_lease(task, now):
        return Remedy(
            report=SweepReport(seen=1, postponed=1),
            transition=lifecycle.postpone_if_unchanged(task, due_at=task.lease.expires_at, now=now),
        )
    if _is_too_old(task.submitted_at, now, policy):
        return Remedy(
            report=SweepReport(seen=1, abandoned=1),
            transition=lifecycle.abandon_if_unchanged(
                task, error_message=_too_old(policy), now=now
            ),
        )
    interval = sweep_interval_seconds(
        task.sweeps, first_seconds=policy.grace_seconds, seconds_max=policy.interval_seconds_max
    )
    return Remedy(
        report=SweepReport(seen=1),  # that the queue took its message is counted by the unit
        transition=lifecycle.note_sweep_if_unchanged(
            task,
            notes=f"sweep {task.sweeps + 1}: {_why_due(task)}; its message is sent again",
            due_at=now + timedelta(seconds=interval),
            now=now,
        ),
        message=TaskMessage.about(task, enqueued_at=now),
    )


def remedy_for_unreadable(stored: StoredTask, *, now: datetime, policy: SweepPolicy) -> Remedy:
    """Return what an item needs that cannot be read."""
    if stored.has_ended or stored.has_live_lease(now):
        # The index lags, or the attempt that holds it is about to fail it.
        return Remedy(report=SweepReport(seen=1, unreadable=1))
    if not stored.is_newer and _is_too_old(stored.submitted_at, now, policy):
        message = f"{_too_old(policy)}; it cannot be read: {stored.reason}"
        return Remedy(
            report=SweepReport(seen=1, unreadable=1, abandoned=1),
            transition=unreadable.abandon(stored, error_message=message, now=now),
        )
    due_at = now + timedelta(seconds=policy.interval_seconds_max)
    return Remedy(
        report=SweepReport(seen=1, unreadable=1),
        transition=unreadable.postpone(stored, due_at=due_at, now=now),
    )


def _is_too_old(submitted_at: datetime | None, now: datetime, policy: SweepPolicy) -> bool:
    """Whether it is past the maximum age; what tells no time is not."""
    if submitted_at is None:
        return False
    return (now - submitted_at).total_seconds() > policy.age_seconds_max


def _too_old(policy: SweepPolicy) -> str:
    return f"not finished within {policy.age_seconds_max / 86_400:g} days of its submission"


def _why_due(task: Task) -> str:
    if task.attempt == 0:
        return "never claimed"
    if task.lease is None:
        return f"attempt {task.attempt} was released and not tried again"
    return f"the lease of attempt {task.attempt} has expired"
