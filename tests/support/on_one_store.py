"""The service on a real store; time, queue and executor are in memory, and items can be corrupt."""

from __future__ import annotations

import copy
import functools
from collections.abc import Callable
from typing import TYPE_CHECKING, Any
from uuid import uuid4

from chalicelib import composition
from chalicelib.adapters.dynamodb.store import DynamoDbTaskStore
from chalicelib.composition import Service
from chalicelib.domain.message import Acknowledge, Delivery, Disposition, TaskMessage
from chalicelib.domain.task import Task
from chalicelib.use_cases.sweep import SweepReport
from tests.support.fakes import RecordingObserver, ScriptedExecutor, ports_in_memory
from tests.support.in_memory import FakeClock, InMemoryTaskQueue, a_task
from tools.backends import Backend

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

Item = dict[str, Any]
OWNER = "alice"
GRACE_SECONDS = 60.0
DAY_SECONDS = 86_400.0


@functools.cache
def _clients_of(backend: Backend) -> tuple[DynamoDBClient, DynamoDbTaskStore]:
    """Make what takes long to make once for a backend."""
    return backend.dynamodb(), DynamoDbTaskStore(backend.settings())


class OnOneStore:
    """One service; see the module."""

    def __init__(self, backend: Backend, **settings: Any) -> None:  # noqa: ANN401 - any setting
        self.backend = backend
        self.client, self.store = _clients_of(backend)
        self.clock = FakeClock()
        self.queue = InMemoryTaskQueue(self.clock)
        self.executor = ScriptedExecutor()
        self.observer = RecordingObserver()
        self.service: Service = composition.build(
            backend.settings(sweep_grace_seconds=GRACE_SECONDS, **settings),
            ports_in_memory(
                store=self.store,
                queue=self.queue,
                executor=self.executor,
                clock=self.clock,
                observer=self.observer,
            ),
        )

    def put(self, task_id: str | None = None) -> Task:
        """Store a task whose message is lost."""
        task = a_task(
            task_id or str(uuid4()),
            owner=OWNER,
            now=self.clock.now(),
            sweep_grace_seconds=GRACE_SECONDS,
        )
        self.store.create_if_absent(task)
        return task

    def item(self, task_id: str) -> Item:
        """Return the item as it lies there."""
        key = {"task_id": {"S": task_id}}
        answer = self.client.get_item(
            TableName=self.backend.table_name, Key=key, ConsistentRead=True
        )
        return copy.deepcopy(dict(answer["Item"]))

    def make_corrupt(self, task_id: str, change: Callable[[Item], object]) -> None:
        """Change an item behind the service's back."""
        item = self.item(task_id)
        change(item)
        self.client.put_item(TableName=self.backend.table_name, Item=item)

    def status(self, task_id: str) -> str | None:
        """Return the text that stands as its status."""
        text: str | None = self.item(task_id).get("status", {}).get("S")
        return text

    def sweep(self) -> SweepReport:
        """Run the sweeper once."""
        return self.service.sweep(seconds_left=lambda: 50.0)

    def deliver(self) -> list[Disposition]:
        """Hand to the worker what can be received, and delete what it is done with."""
        return [self._handle(delivery) for delivery in self.queue.receive()]

    def _handle(self, delivery: Delivery) -> Disposition:
        disposition = self.service.execute(delivery, seconds_left=lambda: 60.0)
        if isinstance(disposition, Acknowledge):
            self.queue.acknowledge([delivery.receipt_handle])
        return disposition

    def send(self, task: Task) -> None:
        """Send the task's message."""
        self.queue.send(
            TaskMessage(
                task_id=task.task_id,
                correlation_id=task.correlation_id,
                enqueued_at=self.clock.now(),
            )
        )
