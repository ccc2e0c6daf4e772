"""Listing an owner's tasks, newest first, page by page, without repeats or holes."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import Final

import msgspec

from chalicelib.domain.task import Task
from chalicelib.domain.task_filter import Position, TaskFilter
from chalicelib.errors import StoreUnavailable
from chalicelib.ports import Clock, Summaries, TaskStore

#: Batch reads of one page. More would let a filter that matches little read without end.
BATCH_READS_MAX: Final = 4
#: DynamoDB reads 100 items in one call ("BatchGetItem").
BATCH_TASKS_MAX: Final = 100


class TaskPage(msgspec.Struct, frozen=True, kw_only=True):
    """One page of a list. It may be short, or empty, and still have a next one."""

    tasks: Sequence[Task]
    #: Ids of tasks that cannot be read, in their places' order.
    unreadable: Sequence[str]
    #: Where the next page begins: behind this place. None after the last page.
    next_position: Position | None


class ListTasks(msgspec.Struct, frozen=True, kw_only=True):
    """Lists the tasks of one owner."""

    store: TaskStore
    clock: Clock
    #: No call of the store begins after this. Each may be slow and succeed, and there are many: the
    #: timeout of the API's function covers this and one call.
    begin_seconds_max: float

    def __call__(
        self, *, owner: str, task_filter: TaskFilter, limit: int, after: Position | None
    ) -> TaskPage:
        """Return the tasks behind `after`, `limit` at most (1 to 100).

        Every task that was in the index when the first page was read is on exactly one page,
        whatever is submitted or ends meanwhile: a task's place never changes. Where the time is
        over, the page is short.

        Raises:
            StoreUnavailable: the database could not be read, or not one task was read in time.
        """
        batch = BATCH_TASKS_MAX if task_filter.needs_tasks else limit
        start_deadline = self.clock.now() + timedelta(seconds=self.begin_seconds_max)
        index = self.store.tasks_of(
            owner, task_filter=task_filter, after=after, limit=batch, start_deadline=start_deadline
        )
        page = _GrowingPage(owner, task_filter, limit, after)
        positions = list(index.positions)
        for _ in range(BATCH_READS_MAX):
            if not positions or page.is_full or page.is_cut:
                break
            if self.clock.now() > start_deadline:
                page.cut()
                break
            asked, positions = positions[:batch], positions[batch:]
            page.add(asked, self.store.get_summaries(owner, [p.task_id for p in asked]))
        is_last = index.is_last and page.seen == len(index.positions)
        return page.to_task_page(is_last=is_last)


class _GrowingPage:
    """A page as it grows."""

    def __init__(
        self, owner: str, task_filter: TaskFilter, limit: int, after: Position | None
    ) -> None:
        self._owner = owner
        self._filter = task_filter
        self._limit = limit
        self._end = after
        self._tasks: list[Task] = []
        self._unreadable: list[str] = []
        #: Positions that are behind the page's end.
        self.seen = 0
        #: Whether a task was not read: the page ends before it.
        self.is_cut = False

    @property
    def is_full(self) -> bool:
        return len(self._tasks) + len(self._unreadable) >= self._limit

    def add(self, asked: list[Position], found: Summaries) -> None:
        """Take what was read, in the order of the list, up to the page's limit."""
        for position in asked:
            if self.is_full:
                return
            if position.task_id in found.unprocessed:
                self.cut()
                return
            self.seen += 1
            self._end = position
            task = found.tasks.get(position.task_id)
            if position.task_id in found.unreadable:
                self._unreadable.append(position.task_id)
            elif task is not None and task.owner == self._owner and self._filter.matches(task):
                self._tasks.append(task)

    def cut(self) -> None:
        """End the page before a task that was not read; a page of nothing would not go on.

        Raises:
            StoreUnavailable: nothing was read.
        """
        if not self.seen:
            raise StoreUnavailable
        self.is_cut = True

    def to_task_page(self, *, is_last: bool) -> TaskPage:
        return TaskPage(
            tasks=self._tasks,
            unreadable=self._unreadable,
            next_position=None if is_last else self._end,
        )
