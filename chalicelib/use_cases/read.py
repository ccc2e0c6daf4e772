"""Reading a task."""

from __future__ import annotations

import dataclasses

from chalicelib.domain.task import Task
from chalicelib.errors import (
    TaskNotFound,
)
from chalicelib.ports import TaskStore


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
