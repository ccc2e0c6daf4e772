"""A task that you can wait for; many of them, listed or submitted together."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Literal, Self, overload

from quantum_tasks.errors import QuantumTasksError, TaskAlreadyEnded
from quantum_tasks.protocol import calls
from quantum_tasks.protocol.calls import Seen
from quantum_tasks.protocol.requests import Query
from quantum_tasks.protocol.retrying import noting
from quantum_tasks.protocol.views import BatchView, TaskView, in_order
from quantum_tasks.sync.session import Session
from quantum_tasks.values.result import Result
from quantum_tasks.values.task import Page, result_of


class Task(TaskView):
    """A task of this client's service."""

    def __init__(self, seen: Seen, session: Session) -> None:
        super().__init__(seen)
        self._session = session

    def refresh(self) -> Self:
        """Read the task now and return it."""
        self.seen = self._session.exchange(calls.get(self.id, self.seen))
        return self

    def wait(
        self, timeout: float | None = None, on_change: Callable[[Task], None] | None = None
    ) -> Self:
        """Wait until the task has ended, and return it. `on_change` is called with each change.

        Asks exactly as often as the service wants to be asked. Ctrl-C ends the wait, not the task.

        Raises:
            WaitTimeout: `timeout` seconds are over; the task goes on.
            UnknownStatus: the task has a status that this client does not know.
        """
        with noting(f"The task goes on: {self.id}"):
            for change in self._session.watch({0: self.seen}, timeout):
                before, self.seen = self.data, change.seen
                if on_change is not None and self.data != before:
                    on_change(self)
                if change.error is not None:
                    raise change.error
        return self

    def result(self, timeout: float | None = None) -> Result:
        """Wait until the task has ended, and return its result.

        Raises:
            TaskFailed: it failed; the message says why.
            TaskCancelled: it was cancelled.
            WaitTimeout: `timeout` seconds are over; the task goes on.
        """
        return result_of(self.wait(timeout).data)

    def cancel(self) -> Self:
        """Cancel the task, and return it. Cancelling twice is no error.

        Raises:
            TaskAlreadyEnded: it has completed or failed.
        """
        self.seen = self._session.exchange(calls.cancel(self.id))
        return self


class Listing(Iterator[Task]):
    """Tasks, the newest first, read page by page as they are wanted."""

    def __init__(self, query: Query, session: Session) -> None:
        self._query = query
        self._session = session
        self._tasks = self._each()
        #: Ids of tasks met so far that are there but cannot be read.
        self.unreadable: list[str] = []

    def __next__(self) -> Task:
        return next(self._tasks)

    def pages(self) -> Iterator[Page]:
        """Give the pages from the first; one may be empty before the last."""
        cursor, more = None, True
        while more:
            page = self._session.exchange(calls.list_tasks(self._query, cursor))
            yield page
            cursor = calls.next_cursor(page, cursor)
            more = cursor is not None

    def _each(self) -> Iterator[Task]:
        for page in self.pages():
            self.unreadable += page.unreadable
            for data in page.tasks:
                yield Task(Seen(data=data), self._session)


class Batch(BatchView[Task]):
    """The tasks of one `submit_many`. Each index of its requests is in `tasks` or in `errors`."""

    def __init__(
        self,
        key: str,
        tasks: Mapping[int, Task],
        errors: Mapping[int, QuantumTasksError],
        session: Session,
    ) -> None:
        super().__init__(key=key, tasks=tasks, errors=errors)
        self._session = session

    def as_completed(self, timeout: float | None = None) -> Iterator[Task]:
        """Give each task when it has ended, the earliest first.

        Raises:
            WaitTimeout: `timeout` seconds are over; the tasks go on.
            QuantumTasksError: a task cannot be waited for.
        """
        for change in self._session.watch(self.seen(), timeout):
            task = self.take(change)
            if change.error is not None:
                raise change.error
            if change.is_last:
                yield task

    def wait(self, timeout: float | None = None) -> Self:
        """Wait until all tasks have ended.

        Raises:
            WaitTimeout: `timeout` seconds are over; the tasks go on.
            QuantumTasksError: a task cannot be waited for.
        """
        for _ in self.as_completed(timeout):
            pass
        return self

    @overload
    def results(
        self, errors: Literal["raise"] = "raise", timeout: float | None = None
    ) -> list[Result]: ...

    @overload
    def results(
        self, errors: Literal["return"], timeout: float | None = None
    ) -> list[Result | QuantumTasksError]: ...

    def results(
        self, errors: Literal["raise", "return"] = "raise", timeout: float | None = None
    ) -> list[Result] | list[Result | QuantumTasksError]:
        """Wait for all tasks and return their results in the order of the requests.

        With "return" an error stands in the place of a result that there is not; with "raise" the
        first one, in the order of the requests, is raised when all have ended.
        """
        found: dict[int, Result | QuantumTasksError] = dict(self.errors)
        for change in self._session.watch(self.seen(), timeout):
            self.take(change)
            if change.is_last:
                found[change.index] = self.result_or_error(change)
        return in_order(found, errors)

    def cancel(self) -> Self:
        """Cancel all tasks that have not ended."""
        for task in self.tasks.values():
            if not task.ended:
                try:
                    task.cancel()
                except TaskAlreadyEnded:
                    task.refresh()
        return self
