"""Waiting for a task's end within a request, so that a short task needs no second one."""

from __future__ import annotations

from datetime import timedelta
from typing import Final

import msgspec

from chalicelib.domain.task import Task
from chalicelib.domain.unreadable import TaskUnreadable
from chalicelib.errors import StoreUnavailable
from chalicelib.ports import Clock, Observer, TaskStore

#: The pauses between two looks: they grow, since a task that was short would have ended. In 2 s
#: there are 12 looks.
_FIRST_PAUSE_SECONDS: Final = 0.025
_PAUSE_SECONDS_MAX: Final = 0.25
_GROWTH: Final = 1.5


class WaitForEnd(msgspec.Struct, frozen=True, kw_only=True):
    """Reads a task until it has ended or the time is over."""

    store: TaskStore
    clock: Clock
    observer: Observer
    #: However long a client would wait; 0 waits for none.
    seconds_max: int

    def __call__(self, task: Task, *, seconds: int) -> Task:
        """Return the task as it was seen last, without payloads unless it is the one given.

        A look that fails ends the wait: what the client was to be told without it is still true.
        """
        deadline = self.clock.now() + timedelta(seconds=min(seconds, self.seconds_max))
        pause = _FIRST_PAUSE_SECONDS
        while not task.status.is_terminal:
            left = (deadline - self.clock.now()).total_seconds()
            if left <= 0:
                break
            self.clock.sleep(min(pause, left))
            pause = min(pause * _GROWTH, _PAUSE_SECONDS_MAX)
            try:
                seen = self.store.get_without_payloads(task.task_id)
            except (StoreUnavailable, TaskUnreadable) as exc:
                self.observer.problem("wait for the task", exc, task_ids=[task.task_id])
                break
            if seen is None:
                break
            task = seen
        return task
