"""The store on DynamoDB: one item per task, one conditional write per transition."""

from __future__ import annotations

import contextlib
import functools
import hashlib
import operator
import random
from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final

from pynamodb.connection import TableConnection
from pynamodb.connection.base import MetaTable
from pynamodb.exceptions import DoesNotExist
from pynamodb.expressions.condition import Condition as Clause
from pynamodb.expressions.update import Action

from chalicelib.adapters.aws_calls import AwsCalls
from chalicelib.adapters.aws_clients import make_client
from chalicelib.adapters.dynamodb.items import (
    SideItem,
    TaskItem,
    history_item,
    new_item_values,
    open_shards,
    optional,
    to_task,
)
from chalicelib.domain import payloads
from chalicelib.domain.task import Task, TaskEvent, TaskResult, TaskStatus
from chalicelib.domain.transition import Condition, Transition
from chalicelib.errors import ConditionFailed, StoreFull, StoreUnavailable
from chalicelib.ports import PutOutcome
from chalicelib.settings import Settings

#: A packed circuit or result above this goes to an item of its own, so that every transition
#: stays at one or two write units: each KB in the task's item costs one unit per transition.
INLINE_BYTES_MAX: Final = 2048

#: After these the caller needs the circuit; after the others it is not read from a side item.
_NEEDS_CIRCUIT: Final = frozenset({TaskEvent.CLAIM, TaskEvent.CANCEL})
_PING_KEY: Final = "ping"


class DynamoDbTaskStore:
    """Keeps tasks in one DynamoDB table (`TaskStore`)."""

    def __init__(self, settings: Settings) -> None:
        """Make the one client that both kinds of item share, with its timeouts and its pool."""
        connection = TableConnection(
            settings.tasks_table_name,
            meta_table=MetaTable(_table_description(settings.tasks_table_name)),
        )
        self.client = make_client(
            "dynamodb",
            connect_timeout_seconds=settings.database_connect_timeout_seconds,
            read_timeout_seconds=settings.database_read_timeout_seconds,
            attempts_max=settings.database_attempts_max,
            pool_connections_max=settings.database_pool_connections_max,
        )
        # PynamoDB would make one of its own, from a session of its own.
        connection.connection._client = self.client  # noqa: SLF001 - there is no other way
        meta = type("Meta", (), {"table_name": settings.tasks_table_name})
        attributes: dict[str, Any] = {"Meta": meta, "_connection": connection}
        self._connection = connection
        self._tasks: type[TaskItem] = type("TaskItem", (TaskItem,), attributes)
        self._sides: type[SideItem] = type("SideItem", (SideItem,), attributes)
        self._calls = AwsCalls(self.client, service="dynamodb", slow_call_ms=settings.slow_call_ms)

    def create_if_absent(self, task: Task) -> PutOutcome:
        """See `TaskStore`. A large circuit is written first: what refers to it comes after it."""
        values = new_item_values(task)
        packed = payloads.pack(task.request.circuit)
        payloads.check_packed_size("circuit", packed)
        if len(packed) > INLINE_BYTES_MAX:
            values["circuit_ref"] = self._put_circuit(task.task_id, packed)
        else:
            values["circuit"] = packed
        item = self._tasks(**values)
        try:
            with self._calls.failing_as(StoreUnavailable):
                item.save(condition=TaskItem.task_id.does_not_exist())
        except ConditionFailed:
            return PutOutcome.EXISTED
        if self._calls.succeeded_after_doubt():
            return PutOutcome.CREATED_AFTER_DOUBT
        return PutOutcome.CREATED

    def get(self, task_id: str) -> Task | None:
        """See `TaskStore`."""
        try:
            with self._calls.failing_as(StoreUnavailable):
                item = self._tasks.get(task_id, consistent_read=True)
        except DoesNotExist:
            return None
        return self._to_task(item, with_circuit=True, with_result=True)

    def apply(self, transition: Transition) -> Task:
        """See `TaskStore`. The circuit is empty if it has its own item and no caller needs it."""
        item = self._tasks(transition.task_id)
        actions = _actions(transition)
        if transition.result is not None:
            actions.append(self._put_result(transition, transition.result))
        with self._calls.failing_as(StoreUnavailable):
            item.update(actions=actions, condition=_clauses(transition.condition))
        try:
            return self._to_task(
                item, with_circuit=transition.event in _NEEDS_CIRCUIT, with_result=False
            )
        except StoreUnavailable as exc:
            # The circuit could not be read, but the transition is applied.
            raise StoreUnavailable(in_doubt=True) from exc

    def delete_if_pending(self, task_id: str) -> None:
        """See `TaskStore`. The task goes first, then what it referred to."""
        pending = TaskItem.status == TaskStatus.PENDING.value
        with self._calls.failing_as(StoreUnavailable):
            deleted = self._connection.delete_item(
                task_id, condition=pending, return_values="ALL_OLD"
            )
        reference = deleted.get("Attributes", {}).get("circuit_ref")
        if reference:
            self._delete_orphan(task_id, reference["S"])

    def due(self, before: datetime, *, limit: int) -> Sequence[str]:
        """See `TaskStore`. The shards are read in a random order."""
        found: list[str] = []
        shards = open_shards()
        for shard in random.sample(shards, len(shards)):
            if len(found) >= limit:
                break
            with self._calls.failing_as(StoreUnavailable):
                found.extend(
                    item.task_id
                    for item in self._tasks.open_tasks.query(
                        shard, TaskItem.due_at <= before, limit=limit - len(found)
                    )
                )
        return found

    def ping(self) -> None:
        """See `TaskStore`. Reads a key that nobody has."""
        with self._calls.failing_as(StoreUnavailable):
            self._connection.get_item(_PING_KEY)

    def _put_circuit(self, task_id: str, packed: bytes) -> str:
        """Store a circuit under its content, so that another request's is never overwritten."""
        reference = f"{task_id}#circuit#{hashlib.sha256(packed).hexdigest()}"
        try:
            with self._calls.failing_as(StoreUnavailable):
                self._sides(reference, payload=packed).save()
        except StoreUnavailable as exc:
            # Whatever became of it, nothing refers to it: the task was not put.
            raise StoreUnavailable(in_doubt=False) from exc
        return reference

    def _put_result(self, transition: Transition, result: TaskResult) -> Action:
        packed = payloads.pack(payloads.result_to_json(result))
        payloads.check_packed_size("result", packed)
        if len(packed) <= INLINE_BYTES_MAX:
            return TaskItem.result.set(packed)
        reference = f"{transition.task_id}#result#{transition.condition.attempt}"
        with self._calls.failing_as(StoreUnavailable):
            self._sides(reference, payload=packed).save()
        return TaskItem.result_ref.set(reference)

    def _delete_orphan(self, task_id: str, reference: str) -> None:
        """Delete a circuit that nothing refers to any more; what remains of it harms nobody."""
        assert reference.startswith(task_id)  # noqa: S101 - a guard against deleting another's
        # What fails is in the log, and must not be taken for a failure to delete the task.
        ignored = contextlib.suppress(StoreUnavailable, StoreFull)
        with ignored, self._calls.failing_as(StoreUnavailable):
            self._connection.delete_item(reference)

    def _to_task(self, item: TaskItem, *, with_circuit: bool, with_result: bool) -> Task:
        circuit, circuit_ref = optional(item.circuit), optional(item.circuit_ref)
        if circuit is None and circuit_ref is not None and with_circuit:
            circuit = self._get_side(circuit_ref)
        result, result_ref = optional(item.result), optional(item.result_ref)
        if result is None and result_ref is not None and with_result:
            result = self._get_side(result_ref)
        return to_task(
            item,
            circuit="" if circuit is None else payloads.unpack(circuit),
            result=None if result is None else payloads.unpack(result),
        )

    def _get_side(self, reference: str) -> bytes:
        with self._calls.failing_as(StoreUnavailable):
            return self._sides.get(reference, consistent_read=True).payload


def _clauses(condition: Condition) -> Clause:
    """Say in DynamoDB's language what `Condition.holds_for` says in Python."""
    clauses: list[Clause] = [TaskItem.status.is_in(*sorted(condition.statuses))]
    if condition.owner is not None:
        clauses.append(TaskItem.owner == condition.owner)
    if condition.attempt is not None:
        clauses.append(TaskItem.attempt == condition.attempt)
    if condition.attempt_below is not None:
        clauses.append(TaskItem.attempt < condition.attempt_below)
    if condition.lease_holder is not None:
        clauses.append(TaskItem.lease_owner == condition.lease_holder)
    if condition.no_live_lease_at is not None:
        expires_at = TaskItem.lease_expires_at
        clauses.append(expires_at.does_not_exist() | (expires_at <= condition.no_live_lease_at))
    if condition.sweeps is not None:
        clauses.append(TaskItem.sweeps == condition.sweeps)
    return functools.reduce(operator.and_, clauses)


def _actions(transition: Transition) -> list[Action]:
    """Say in DynamoDB's language what `lifecycle.after` says in Python, the result excepted."""
    if transition.event is TaskEvent.POSTPONE:
        return _move_due_at(transition)
    actions: list[Action] = [
        TaskItem.status.set(transition.status.value),
        TaskItem.history.set(TaskItem.history.append([history_item(transition.entry)])),
    ]
    if transition.event is TaskEvent.SWEEP:
        actions.append(TaskItem.sweeps.set(TaskItem.sweeps + 1))
    elif transition.lease is None:
        actions += [TaskItem.lease_owner.remove(), TaskItem.lease_expires_at.remove()]
    else:
        actions += [
            TaskItem.attempt.set(TaskItem.attempt + 1),
            TaskItem.started_at.set(TaskItem.started_at | transition.at),
            TaskItem.lease_owner.set(transition.lease.holder),
            TaskItem.lease_expires_at.set(transition.lease.expires_at),
        ]
    if transition.error_message is not None:
        actions.append(TaskItem.error_message.set(transition.error_message))
    if transition.status.is_terminal:
        actions += [
            TaskItem.completed_at.set(transition.at),
            TaskItem.open_shard.remove(),
            TaskItem.due_at.remove(),
        ]
    else:
        actions += _move_due_at(transition)
    return actions


def _move_due_at(transition: Transition) -> list[Action]:
    return [] if transition.due_at is None else [TaskItem.due_at.set(transition.due_at)]


def _table_description(table_name: str) -> dict[str, Any]:
    """Describe the table as far as PynamoDB asks, so that it need not ask DynamoDB."""
    return {
        "TableName": table_name,
        "KeySchema": [{"AttributeName": "task_id", "KeyType": "HASH"}],
        "AttributeDefinitions": [
            {"AttributeName": name, "AttributeType": "S"}
            for name in ("task_id", "open_shard", "due_at", "owner_shard", "submitted_at")
        ],
        "GlobalSecondaryIndexes": [
            {
                "IndexName": index,
                "KeySchema": [
                    {"AttributeName": hash_key, "KeyType": "HASH"},
                    {"AttributeName": range_key, "KeyType": "RANGE"},
                ],
            }
            for index, hash_key, range_key in (
                ("open_tasks", "open_shard", "due_at"),
                ("tasks_by_owner", "owner_shard", "submitted_at"),
            )
        ],
    }
