"""Sweeping without one of its guards."""

from __future__ import annotations

from datetime import datetime, timedelta

from chalicelib.domain import lifecycle
from chalicelib.domain.message import TaskMessage
from chalicelib.domain.task import Task
from chalicelib.domain.unreadable import StoredTask, TaskUnreadable
from chalicelib.errors import ConditionFailed
from chalicelib.use_cases.sweep import SweepReport, SweepTasks


class SweepsBlindly(SweepTasks, frozen=True):
    """Sends the message, then notes it."""

    def _bring_back(self, task: Task, now: datetime) -> TaskMessage | None:
        self.queue.send_batch([TaskMessage.about(task, enqueued_at=now)])
        self._apply(
            lifecycle.note_sweep_if_unchanged(
                task,
                notes="sent",
                due_at=now + timedelta(seconds=self.policy.grace_seconds),
                now=now,
            )
        )
        return None


class SweepsThoughRefused(SweepTasks, frozen=True):
    """Sends the message though its note was refused."""

    def _bring_back(self, task: Task, now: datetime) -> TaskMessage | None:
        try:
            return super()._bring_back(task, now)
        except ConditionFailed:
            return TaskMessage.about(task, enqueued_at=now)


class SweepsTheUndue(SweepTasks, frozen=True):
    """Believes the index that a task is due."""

    def _sweep_one(self, task: Task, report: SweepReport) -> TaskMessage | None:
        now = self.clock.now()
        if (
            task.due_at is not None
            and task.due_at > now
            and not lifecycle.has_live_lease(task, now)
        ):
            return self._bring_back(task, now)
        return super()._sweep_one(task, report)


class GivesUpImpatiently(SweepTasks, frozen=True):
    """Gives a task up for having been swept before."""

    def _sweep_one(self, task: Task, report: SweepReport) -> TaskMessage | None:
        now = self.clock.now()
        if task.sweeps and not lifecycle.has_live_lease(task, now):
            self._apply(lifecycle.abandon_if_unchanged(task, error_message="swept", now=now))
            return None
        return super()._sweep_one(task, report)


class BreaksOff(SweepTasks, frozen=True):
    """Lets what one item holds end the run."""

    def _quarantine(self, stored: StoredTask, report: SweepReport) -> None:
        raise TaskUnreadable(stored, applied=False)
