"""Which tasks of an owner a list shows, and where a page of it ends."""

from __future__ import annotations

from datetime import datetime

import msgspec

from chalicelib.domain.task import Task, TaskStatus


class Position(msgspec.Struct, frozen=True, kw_only=True, order=True):
    """A place in the list of an owner's tasks, which runs from the newest to the oldest.

    It compares as the list's order does, from the oldest up. Ids settle equal times.
    """

    #: The index's range key as it is stored: text that sorts as the times do. It is never parsed
    #: here, so an entry with a corrupt time has its place too.
    submitted_at: str
    task_id: str


class TaskFilter(msgspec.Struct, frozen=True, kw_only=True):
    """Which of an owner's tasks are asked for. What is empty or None filters nothing."""

    #: Any of these.
    statuses: frozenset[TaskStatus] = frozenset()
    #: `name:value` of a tag; all must be there.
    tags: frozenset[str] = frozenset()
    #: Inclusive.
    submitted_after: datetime | None = None
    #: Exclusive.
    submitted_before: datetime | None = None

    @property
    def needs_tasks(self) -> bool:
        """Whether the index alone cannot tell which tasks are meant."""
        return bool(self.statuses or self.tags)

    def matches(self, task: Task) -> bool:
        """Whether status and tags are as asked; times are the index's to compare."""
        if self.statuses and task.status not in self.statuses:
            return False
        return not self.tags or self.tags <= {f"{n}:{v}" for n, v in task.request.tags.items()}
