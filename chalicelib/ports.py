"""What the use cases need from the world. The adapters provide it; tests provide it in memory."""

from __future__ import annotations

import enum
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Protocol

import msgspec

from chalicelib.domain.message import Delivery, TaskMessage
from chalicelib.domain.task import Task, TaskRequest, TaskResult
from chalicelib.domain.task_filter import Position, TaskFilter
from chalicelib.domain.transition import Transition
from chalicelib.domain.unreadable import StoredTask, TaskUnreadable
from chalicelib.domain.validation import Validation


class PutOutcome(enum.Enum):
    """How a conditional put ended."""

    #: The task was stored by this call.
    CREATED = enum.auto()
    #: The task was stored by this call, after an attempt of it was left in doubt; that attempt
    #: may still arrive, so deleting the task now would not be final.
    CREATED_AFTER_DOUBT = enum.auto()
    #: A task with this id existed. It may be one's own, from an attempt whose reply was lost.
    EXISTED = enum.auto()


class KeptCircuit(msgspec.Struct, frozen=True, kw_only=True):
    """Where a store has put a large circuit."""

    key: str
    pieces: int


class IndexPage(msgspec.Struct, frozen=True, kw_only=True):
    """A stretch of the index, newest first, without holes."""

    positions: Sequence[Position]
    #: There is nothing older in the index.
    is_last: bool


class Summaries(msgspec.Struct, frozen=True, kw_only=True):
    """Tasks read together. An id that is in none of these is not there."""

    #: Without circuits and results.
    tasks: Mapping[str, Task]
    #: Items of this owner that cannot be read.
    unreadable: frozenset[str] = frozenset()
    #: Not read now: the database was too busy.
    unprocessed: frozenset[str] = frozenset()


class TaskStore(Protocol):
    """Keeps tasks, one item each. Every write is conditional, every read by id is consistent.

    Every method may raise `StoreUnavailable`, which says whether the call is in doubt, and
    every write `StoreFull`. Every method that returns a task may raise `TaskUnreadable`,
    whatever its item holds.
    """

    def keep_circuit(self, task_id: str, circuit: str) -> KeptCircuit:
        """Store a large circuit before its task, which `create_if_absent` then refers to.

        A failure is never in doubt: nothing refers to what was stored of it.
        """

    def create_if_absent(self, task: Task, kept: KeptCircuit | None = None) -> PutOutcome:
        """Store a task unless its id is taken; its circuit too, unless it is kept already."""

    def get(self, task_id: str) -> Task | None:
        """Return the task, circuit and result included, or None if there is none."""

    def get_without_payloads(self, task_id: str) -> Task | None:
        """Return the task with an empty circuit and no result, in one read."""

    def apply(self, transition: Transition) -> Task:
        """Apply a transition in one conditional write and return the task after it.

        Its circuit is there after a claim and a cancel, and empty after the others; its result is
        left out.

        Raises:
            ConditionFailed: the task does not look as the condition demands.
            TaskUnreadable: the transition is applied, and the task cannot be read.
        """

    def apply_to_unreadable(self, transition: Transition, stored: StoredTask) -> None:
        """Apply a decision of `unreadable` to an item that cannot be read.

        What it is pinned to must be as it was seen, and of its condition the owner and the lease
        must hold; the history is added to if it is a list.

        Raises:
            ConditionFailed: the item has changed, or the condition does not hold.
        """

    def delete_if_pending(self, task_id: str) -> None:
        """Delete a task that has not been claimed, cancelled or abandoned.

        Raises:
            ConditionFailed: it is not pending, or not there.
        """

    def due(self, before: datetime, *, limit: int, implausible_after: datetime) -> Sequence[str]:
        """Return ids of open tasks that were due before this time, `limit` at most.

        Also of those that are due later than this service ever makes them, or at no time at all:
        their items are corrupt.

        The index behind it lags: a task may have moved on, so read each before acting. Which
        of many due tasks are returned varies between calls, so that none is always left out.
        """

    def tasks_of(
        self,
        owner: str,
        *,
        task_filter: TaskFilter,
        after: Position | None,
        limit: int,
        start_deadline: datetime,
    ) -> IndexPage:
        """Return places in the list of an owner's tasks, newest first, behind `after`.

        At most `limit` of each shard of the index, so up to a few times as many; fewer than there
        are only where `is_last` is False, and never none then. Of the filter only the times count.
        The index lags by about a second. No call begins after `start_deadline`; where one is still
        wanted then, the store is unavailable.
        """

    def get_summaries(self, owner: str, task_ids: Sequence[str]) -> Summaries:
        """Read up to 100 tasks at once, without circuits and results, each consistently."""

    def ping(self) -> None:
        """Raise `StoreUnavailable` unless the store answers."""


class TaskQueue(Protocol):
    """Carries task messages, at least once, in any order.

    Every method may raise `QueueUnavailable`, which says whether the call is in doubt.
    """

    def send(self, message: TaskMessage) -> str:
        """Send a message and return the id that the queue gave it."""

    def send_batch(self, messages: Sequence[TaskMessage]) -> Sequence[str | None]:
        """Send messages, ten at most, in one call.

        Return the id of each, and None for one that the queue did not take.
        """

    def redeliver(self, receipt_handle: str, *, visibility_timeout_seconds: int) -> None:
        """Keep a delivered message from being delivered again for this long."""

    def acknowledge(self, receipt_handles: Sequence[str]) -> None:
        """Delete delivered messages, ten at most."""

    def ping(self) -> None:
        """Raise `QueueUnavailable` unless the queue answers."""


class Executor(Protocol):
    """Runs circuits."""

    def execute(self, request: TaskRequest, *, time_limit_seconds: float) -> TaskResult:
        """Run the circuit and return its counts.

        Raises:
            PermanentExecutionError: it would fail again.
            TransientExecutionError: it may succeed later; also when the time limit was reached.
        """


class Validator(Protocol):
    """Checks circuits without running them."""

    def validate(self, request: TaskRequest) -> Validation:
        """Return what is known of the circuit, in bounded time; it never raises for the text."""


class Clock(Protocol):
    """Tells the time."""

    def now(self) -> datetime:
        """Return the time as aware UTC."""

    def sleep(self, seconds: float) -> None:
        """Let so much time pass."""


class Observer(Protocol):
    """Is told what happens, for logs and metrics. It never raises and decides nothing."""

    def transitioned(self, task: Task) -> None:
        """A task was stored, or a transition applied; the task is as it is afterwards."""

    def replayed(self, task: Task) -> None:
        """A submission was answered with a task that existed."""

    def removed(self, task: Task) -> None:
        """A submission was withdrawn since its message could not be sent."""

    def published(self, message: TaskMessage, *, message_id: str) -> None:
        """A message was sent."""

    def consumed(self, delivery: Delivery) -> None:
        """A delivery was taken up."""

    def acknowledged(self, delivery: Delivery, *, reason: str) -> None:
        """A delivery was done with."""

    def redelivered(self, delivery: Delivery, *, reason: str, delay_seconds: int | None) -> None:
        """A delivery failed; its message comes back after being hidden for this long."""

    def unreadable(self, error: TaskUnreadable) -> None:
        """A task's item cannot be read."""

    def unknown_task(self, delivery: Delivery) -> None:
        """A message came for a task that does not exist."""

    def problem(self, operation: str, error: Exception, *, task_ids: Iterable[str] = ()) -> None:
        """Something went wrong that a person may have to know of."""
