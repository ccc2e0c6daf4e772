"""The twin of `quantum_tasks.sync.client`: the same names, awaited."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any, Self, Unpack

from quantum_tasks.aio.session import AsyncClock, AsyncSession, SystemClock
from quantum_tasks.aio.tasks import AsyncBatch, AsyncListing, AsyncTask
from quantum_tasks.contract import PAGE_SIZE_MAX, SHOTS_DEFAULT
from quantum_tasks.errors import QuantumTasksError
from quantum_tasks.protocol import batching, calls, requests
from quantum_tasks.protocol.requests import SubmissionFields
from quantum_tasks.protocol.retrying import RetryPolicy, noting
from quantum_tasks.transport.config import configuration
from quantum_tasks.transport.http import HttpTransport, Transport
from quantum_tasks.values.result import Result
from quantum_tasks.values.service import Health, Validation


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
        settings = configuration(base_url, profile=profile, region=region, auth=auth)
        #: The service's address.
        self.url = settings.url
        self._session = AsyncSession(
            transport or HttpTransport.to(settings, timeout_seconds=timeout),
            clock or SystemClock(),
            RetryPolicy(retries_max=max_retries),
        )

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    async def close(self) -> None:
        """Let go of connections and threads."""
        self._session.close()

    async def submit(
        self, circuit: object, *, key: str | None = None, **fields: Unpack[SubmissionFields]
    ) -> AsyncTask:
        """Submit a circuit; see `Client.submit`."""
        return await self._submit(circuit, key, fields, wait=0)

    async def run(
        self,
        circuit: object,
        *,
        key: str | None = None,
        wait_timeout: float | None = None,
        **fields: Unpack[SubmissionFields],
    ) -> Result:
        """Submit a circuit, wait for its end and return its result; see `Client.run`."""
        task = await self._submit(circuit, key, fields, wait=wait_timeout)
        return await task.result(wait_timeout)

    async def _submit(
        self, circuit: object, key: str | None, fields: SubmissionFields, *, wait: float | None
    ) -> AsyncTask:
        """Submit a circuit; the answer may wait so many seconds for the task's end."""
        fields.setdefault("shots", SHOTS_DEFAULT)
        body = requests.submission(circuit, **fields)
        key = requests.checked_key(key)
        with noting(f"The task may have been submitted. Its key finds it: {key}"):
            seen = await self._session.exchange(calls.submit(body, key, wait=wait))
        return AsyncTask(seen, self._session)

    async def get(self, task_id: str) -> AsyncTask:
        """Read a task; see `Client.get`."""
        return AsyncTask(await self._session.exchange(calls.get(task_id)), self._session)

    async def cancel(self, task_id: str) -> AsyncTask:
        """Cancel a task, and return it; see `Client.cancel`."""
        return AsyncTask(await self._session.exchange(calls.cancel(task_id)), self._session)

    def list(
        self,
        *,
        status: str | Iterable[str] = (),
        tags: Mapping[str, str] | None = None,
        since: datetime | str | None = None,
        until: datetime | str | None = None,
        page_size: int = PAGE_SIZE_MAX,
    ) -> AsyncListing:
        """List tasks, the newest first; see `Client.list`."""
        query = requests.list_query(
            status=status, tags=tags, since=since, until=until, page_size=page_size
        )
        return AsyncListing(query, self._session)

    async def submit_many(
        self, many: Iterable[Mapping[str, Any]], *, key: str | None = None
    ) -> AsyncBatch:
        """Submit many circuits in few requests; see `Client.submit_many`."""
        key = requests.checked_key(key, for_batch=True)
        sending = batching.Sending(batching.members(many, key=key), policy=self._session.policy)
        while (call := sending.call()) is not None:
            try:
                pause = sending.take(await self._session.exchange(call))
            except QuantumTasksError as exc:
                sending.fail(exc)
            else:
                await self._session.clock.sleep(pause)
        tasks = {index: AsyncTask(seen, self._session) for index, seen in sending.seen.items()}
        return AsyncBatch(key, tasks, sending.errors, self._session)

    async def validate(self, circuit: object, **fields: Unpack[SubmissionFields]) -> Validation:
        """Have a circuit checked without executing it."""
        return await self._session.exchange(calls.validate(requests.submission(circuit, **fields)))

    async def health(self) -> Health:
        """Ask whether the service can be used."""
        return await self._session.exchange(calls.health())
