"""The twin of `quantum_tasks.sync.tasks`."""

from __future__ import annotations

import inspect
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from typing import Literal, Self, overload

from quantum_tasks.aio.session import AsyncSession
from quantum_tasks.errors import QuantumTasksError, TaskAlreadyEnded
from quantum_tasks.protocol import calls
from quantum_tasks.protocol.calls import Seen
from quantum_tasks.protocol.requests import Query
from quantum_tasks.protocol.retrying import noting
from quantum_tasks.protocol.views import BatchView, TaskView, in_order
from quantum_tasks.values.result import Result
from quantum_tasks.values.task import Page, result_of


class AsyncTask(TaskView):
    """A task of this client's service; see `Task`."""

    def __init__(self, seen: Seen, session: AsyncSession) -> None:
        super().__init__(seen)
        self._session = session

    async def refresh(self) -> Self:
        """Read the task now and return it."""
        self.seen = await self._session.exchange(calls.get(self.id, self.seen))
        return self

    async def wait(
        self,
        timeout: float | None = None,
        on_change: Callable[[AsyncTask], Awaitable[None] | None] | None = None,
    ) -> Self:
        """Wait until the task has ended, and return it; see `Task.wait`.

        `on_change` may be a coroutine function.
        """
        with noting(f"The task goes on: {self.id}"):
            async for change in self._session.watch({0: self.seen}, timeout):
                before, self.seen = self.data, change.seen
                if on_change is not None and self.data != before:
                    returned = on_change(self)
                    if inspect.isawaitable(returned):
                        await returned
                if change.error is not None:
                    raise change.error
        return self

    async def result(self, timeout: float | None = None) -> Result:
        """Wait until the task has ended, and return its result; see `Task.result`."""
        return result_of((await self.wait(timeout)).data)

    async def cancel(self) -> Self:
        """Cancel the task, and return it; see `Task.cancel`."""
        self.seen = await self._session.exchange(calls.cancel(self.id))
        return self


class AsyncListing(AsyncIterator[AsyncTask]):
    """Tasks, the newest first, read page by page as they are wanted."""

    def __init__(self, query: Query, session: AsyncSession) -> None:
        self._query = query
        self._session = session
        self._tasks = self._each()
        #: Ids of tasks met so far that are there but cannot be read.
        self.unreadable: list[str] = []

    async def __anext__(self) -> AsyncTask:
        return await anext(self._tasks)

    async def pages(self) -> AsyncIterator[Page]:
        """Give the pages from the first; one may be empty before the last."""
        cursor, more = None, True
        while more:
            page = await self._session.exchange(calls.list_tasks(self._query, cursor))
            yield page
            cursor = calls.next_cursor(page, cursor)
            more = cursor is not None

    async def _each(self) -> AsyncIterator[AsyncTask]:
        async for page in self.pages():
            self.unreadable += page.unreadable
            for data in page.tasks:
                yield AsyncTask(Seen(data=data), self._session)


class AsyncBatch(BatchView[AsyncTask]):
    """The tasks of one `submit_many`; see `Batch`."""

    def __init__(
        self,
        key: str,
        tasks: Mapping[int, AsyncTask],
        errors: Mapping[int, QuantumTasksError],
        session: AsyncSession,
    ) -> None:
        super().__init__(key=key, tasks=tasks, errors=errors)
        self._session = session

    async def as_completed(self, timeout: float | None = None) -> AsyncIterator[AsyncTask]:
        """Give each task when it has ended, the earliest first; see `Batch.as_completed`."""
        async for change in self._session.watch(self.seen(), timeout):
            task = self.take(change)
            if change.error is not None:
                raise change.error
            if change.is_last:
                yield task

    async def wait(self, timeout: float | None = None) -> Self:
        """Wait until all tasks have ended; see `Batch.wait`."""
        async for _ in self.as_completed(timeout):
            pass
        return self

    @overload
    async def results(
        self, errors: Literal["raise"] = "raise", timeout: float | None = None
    ) -> list[Result]: ...

    @overload
    async def results(
        self, errors: Literal["return"], timeout: float | None = None
    ) -> list[Result | QuantumTasksError]: ...

    async def results(
        self, errors: Literal["raise", "return"] = "raise", timeout: float | None = None
    ) -> list[Result] | list[Result | QuantumTasksError]:
        """Wait for all tasks and return their results in order; see `Batch.results`."""
        found: dict[int, Result | QuantumTasksError] = dict(self.errors)
        async for change in self._session.watch(self.seen(), timeout):
            self.take(change)
            if change.is_last:
                found[change.index] = self.result_or_error(change)
        return in_order(found, errors)

    async def cancel(self) -> Self:
        """Cancel all tasks that have not ended."""
        for task in self.tasks.values():
            if not task.ended:
                try:
                    await task.cancel()
                except TaskAlreadyEnded:
                    await task.refresh()
        return self
