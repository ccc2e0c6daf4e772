"""Cancelling a task that has not ended."""

from __future__ import annotations

import msgspec
from msgspec import structs

from chalicelib.domain import lifecycle, unreadable
from chalicelib.domain.task import Task, TaskStatus
from chalicelib.domain.unreadable import StoredTask, TaskUnreadable
from chalicelib.errors import ConditionFailed, StoreUnavailable, TaskAlreadyEnded
from chalicelib.ports import Clock, Observer, TaskStore
from chalicelib.use_cases.read import GetTask


class CancelTask(msgspec.Struct, frozen=True, kw_only=True):
    """Ends a task that has not ended."""

    store: TaskStore
    clock: Clock
    observer: Observer

    def __call__(self, task_id: str, *, owner: str) -> Task | StoredTask:
        """Cancel, and return the task; cancelling twice is not an error.

        A task that cannot be read is cancelled too; what can be told of it is returned.

        Raises:
            TaskNotFound: there is none, or it is another owner's.
            TaskAlreadyEnded: it has completed or failed.
            TaskUnreadable: a newer version of the service wrote it; it is as it was.
            StoreUnavailable: it says whether the task may have been cancelled all the same.
        """
        transition = lifecycle.cancel_if_open(task_id, owner=owner, now=self.clock.now())
        try:
            task = self.store.apply(transition)
        except ConditionFailed:
            return self._judge_refusal(task_id, owner)
        except TaskUnreadable as exc:
            self.observer.unreadable(exc)
            return exc.stored
        self.observer.transitioned(task)
        return task

    def _judge_refusal(self, task_id: str, owner: str) -> Task | StoredTask:
        try:
            task = GetTask(store=self.store, observer=self.observer)(task_id, owner=owner)
        except TaskUnreadable as exc:
            return self._cancel_unreadable(exc, owner)
        except StoreUnavailable as exc:
            # The refusal may have been met by one's own success, whose reply was lost.
            raise StoreUnavailable(in_doubt=True) from exc
        if task.status is not TaskStatus.CANCELLED:
            raise TaskAlreadyEnded(_too_late(task.status))
        return task

    def _cancel_unreadable(self, error: TaskUnreadable, owner: str) -> StoredTask:
        """Cancel what says too little of itself for the ordinary condition."""
        stored = error.stored
        if stored.status == TaskStatus.CANCELLED:
            return stored
        if stored.is_newer:
            raise error
        if stored.has_ended:
            raise TaskAlreadyEnded(_too_late(stored.status or ""))
        transition = unreadable.cancel(stored, owner=owner, now=self.clock.now())
        try:
            self.store.apply_to_unreadable(transition, stored)
        except ConditionFailed:
            raise error from None  # it has changed meanwhile: the next cancel sees how
        return structs.replace(stored, status=TaskStatus.CANCELLED)


def _too_late(status: str) -> str:
    return f"the task is {status} and cannot be cancelled any more"
