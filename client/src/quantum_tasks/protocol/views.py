"""What a task and a batch show, whichever client they come from. Nothing here asks the service."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Generic, Literal, TypeVar

from quantum_tasks.errors import QuantumTasksError
from quantum_tasks.protocol.calls import Seen
from quantum_tasks.protocol.watching import Change
from quantum_tasks.values.result import Result
from quantum_tasks.values.task import HistoryEntry, TaskData, Usage, result_of

T = TypeVar("T")
V = TypeVar("V", bound="TaskView")


class _Shown(Generic[T]):
    """A field of the task's data."""

    def __set_name__(self, owner: type, name: str) -> None:
        self._name = name

    def __get__(self, view: TaskView, owner: type) -> T:
        value: T = getattr(view.data, self._name)
        return value


class TaskView:
    """A task as it was seen last."""

    #: The id by which the service knows the task.
    id = _Shown[str]()
    #: `pending`, `processing`, `completed`, `failed` or `cancelled`; newer ones may come.
    status = _Shown[str]()
    #: Whether the task has ended, in whichever way.
    ended = _Shown[bool]()
    #: All transitions, the first one first; empty until the whole task was read.
    history = _Shown[tuple[HistoryEntry, ...]]()
    #: What the task took so far.
    usage = _Shown[Usage]()
    #: What names the submission in the service's log.
    correlation_id = _Shown[str | None]()
    #: The circuit's text; None until the whole task was read.
    circuit = _Shown[str | None]()
    #: How often the circuit is executed; None until the whole task was read.
    shots = _Shown[int | None]()
    #: The tags given at submission.
    tags = _Shown[Mapping[str, str]]()
    #: When the service took the task.
    submitted_at = _Shown[datetime | None]()
    #: Why the task failed.
    error_message = _Shown[str | None]()
    #: Whether the submission found a task that was there before.
    replayed = _Shown[bool]()
    #: The service's own JSON document.
    document = _Shown[Mapping[str, Any]]()

    def __init__(self, seen: Seen) -> None:
        #: What the next request needs.
        self.seen = seen

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.id} {self.status}>"

    @property
    def data(self) -> TaskData:
        """All that is known, as a value."""
        return self.seen.data


class BatchView(Generic[V]):
    """What a batch holds."""

    def __init__(
        self, *, key: str, tasks: Mapping[int, V], errors: Mapping[int, QuantumTasksError]
    ) -> None:
        #: Submitting the same requests with it again finds the same tasks.
        self.key = key
        #: By the place of the request, in order.
        self.tasks = dict(sorted(tasks.items()))
        #: Why there is no task, by the place of the request.
        self.errors = dict(errors)

    def __len__(self) -> int:
        return len(self.tasks) + len(self.errors)

    def __repr__(self) -> str:
        name = type(self).__name__
        return f"<{name} {self.key}: {len(self.tasks)} tasks, {len(self.errors)} errors>"

    def seen(self) -> dict[int, Seen]:
        """Return the tasks as they were seen last."""
        return {index: task.seen for index, task in self.tasks.items()}

    def take(self, change: Change) -> V:
        """Note a change of a task, and return it."""
        task = self.tasks[change.index]
        task.seen = change.seen
        return task

    def result_or_error(self, change: Change) -> Result | QuantumTasksError:
        """Return the result of a task that has ended, or why there is none."""
        try:
            return result_of(change.seen.data) if change.error is None else change.error
        except QuantumTasksError as exc:
            return exc


def in_order(
    found: Mapping[int, Result | QuantumTasksError], errors: Literal["raise", "return"]
) -> list[Any]:
    """Return results, and errors in the place of others, in the order of the requests.

    Raises:
        QuantumTasksError: the first one of them, if they are to be raised.
    """
    results = [found[index] for index in sorted(found)]
    if errors == "raise":
        for result in results:
            if isinstance(result, QuantumTasksError):
                raise result
    return results
