"""The same client for programs with an event loop: the same names, awaited."""

from __future__ import annotations

import inspect
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Mapping
from datetime import datetime
from types import TracebackType
from typing import Any, Self

from quantum_tasks import requests
from quantum_tasks.async_batch import AsyncBatch
from quantum_tasks.async_driver import AsyncClock, AsyncDriver, SystemAsyncClock
from quantum_tasks.base import PAGE_SIZE, SHOTS_DEFAULT, Programs
from quantum_tasks.engine import calls, listing, waiting
from quantum_tasks.engine.looking import Seen
from quantum_tasks.result import Result
from quantum_tasks.transport import Transport
from quantum_tasks.values import Health, Page, Validation
from quantum_tasks.views import TaskView


class AsyncTask(TaskView):
    """A task of this client's service; see `Task`."""

    def __init__(self, seen: Seen, client: AsyncClient) -> None:
        super().__init__(seen)
        self._client = client

    async def refresh(self) -> Self:
        """Read the task now and return it."""
        self.seen = await self._client.driver.run(self._client.programs.get(self.id, self.seen))
        return self

    async def wait(
        self,
        timeout: float | None = None,
        on_change: Callable[[AsyncTask], Awaitable[None] | None] | None = None,
    ) -> Self:
        """Wait until the task has ended, and return it. `on_change` may be a coroutine function.

        Raises:
            WaitTimeout: `timeout` seconds are over; the task goes on.
            UnknownStatus: the task has a status that this client does not know.
        """

        async def take(seen: Seen) -> None:
            self.seen = seen
            outcome = None if on_change is None else on_change(self)
            if inspect.isawaitable(outcome):
                await outcome

        policy = self._client.programs.policy
        program = waiting.wait(self.seen, timeout=timeout, policy=policy)
        self.seen = await self._client.driver.run(program, take)
        return self

    async def result(self, timeout: float | None = None) -> Result:
        """Wait until the task has ended, and return its result.

        Raises:
            TaskFailed, TaskCancelled: there is none; the message says why.
            WaitTimeout: `timeout` seconds are over; the task goes on.
        """
        if not self.ended:
            await self.wait(timeout)
        elif self.status == "completed" and self.data.result is None:
            await self.refresh()
        return waiting.result_of(self.data)

    async def cancel(self) -> Self:
        """Cancel the task, and return it. Cancelling twice is no error.

        Raises:
            TaskAlreadyEnded: it has completed or failed.
        """
        self.seen = await self._client.driver.run(self._client.programs.cancel(self.id))
        return self


class AsyncListing(AsyncIterator[AsyncTask]):
    """Tasks, the newest first, read page by page as they are wanted."""

    def __init__(self, client: AsyncClient, query: calls.Query) -> None:
        self._client = client
        self._query = query
        self._tasks = self._each()
        #: Ids of tasks met so far that are there but cannot be read.
        self.unreadable: list[str] = []

    async def __anext__(self) -> AsyncTask:
        return await anext(self._tasks)

    def pages(self) -> AsyncIterator[Page]:
        """Return the pages from the first; one may be empty before the last."""
        program = listing.pages(self._query, policy=self._client.programs.policy)
        return self._client.driver.iterate(program)

    async def _each(self) -> AsyncIterator[AsyncTask]:
        async for page in self.pages():
            self.unreadable += page.unreadable
            for data in page.tasks:
                yield AsyncTask(Seen(data=data), self._client)


class AsyncClient:
    """Talks to one quantum task service from an event loop; see `Client` for what is what."""

    def __init__(
        self,
        base_url: str | None = None,
        *,
        profile: str | None = None,
        region: str | None = None,
        auth: str = "auto",
        timeout: float = 35.0,
        max_retries: int = 4,
        transport: Transport | None = None,
        clock: AsyncClock | None = None,
    ) -> None:
        """Take where the service is; `transport` and `clock` are for tests."""
        self.programs = Programs(
            base_url,
            profile=profile,
            region=region,
            auth=auth,
            timeout=timeout,
            max_retries=max_retries,
            transport=transport,
        )
        self.driver = AsyncDriver(self.programs.transport, clock or SystemAsyncClock())

    @property
    def url(self) -> str:
        """The service's address."""
        return self.programs.url

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        await self.close()

    async def close(self) -> None:
        """Let go of connections and threads."""
        self.driver.close()

    async def submit(
        self,
        circuit: object,
        *,
        shots: int = SHOTS_DEFAULT,
        seed: int | None = None,
        tags: Mapping[str, str] | None = None,
        key: str | None = None,
    ) -> AsyncTask:
        """Submit a circuit; see `Client.submit`."""
        program = self.programs.submit(circuit, shots=shots, seed=seed, tags=tags, key=key)
        return AsyncTask(await self.driver.run(program), self)

    async def run(
        self,
        circuit: object,
        *,
        shots: int = SHOTS_DEFAULT,
        seed: int | None = None,
        tags: Mapping[str, str] | None = None,
        key: str | None = None,
        wait_timeout: float | None = None,
    ) -> Result:
        """Submit a circuit, wait for its end and return its result; see `Client.run`."""
        task = await self.submit(circuit, shots=shots, seed=seed, tags=tags, key=key)
        return await task.result(wait_timeout)

    async def get(self, task_id: str) -> AsyncTask:
        """Read a task; see `Client.get`."""
        return AsyncTask(await self.driver.run(self.programs.get(task_id)), self)

    async def cancel(self, task_id: str) -> AsyncTask:
        """Cancel a task, and return it; see `Client.cancel`."""
        return AsyncTask(await self.driver.run(self.programs.cancel(task_id)), self)

    def list(
        self,
        *,
        status: str | Iterable[str] = (),
        tags: Mapping[str, str] | None = None,
        since: datetime | str | None = None,
        until: datetime | str | None = None,
        page_size: int = PAGE_SIZE,
    ) -> AsyncListing:
        """List tasks, the newest first; see `Client.list`."""
        query = calls.list_query(
            status=status, tags=tags, since=since, until=until, page_size=page_size
        )
        return AsyncListing(self, query)

    async def submit_many(
        self, many: Iterable[Mapping[str, Any]], *, key: str | None = None
    ) -> AsyncBatch:
        """Submit many circuits in few requests; see `Client.submit_many`."""
        key = requests.batch_key(key)
        done = await self.driver.run(self.programs.submit_many(many, key))
        tasks = {index: AsyncTask(seen, self) for index, seen in sorted(done.seen.items())}
        return AsyncBatch(key=key, tasks=tasks, errors=done.errors, client=self)

    async def validate(self, circuit: object) -> Validation:
        """Have a circuit checked without executing it."""
        return await self.driver.run(self.programs.validate(circuit))

    async def health(self) -> Health:
        """Ask whether the service can be used."""
        return await self.driver.run(self.programs.health())
