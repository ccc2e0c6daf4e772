"""The store on DynamoDB: one item per task, one conditional write per transition."""

from __future__ import annotations

import contextlib
import functools
import hashlib
import random
from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final

from pynamodb.connection import TableConnection
from pynamodb.connection.base import MetaTable
from pynamodb.expressions.condition import Condition as Clause
from pynamodb.expressions.update import Action

from chalicelib.adapters.aws_calls import AwsCalls
from chalicelib.adapters.aws_clients import make_client
from chalicelib.adapters.dynamodb import decoding, expressions, listing
from chalicelib.adapters.dynamodb.decoding import Raw
from chalicelib.adapters.dynamodb.items import SideItem, TaskItem, new_item_values, open_shards
from chalicelib.domain import payloads
from chalicelib.domain.listing import IndexPage, Position, Summaries, TaskFilter
from chalicelib.domain.task import Task, TaskEvent, TaskResult, TaskStatus
from chalicelib.domain.transition import Transition
from chalicelib.domain.unreadable import StoredTask, TaskUnreadable
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
        self._table_name = settings.tasks_table_name
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
        raw = self._read(task_id)
        return None if raw is None else self._to_task(task_id, raw, circuit=True, result=True)

    def get_without_payloads(self, task_id: str) -> Task | None:
        """See `TaskStore`."""
        raw = self._read(task_id)
        return None if raw is None else self._to_task(task_id, raw)

    def apply(self, transition: Transition) -> Task:
        """See `TaskStore`."""
        task_id = transition.task_id
        actions = expressions.actions(transition)
        if transition.result is not None:
            actions.append(self._put_result(transition, transition.result))
        condition = expressions.clauses(transition.condition)
        with self._calls.failing_as(StoreUnavailable):
            answer = self._connection.update_item(
                task_id, actions=actions, condition=condition, return_values="ALL_NEW"
            )
        needed = transition.event in _NEEDS_CIRCUIT
        try:
            return self._to_task(task_id, answer["Attributes"], circuit=needed, applied=True)
        except StoreUnavailable as exc:
            # The circuit could not be read, but the transition is applied.
            raise StoreUnavailable(in_doubt=True) from exc

    def apply_unread(self, transition: Transition, seen: StoredTask) -> None:
        """See `TaskStore`."""
        with self._calls.failing_as(StoreUnavailable):
            self._connection.update_item(
                seen.task_id,
                actions=expressions.actions_unread(transition, seen.raw),
                condition=expressions.clauses_unread(transition.condition, seen.raw),
            )

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

    def due(self, before: datetime, *, limit: int, implausible_after: datetime) -> Sequence[str]:
        """See `TaskStore`. The shards are read in a random order, and their keys as texts."""
        found: list[str] = []
        shards = open_shards()
        for shard in random.sample(shards, len(shards)):
            for condition in (
                expressions.time(before) >= expressions.DUE_AT,
                expressions.time(implausible_after) < expressions.DUE_AT,
            ):
                found += self._open_tasks(shard, condition, limit - len(found))
        return found

    def _open_tasks(self, shard: str, condition: Clause, limit: int) -> Sequence[str]:
        """Read one shard of the index of open tasks."""
        found: list[str] = []
        start: Raw | None = None
        while len(found) < limit:
            with self._calls.failing_as(StoreUnavailable):
                page = self._connection.query(
                    shard,
                    range_key_condition=condition,
                    exclusive_start_key=start,
                    index_name="open_tasks",
                    limit=limit - len(found),
                )
            found += [item["task_id"]["S"] for item in page["Items"]]
            start = page.get("LastEvaluatedKey")
            if start is None:
                break
        return found

    def tasks_of(
        self, owner: str, *, task_filter: TaskFilter, after: Position | None, limit: int
    ) -> IndexPage:
        """See `TaskStore`."""
        with self._calls.failing_as(StoreUnavailable):
            query = functools.partial(self.client.query, TableName=self._table_name)
            return listing.read_index(
                query, owner, task_filter=task_filter, after=after, limit=limit
            )

    def get_summaries(self, owner: str, task_ids: Sequence[str]) -> Summaries:
        """See `TaskStore`."""
        with self._calls.failing_as(StoreUnavailable):
            items, unprocessed = listing.read_summaries(
                self.client.batch_get_item, self._table_name, task_ids
            )
        tasks: dict[str, Task] = {}
        unreadable: set[str] = set()
        for task_id, raw in items.items():
            if raw.get("owner") != {"S": owner}:
                continue
            try:
                tasks[task_id] = self._to_task(task_id, raw)
            except TaskUnreadable:
                unreadable.add(task_id)
        return Summaries(tasks=tasks, unreadable=frozenset(unreadable), unprocessed=unprocessed)

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

    def _read(self, task_id: str) -> Raw | None:
        with self._calls.failing_as(StoreUnavailable):
            answer = self._connection.get_item(task_id, consistent_read=True)
        raw: Raw | None = answer.get("Item")
        return raw

    def _to_task(
        self,
        task_id: str,
        raw: Raw,
        *,
        circuit: bool = False,
        result: bool = False,
        applied: bool = False,
    ) -> Task:
        """Decode an item, with what is asked for of circuit and result.

        Raises:
            TaskUnreadable: whatever it holds.
        """
        try:
            return decoding.with_payloads(
                decoding.to_task(raw),
                circuit=self._payload(raw, "circuit", is_needed=True) if circuit else None,
                result=self._payload(raw, "result", is_needed=False) if result else None,
            )
        except StoreUnavailable:
            raise
        except Exception as exc:  # whatever an item holds, it is this one's matter only
            seen = decoding.seen(task_id, raw, exc)
            raise TaskUnreadable(seen, applied=applied) from exc

    def _payload(self, raw: Raw, name: str, *, is_needed: bool) -> bytes | None:
        """Return what is packed in an attribute, or in the item that is referred to."""
        if name in raw:
            packed: bytes = raw[name]["B"]
            return packed
        reference = raw.get(f"{name}_ref")
        if reference is None:
            if is_needed:
                message = f"its {name} is missing"
                raise ValueError(message)
            return None
        side = self._read(reference["S"]) or {}
        if "B" not in side.get("payload", {}):
            message = f"its {name} cannot be read: {reference['S']} is missing"
            raise ValueError(message)
        found: bytes = side["payload"]["B"]
        return found


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
