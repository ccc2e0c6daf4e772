"""Many tasks, submitted together from an event loop."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from typing import TYPE_CHECKING, Literal, Self, overload

from quantum_tasks.batch import BatchView, Outcome, ordered
from quantum_tasks.engine import gathering
from quantum_tasks.errors import QuantumTasksError, TaskAlreadyEnded
from quantum_tasks.result import Result

if TYPE_CHECKING:
    from quantum_tasks.aio import AsyncClient, AsyncTask


class AsyncBatch(BatchView["AsyncTask"]):
    """The tasks of one `submit_many`; see `Batch`."""

    def __init__(
        self,
        *,
        key: str,
        tasks: Mapping[int, AsyncTask],
        errors: Mapping[int, QuantumTasksError],
        client: AsyncClient,
    ) -> None:
        super().__init__(key=key, tasks=tasks, errors=errors)
        self._client = client

    async def as_completed(self, timeout: float | None = None) -> AsyncIterator[AsyncTask]:
        """Give each task when it has ended, the earliest first; see `Batch.as_completed`."""
        async for gathered in self._gather(timeout):
            yield self.take(gathered)

    async def wait(self, timeout: float | None = None) -> Self:
        """Wait until all tasks have ended.

        Raises:
            WaitTimeout: `timeout` seconds are over; the tasks go on.
            QuantumTasksError: a task cannot be waited for.
        """
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
        """Wait for all tasks and return their results in the order of the requests.

        With "return" an error stands in the place of a result that there is not; with "raise" the
        first one, in the order of the requests, is raised when all have ended.
        """
        found: dict[int, Outcome] = dict(self.errors)
        async for gathered in self._gather(timeout):
            found[gathered.index] = self.outcome(gathered)
        return ordered(found, errors)

    async def cancel(self) -> Self:
        """Cancel all tasks that have not ended."""
        for task in self.tasks.values():
            if not task.ended:
                try:
                    await task.cancel()
                except TaskAlreadyEnded:
                    await task.refresh()
        return self

    def _gather(self, timeout: float | None) -> AsyncIterator[gathering.Gathered]:
        return self._client.driver.iterate(self.gather(timeout, self._client.programs.policy))
