"""Many tasks, submitted together."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Generic, Literal, Self, TypeVar, overload

from quantum_tasks.engine import gathering, waiting
from quantum_tasks.engine.effects import Program
from quantum_tasks.engine.retrying import RetryPolicy
from quantum_tasks.errors import QuantumTasksError, TaskAlreadyEnded
from quantum_tasks.result import Result
from quantum_tasks.views import TaskView

if TYPE_CHECKING:
    from quantum_tasks.client import Client, Task

V = TypeVar("V", bound=TaskView)

Outcome = Result | QuantumTasksError


class BatchView(Generic[V]):
    """What a batch holds, whichever client it comes from."""

    def __init__(
        self, *, key: str, tasks: Mapping[int, V], errors: Mapping[int, QuantumTasksError]
    ) -> None:
        #: Submitting the same requests with it again finds the same tasks.
        self.key = key
        #: By the place of the request, in order.
        self.tasks = dict(tasks)
        #: Why there is no task, by the place of the request.
        self.errors = dict(errors)

    def __len__(self) -> int:
        return len(self.tasks) + len(self.errors)

    def __repr__(self) -> str:
        name = type(self).__name__
        return f"<{name} {self.key}: {len(self.tasks)} tasks, {len(self.errors)} errors>"

    def gather(self, timeout: float | None, policy: RetryPolicy) -> Program[None]:
        """Make the program that waits for the tasks."""
        many = {index: task.seen for index, task in self.tasks.items()}
        return gathering.gather(many, timeout=timeout, policy=policy)

    def take(self, gathered: gathering.Gathered) -> V:
        """Note how a task ended, and return it.

        Raises:
            QuantumTasksError: it cannot be waited for.
        """
        task = self.tasks[gathered.index]
        task.seen = gathered.seen
        if gathered.error is not None:
            raise gathered.error
        return task

    def outcome(self, gathered: gathering.Gathered) -> Outcome:
        """Note how a task ended, and return its result, or why there is none."""
        try:
            return waiting.result_of(self.take(gathered).data)
        except QuantumTasksError as exc:
            return exc


def ordered(found: Mapping[int, Outcome], errors: Literal["raise", "return"]) -> list[Outcome]:
    """Return outcomes in the order of the requests.

    Raises:
        QuantumTasksError: the first one of them, if they are to be raised.
    """
    outcomes = [found[index] for index in sorted(found)]
    if errors == "raise":
        for outcome in outcomes:
            if isinstance(outcome, QuantumTasksError):
                raise outcome
    return outcomes


class Batch(BatchView["Task"]):
    """The tasks of one `submit_many`. Each index of its requests is in `tasks` or in `errors`."""

    def __init__(
        self,
        *,
        key: str,
        tasks: Mapping[int, Task],
        errors: Mapping[int, QuantumTasksError],
        client: Client,
    ) -> None:
        super().__init__(key=key, tasks=tasks, errors=errors)
        self._client = client

    def as_completed(self, timeout: float | None = None) -> Iterator[Task]:
        """Give each task when it has ended, the earliest first.

        Raises:
            WaitTimeout: `timeout` seconds are over; the tasks go on.
            QuantumTasksError: a task cannot be waited for.
        """
        for gathered in self._gather(timeout):
            yield self.take(gathered)

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
        found: dict[int, Outcome] = dict(self.errors)
        for gathered in self._gather(timeout):
            found[gathered.index] = self.outcome(gathered)
        return ordered(found, errors)

    def cancel(self) -> Self:
        """Cancel all tasks that have not ended."""
        for task in self.tasks.values():
            if not task.ended:
                try:
                    task.cancel()
                except TaskAlreadyEnded:
                    task.refresh()
        return self

    def _gather(self, timeout: float | None) -> Iterator[gathering.Gathered]:
        return self._client.driver.iterate(self.gather(timeout, self._client.programs.policy))
