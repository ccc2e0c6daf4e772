"""Store, queue and clock in memory, the ports' simplest true implementations; small valid tasks.

The contract suite holds store and queue to the same behaviour as DynamoDB and SQS.
"""

from __future__ import annotations

import dataclasses
import itertools
import threading
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from msgspec import structs

from chalicelib.domain import lifecycle
from chalicelib.domain.message import Delivery, TaskMessage
from chalicelib.domain.task import Task, TaskEvent, TaskRequest, TaskResult, TaskStatus
from chalicelib.domain.task_filter import Position, TaskFilter
from chalicelib.domain.transition import Transition
from chalicelib.domain.unreadable import PINNED, StoredTask
from chalicelib.errors import ConditionFailed
from chalicelib.ports import IndexPage, KeptCircuit, PutOutcome, Summaries
from tests.support.corrupting import Corrupt, how_corrupt, readable, stored_of

T0: Final = datetime(2026, 1, 1, 12, 0, 0, 1, tzinfo=UTC)


class FakeClock:
    """A clock that a test moves."""

    def __init__(self, now: datetime = T0) -> None:
        self._now = now

    def now(self) -> datetime:
        """Return the time that the test has set."""
        return self._now

    def advance(self, seconds: float) -> None:
        """Let time pass, or run backwards."""
        self._now += timedelta(seconds=seconds)

    #: Who waits lets time pass, too.
    sleep = advance


def without_payloads(task: Task) -> Task:
    """Return the task with an empty circuit and no result."""
    request = structs.replace(task.request, circuit="")
    return structs.replace(task, request=request, result=None)


class InMemoryTaskStore:
    """Keeps tasks in a dictionary (`TaskStore`)."""

    #: What `apply_to_unreadable` compares with what was seen.
    pinned: tuple[str, ...] = PINNED

    def __init__(self) -> None:
        self.tasks: dict[str, Task] = {}
        self._lock = threading.Lock()

    def keep_circuit(self, task_id: str, circuit: str) -> KeptCircuit:
        """See `TaskStore`."""
        return KeptCircuit(key=f"{task_id}#circuit#{len(circuit)}", pieces=1)

    def create_if_absent(self, task: Task, kept: KeptCircuit | None = None) -> PutOutcome:
        """See `TaskStore`."""
        with self._lock:
            if task.task_id in self.tasks:
                return PutOutcome.EXISTED
            self.tasks[task.task_id] = task
            return PutOutcome.CREATED

    def get(self, task_id: str) -> Task | None:
        """See `TaskStore`."""
        task = self.tasks.get(task_id)
        return None if task is None else readable(task, payloads=True)

    def get_without_payloads(self, task_id: str) -> Task | None:
        """See `TaskStore`."""
        task = self.tasks.get(task_id)
        return None if task is None else without_payloads(readable(task, payloads=False))

    def apply(self, transition: Transition) -> Task:
        """See `TaskStore`."""
        needed = transition.event in {TaskEvent.CLAIM, TaskEvent.CANCEL}
        with self._lock:
            task = self.tasks.get(transition.task_id)
            if (
                task is None
                or how_corrupt(task) is Corrupt.STATUS
                or not transition.condition.holds_for(task)
            ):
                raise ConditionFailed
            changed = lifecycle.after(task, transition)
            self.tasks[task.task_id] = changed
            read = readable(changed, payloads=needed, applied=True)
            return structs.replace(read if needed else without_payloads(read), result=None)

    def apply_to_unreadable(self, transition: Transition, stored: StoredTask) -> None:
        """See `TaskStore`."""
        condition = transition.condition
        with self._lock:
            task = self.tasks.get(stored.task_id)
            if task is None:
                raise ConditionFailed
            now = {name: getattr(stored_of(task), name) for name in self.pinned}
            lease_at = condition.no_live_lease_at
            if (
                now != {name: getattr(stored, name) for name in self.pinned}
                or condition.owner not in (None, task.owner)
                or (lease_at is not None and lifecycle.has_live_lease(task, lease_at))
            ):
                raise ConditionFailed
            self.tasks[task.task_id] = lifecycle.after(task, transition)

    def delete_if_pending(self, task_id: str) -> None:
        """See `TaskStore`."""
        task = self.tasks.get(task_id)
        if task is None or task.status is not TaskStatus.PENDING:
            raise ConditionFailed
        del self.tasks[task_id]

    def due(self, before: datetime, *, limit: int, implausible_after: datetime) -> Sequence[str]:
        """See `TaskStore`."""
        due = [
            task
            for task in self.tasks.values()
            if task.due_at is not None and not before < task.due_at <= implausible_after
        ]
        return [task.task_id for task in due[:limit]]

    def tasks_of(
        self,
        owner: str,
        *,
        task_filter: TaskFilter,
        after: Position | None,
        limit: int,
        start_deadline: datetime,
    ) -> IndexPage:
        """See `TaskStore`."""
        del start_deadline  # memory is never slow
        low, high = task_filter.submitted_after, task_filter.submitted_before
        positions = sorted(
            (
                Position(submitted_at=task.submitted_at.isoformat(), task_id=task.task_id)
                for task in self.tasks.values()
                if task.owner == owner
                and (low is None or task.submitted_at >= low)
                and (high is None or task.submitted_at < high)
            ),
            reverse=True,
        )
        behind = [p for p in positions if after is None or p < after]
        return IndexPage(positions=behind[:limit], is_last=len(behind) <= limit)

    def get_summaries(self, owner: str, task_ids: Sequence[str]) -> Summaries:
        """See `TaskStore`."""
        found = {task_id: self.tasks[task_id] for task_id in task_ids if task_id in self.tasks}
        return Summaries(tasks={i: without_payloads(task) for i, task in found.items()})

    def ping(self) -> None:
        """See `TaskStore`."""


@dataclasses.dataclass(slots=True)
class _Message:
    body: TaskMessage
    message_id: str
    visible_at: datetime
    receive_count: int = 0
    receipt_handle: str = ""


class InMemoryTaskQueue:
    """Keeps messages in a list, with visibility timeouts and receive counts (`TaskQueue`)."""

    def __init__(self, clock: FakeClock, *, visibility_timeout_seconds: float = 60) -> None:
        self._clock = clock
        self._visibility = timedelta(seconds=visibility_timeout_seconds)
        self._numbers = itertools.count(1)
        self.messages: list[_Message] = []

    def send(self, message: TaskMessage) -> str:
        """See `TaskQueue`."""
        message_id = f"message-{next(self._numbers)}"
        self.messages.append(_Message(message, message_id, self._clock.now()))
        return message_id

    def send_batch(self, messages: Sequence[TaskMessage]) -> Sequence[str | None]:
        """See `TaskQueue`."""
        return [self.send(message) for message in messages]

    def receive(self, limit: int = 10) -> list[Delivery]:
        """Deliver what is visible, as SQS does to Lambda."""
        now = self._clock.now()
        deliveries = []
        for message in [m for m in self.messages if m.visible_at <= now][:limit]:
            message.receive_count += 1
            message.visible_at = now + self._visibility
            message.receipt_handle = f"receipt-{next(self._numbers)}"
            deliveries.append(
                Delivery(
                    message=TaskMessage.from_json(message.body.to_json()),
                    message_id=message.message_id,
                    receipt_handle=message.receipt_handle,
                    receive_count=message.receive_count,
                )
            )
        return deliveries

    def redeliver(self, receipt_handle: str, *, visibility_timeout_seconds: int) -> None:
        """See `TaskQueue`."""
        for message in self.messages:
            if message.receipt_handle == receipt_handle:
                hidden = timedelta(seconds=visibility_timeout_seconds)
                message.visible_at = self._clock.now() + hidden

    def acknowledge(self, receipt_handles: Sequence[str]) -> None:
        """See `TaskQueue`."""
        self.messages = [m for m in self.messages if m.receipt_handle not in receipt_handles]

    def ping(self) -> None:
        """See `TaskQueue`."""


def a_request(
    circuit: str = "OPENQASM 3.0;",
    *,
    shots: int = 8,
    tags: dict[str, str] | None = None,
    **optional: Any,  # noqa: ANN401 - any field that has a default
) -> TaskRequest:
    """Return a small valid request."""
    return TaskRequest(circuit=circuit, shots=shots, tags=tags or {}, **optional)


def a_result(shots: int = 8) -> TaskResult:
    """Return a small valid result."""
    return TaskResult(counts={"0": shots}, shots=shots, executor="t", executor_version="1", seed=1)


def a_task(
    task_id: str = "00000000-0000-4000-8000-000000000001",
    *,
    request: TaskRequest | None = None,
    owner: str = "local",
    now: datetime = T0,
    sweep_grace_seconds: float = 900,
) -> Task:
    """Return a task as it is first stored."""
    return lifecycle.submit(
        request or a_request(),
        task_id=task_id,
        owner=owner,
        correlation_id="correlation-1",
        now=now,
        sweep_grace_seconds=sweep_grace_seconds,
    )
