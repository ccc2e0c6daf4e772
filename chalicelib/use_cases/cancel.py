"""Cancelling a task that has not ended."""

from __future__ import annotations

import dataclasses

from chalicelib.domain import lifecycle
from chalicelib.domain.task import Task, TaskStatus
from chalicelib.errors import (
    ConditionFailed,
    StoreUnavailable,
    TaskAlreadyEnded,
)
from chalicelib.ports import Clock, Observer, TaskStore
from chalicelib.use_cases.read import GetTask


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class CancelTask:
    """Ends a task that has not ended."""

    store: TaskStore
    clock: Clock
    observer: Observer

    def __call__(self, task_id: str, *, owner: str) -> Task:
        """Cancel, and return the task; cancelling twice is no error.

        Raises:
            TaskNotFound: there is none, or it is another owner's.
            TaskAlreadyEnded: it has completed or failed.
            StoreUnavailable: it says whether the task may have been cancelled all the same.
        """
        transition = lifecycle.cancel_if_open(task_id, owner=owner, now=self.clock.now())
        try:
            task = self.store.apply(transition)
        except ConditionFailed:
            return self._judge_refusal(task_id, owner)
        self.observer.transitioned(task)
        return task

    def _judge_refusal(self, task_id: str, owner: str) -> Task:
        try:
            task = GetTask(store=self.store)(task_id, owner=owner)
        except StoreUnavailable as exc:
            # The refusal may have been met by one's own success, whose reply was lost.
            raise StoreUnavailable(in_doubt=True) from exc
        if task.status is not TaskStatus.CANCELLED:
            message = f"the task is {task.status} and cannot be cancelled any more"
            raise TaskAlreadyEnded(message)
        return task
