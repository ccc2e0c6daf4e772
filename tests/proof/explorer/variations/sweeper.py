"""Sweeping without one of its guards."""

from __future__ import annotations

from typing import cast

from msgspec import structs

from chalicelib.domain import lifecycle
from chalicelib.domain.task import Task
from chalicelib.domain.unreadable import StoredTask, TaskUnreadable
from chalicelib.use_cases.sweep import Remedy, SweepReport, SweepTasks


class SweepsBlindly(SweepTasks, frozen=True):
    """Sends the message, then notes it."""

    def _remedy_for(self, task: Task) -> Remedy:
        remedy = super()._remedy_for(task)
        if remedy.message is not None:
            self.queue.send_batch([remedy.message])
        return structs.replace(remedy, message=None)


class SweepsThoughRefused(SweepTasks, frozen=True):
    """Sends the message though its note was refused."""

    def _carry_out(self, remedy: Remedy) -> Remedy:
        super()._carry_out(remedy)
        return remedy


class SweepsTheUndue(SweepTasks, frozen=True):
    """Believes the index that a task is due."""

    def _remedy_for(self, task: Task) -> Remedy:
        leased = lifecycle.has_live_lease(task, self.clock.now())
        return super()._remedy_for(task if leased else cast("Task", _Undated(task)))


class _Undated:
    """A task without the time when it is due."""

    due_at = None

    def __init__(self, task: Task) -> None:
        self._task = task

    def __getattr__(self, name: str) -> object:
        return getattr(self._task, name)


class GivesUpImpatiently(SweepTasks, frozen=True):
    """Gives a task up for having been swept before."""

    def _remedy_for(self, task: Task) -> Remedy:
        now = self.clock.now()
        if task.sweeps and not lifecycle.has_live_lease(task, now):
            abandon = lifecycle.abandon_if_unchanged(task, error_message="swept", now=now)
            return Remedy(report=SweepReport(abandoned=1), transition=abandon)
        return super()._remedy_for(task)


class BreaksOff(SweepTasks, frozen=True):
    """Lets what one item holds end the run."""

    def _quarantine(self, stored: StoredTask) -> Remedy:
        raise TaskUnreadable(stored, applied=False)
