"""What a client may ask beside submitting: its task, an end to it, the service's health."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

from chalicelib.domain import lifecycle
from chalicelib.domain.model import Task, TaskStatus
from chalicelib.errors import (
    ConditionFailed,
    ServiceUnavailable,
    StoreUnavailable,
    TaskAlreadyEnded,
    TaskNotFound,
)
from chalicelib.ports import Clock, Observer, TaskQueue, TaskStore


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class GetTask:
    """Reads one task."""

    store: TaskStore

    def __call__(self, task_id: str, *, owner: str) -> Task:
        """Return the task.

        Raises:
            TaskNotFound: there is none, or it is another owner's; the two look alike.
        """
        task = self.store.get(task_id)
        if task is None or task.owner != owner:
            raise TaskNotFound
        return task


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


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Health:
    """Whether what the service depends on can be used now."""

    database: bool
    queue: bool


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class CheckHealth:
    """Asks database and queue. It always answers."""

    store: TaskStore
    queue: TaskQueue

    def __call__(self) -> Health:
        """Ask both at the same time: neither waits for the other's timeout."""
        with ThreadPoolExecutor(max_workers=2) as pool:
            database = pool.submit(_answers, self.store.ping)
            queue = pool.submit(_answers, self.queue.ping)
            return Health(database=database.result(), queue=queue.result())


def _answers(ping: Callable[[], None]) -> bool:
    try:
        ping()
    except ServiceUnavailable:
        return False
    return True
