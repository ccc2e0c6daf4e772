"""The client: `Client().run(circuit)`, and all else that the service offers."""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any, Self, Unpack

from quantum_tasks.contract import PAGE_SIZE_MAX, SHOTS_DEFAULT
from quantum_tasks.errors import QuantumTasksError
from quantum_tasks.protocol import batching, calls, requests
from quantum_tasks.protocol.requests import SubmissionFields
from quantum_tasks.protocol.retrying import RetryPolicy, noting
from quantum_tasks.sync.session import Clock, Session
from quantum_tasks.sync.tasks import Batch, Listing, Task
from quantum_tasks.transport.config import configuration
from quantum_tasks.transport.http import HttpTransport, Transport
from quantum_tasks.values.result import Result
from quantum_tasks.values.service import Health, Validation


class Client:
    """Talks to one quantum task service. May be used by several threads.

    The address is `base_url`, else that of the `profile` that is given, else `QTASKS_URL`, else
    that of the configuration file's own profile, else
    `http://127.0.0.1:8000`.

    Raises:
        ConfigurationError: something given or configured cannot be used.
    """

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
        clock: Clock | None = None,
    ) -> None:
        """Take where the service is; `transport` and `clock` are for tests."""
        settings = configuration(base_url, profile=profile, region=region, auth=auth)
        #: The service's address.
        self.url = settings.url
        self._session = Session(
            transport or HttpTransport.to(settings, timeout_seconds=timeout),
            clock or time,
            RetryPolicy(retries_max=max_retries),
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Let go of connections."""
        self._session.close()

    def submit(
        self, circuit: object, *, key: str | None = None, **fields: Unpack[SubmissionFields]
    ) -> Task:
        """Submit a circuit: OpenQASM text, or a circuit of Qiskit, Cirq or Braket.

        Makes one task, whatever happens on the way. Submitting the same again with the same `key`,
        even from another process, finds that task; without a key each call makes another one.

        Raises:
            QuantumTasksError: with the key in it.
        """
        return self._submit(circuit, key, fields, wait=0)

    def run(
        self,
        circuit: object,
        *,
        key: str | None = None,
        wait_timeout: float | None = None,
        **fields: Unpack[SubmissionFields],
    ) -> Result:
        """Submit a circuit, wait for its end and return its result. Two calls are two tasks.

        Raises:
            TaskFailed, TaskCancelled: there is no result.
            WaitTimeout: `wait_timeout` seconds are over; the task, in the error, goes on.
        """
        task = self._submit(circuit, key, fields, wait=wait_timeout)
        return task.result(wait_timeout)

    def _submit(
        self, circuit: object, key: str | None, fields: SubmissionFields, *, wait: float | None
    ) -> Task:
        """Submit a circuit; the answer may wait so many seconds for the task's end."""
        fields.setdefault("shots", SHOTS_DEFAULT)
        body = requests.submission(circuit, **fields)
        key = requests.checked_key(key)
        with noting(f"The task may have been submitted. Its key finds it: {key}"):
            seen = self._session.exchange(calls.submit(body, key, wait=wait))
        return Task(seen, self._session)

    def get(self, task_id: str) -> Task:
        """Read a task.

        Raises:
            TaskNotFound: there is none with this id, or it is another owner's.
        """
        return Task(self._session.exchange(calls.get(task_id)), self._session)

    def cancel(self, task_id: str) -> Task:
        """Cancel a task, and return it. Cancelling twice is no error.

        Raises:
            TaskAlreadyEnded: it has completed or failed.
        """
        return Task(self._session.exchange(calls.cancel(task_id)), self._session)

    def list(
        self,
        *,
        status: str | Iterable[str] = (),
        tags: Mapping[str, str] | None = None,
        since: datetime | str | None = None,
        until: datetime | str | None = None,
        page_size: int = PAGE_SIZE_MAX,
    ) -> Listing:
        """List tasks, the newest first, without circuits, results and histories.

        `since` is included and `until` is not; both are aware times, or strings as the API takes
        them. All `tags` must hold, and one of the statuses.
        """
        query = requests.list_query(
            status=status, tags=tags, since=since, until=until, page_size=page_size
        )
        return Listing(query, self._session)

    def submit_many(self, many: Iterable[Mapping[str, Any]], *, key: str | None = None) -> Batch:
        """Submit many circuits in few requests: mappings of what `submit` takes.

        Repeating the call with the same `key` and requests, after a crash for instance, finds the
        tasks that are there and makes the others.

        Raises:
            QuantumTasksError: nothing could be submitted. What single tasks were refused for is
                in the batch's `errors`.
        """
        key = requests.checked_key(key, for_batch=True)
        sending = batching.Sending(batching.members(many, key=key), policy=self._session.policy)
        while (call := sending.call()) is not None:
            try:
                pause = sending.take(self._session.exchange(call))
            except QuantumTasksError as exc:
                sending.fail(exc)
            else:
                self._session.clock.sleep(pause)
        tasks = {index: Task(seen, self._session) for index, seen in sending.seen.items()}
        return Batch(key, tasks, sending.errors, self._session)

    def validate(self, circuit: object, **fields: Unpack[SubmissionFields]) -> Validation:
        """Have a circuit checked without executing it."""
        return self._session.exchange(calls.validate(requests.submission(circuit, **fields)))

    def health(self) -> Health:
        """Ask whether the service can be used.

        That it cannot is an answer, too: `status` is `unavailable`.
        """
        return self._session.exchange(calls.health())
