"""Reading a task."""

from __future__ import annotations

import msgspec

from chalicelib.domain.task import Task
from chalicelib.domain.unreadable import TaskUnreadable
from chalicelib.errors import TaskNotFound
from chalicelib.ports import Observer, TaskStore


class GetTask(msgspec.Struct, frozen=True, kw_only=True):
    """Reads one task."""

    store: TaskStore
    observer: Observer

    def __call__(self, task_id: str, *, owner: str, with_payloads: bool = True) -> Task:
        """Return the task; unless it is to be whole, without its circuit and its result.

        Raises:
            TaskNotFound: there is none, or it is another owner's; the two look alike.
            TaskUnreadable: it is the caller's, and what is stored of it cannot be read.
        """
        read = self.store.get if with_payloads else self.store.get_without_payloads
        try:
            task = read(task_id)
        except TaskUnreadable as exc:
            self.observer.unreadable(exc)
            if exc.stored.owner != owner:
                raise TaskNotFound from exc
            raise
        if task is None or task.owner != owner:
            raise TaskNotFound
        return task
