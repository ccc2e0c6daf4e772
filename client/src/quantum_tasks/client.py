"""The client: `Client().run(circuit)`, and all else that the service offers."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import datetime
from types import TracebackType
from typing import Any, Self

from quantum_tasks import requests
from quantum_tasks.base import PAGE_SIZE, SHOTS_DEFAULT, Programs
from quantum_tasks.batch import Batch
from quantum_tasks.driver import Clock, Driver, SystemClock
from quantum_tasks.engine import calls, listing, waiting
from quantum_tasks.engine.looking import Seen
from quantum_tasks.result import Result
from quantum_tasks.transport import Transport
from quantum_tasks.values import Health, Page, Validation
from quantum_tasks.views import TaskView


class Task(TaskView):
    """A task of this client's service."""

    def __init__(self, seen: Seen, client: Client) -> None:
        super().__init__(seen)
        self._client = client

    def refresh(self) -> Self:
        """Read the task now and return it."""
        self.seen = self._client.driver.run(self._client.programs.get(self.id, self.seen))
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

        def take(seen: Seen) -> None:
            self.seen = seen
            if on_change is not None:
                on_change(self)

        program = waiting.wait(self.seen, timeout=timeout, policy=self._client.programs.policy)
        self.seen = self._client.driver.run(program, take)
        return self

    def result(self, timeout: float | None = None) -> Result:
        """Wait until the task has ended, and return its result.

        Raises:
            TaskFailed: it failed; the message says why.
            TaskCancelled: it was cancelled.
            WaitTimeout: `timeout` seconds are over; the task goes on.
        """
        if not self.ended or (self.status == "completed" and self.data.result is None):
            self.refresh() if self.ended else self.wait(timeout)
        return waiting.result_of(self.data)

    def cancel(self) -> Self:
        """Cancel the task, and return it. Cancelling twice is no error.

        Raises:
            TaskAlreadyEnded: it has completed or failed.
        """
        self.seen = self._client.driver.run(self._client.programs.cancel(self.id))
        return self


class Listing(Iterator[Task]):
    """Tasks, the newest first, read page by page as they are wanted."""

    def __init__(self, client: Client, query: calls.Query) -> None:
        self._client = client
        self._query = query
        self._tasks = self._each()
        #: Ids of tasks met so far that are there but cannot be read.
        self.unreadable: list[str] = []

    def __next__(self) -> Task:
        return next(self._tasks)

    def pages(self) -> Iterator[Page]:
        """Return the pages from the first; one may be empty before the last."""
        return self._client.driver.iterate(
            listing.pages(self._query, policy=self._client.programs.policy)
        )

    def _each(self) -> Iterator[Task]:
        for page in self.pages():
            self.unreadable += page.unreadable
            for data in page.tasks:
                yield Task(Seen(data=data), self._client)


class Client:
    """Talks to one quantum task service. May be used by several threads.

    The address is `base_url`, else `QTASKS_URL`, else the configuration file's profile, else
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
        self.programs = Programs(
            base_url,
            profile=profile,
            region=region,
            auth=auth,
            timeout=timeout,
            max_retries=max_retries,
            transport=transport,
        )
        self.driver = Driver(self.programs.transport, clock or SystemClock())

    @property
    def url(self) -> str:
        """The service's address."""
        return self.programs.url

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """Let go of connections."""
        self.driver.close()

    def submit(
        self,
        circuit: object,
        *,
        shots: int = SHOTS_DEFAULT,
        seed: int | None = None,
        tags: Mapping[str, str] | None = None,
        key: str | None = None,
    ) -> Task:
        """Submit a circuit: OpenQASM text, or a circuit of Qiskit, Cirq or Braket.

        Makes one task, whatever happens on the way. Submitting the same again with the same `key`,
        even from another process, finds that task; without a key each call makes another one.

        Raises:
            QuantumTasksError: with the key in it.
        """
        program = self.programs.submit(circuit, shots=shots, seed=seed, tags=tags, key=key)
        return Task(self.driver.run(program), self)

    def run(
        self,
        circuit: object,
        *,
        shots: int = SHOTS_DEFAULT,
        seed: int | None = None,
        tags: Mapping[str, str] | None = None,
        key: str | None = None,
        wait_timeout: float | None = None,
    ) -> Result:
        """Submit a circuit, wait for its end and return its result. Two calls are two tasks.

        Raises:
            TaskFailed, TaskCancelled: there is no result.
            WaitTimeout: `wait_timeout` seconds are over; the task, in the error, goes on.
        """
        task = self.submit(circuit, shots=shots, seed=seed, tags=tags, key=key)
        return task.result(wait_timeout)

    def get(self, task_id: str) -> Task:
        """Read a task.

        Raises:
            TaskNotFound: there is none with this id, or it is another owner's.
        """
        return Task(self.driver.run(self.programs.get(task_id)), self)

    def cancel(self, task_id: str) -> Task:
        """Cancel a task, and return it. Cancelling twice is no error.

        Raises:
            TaskAlreadyEnded: it has completed or failed.
        """
        return Task(self.driver.run(self.programs.cancel(task_id)), self)

    def list(
        self,
        *,
        status: str | Iterable[str] = (),
        tags: Mapping[str, str] | None = None,
        since: datetime | str | None = None,
        until: datetime | str | None = None,
        page_size: int = PAGE_SIZE,
    ) -> Listing:
        """List tasks, the newest first, without circuits, results and histories.

        `since` is included and `until` is not; both are aware times, or strings as the API takes
        them. All `tags` must hold, and one of the statuses.
        """
        query = calls.list_query(
            status=status, tags=tags, since=since, until=until, page_size=page_size
        )
        return Listing(self, query)

    def submit_many(self, many: Iterable[Mapping[str, Any]], *, key: str | None = None) -> Batch:
        """Submit many circuits in few requests: mappings of what `submit` takes.

        Repeating the call with the same `key` and requests, after a crash for instance, finds the
        tasks that are there and makes the others.

        Raises:
            QuantumTasksError: nothing could be submitted. What single tasks were refused for is
                in the batch's `errors`.
        """
        key = requests.batch_key(key)
        done = self.driver.run(self.programs.submit_many(many, key))
        tasks = {index: Task(seen, self) for index, seen in sorted(done.seen.items())}
        return Batch(key=key, tasks=tasks, errors=done.errors, client=self)

    def validate(self, circuit: object) -> Validation:
        """Have a circuit checked without executing it."""
        return self.driver.run(self.programs.validate(circuit))

    def health(self) -> Health:
        """Ask whether the service can be used.

        That it cannot is an answer, too: `status` is `unavailable`.
        """
        return self.driver.run(self.programs.health())
