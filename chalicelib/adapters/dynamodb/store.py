"""The store on DynamoDB: one item per task, one conditional write per transition."""

from __future__ import annotations

import functools
import random
from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Final

from pynamodb.connection import TableConnection
from pynamodb.connection.base import MetaTable
from pynamodb.expressions.condition import Condition as Clause
from pynamodb.expressions.update import Action

from chalicelib.adapters.aws_calls import AwsCalls
from chalicelib.adapters.aws_clients import make_client
from chalicelib.adapters.clock import SystemClock
from chalicelib.adapters.dynamodb import decoding, expressions, index_reader
from chalicelib.adapters.dynamodb.decoding import Raw
from chalicelib.adapters.dynamodb.items import (
    TaskItem,
    new_item_values,
    open_shards,
    table_description,
)
from chalicelib.adapters.dynamodb.side_items import SideItems, reference_in
from chalicelib.domain import payloads
from chalicelib.domain.task import Task, TaskEvent, TaskResult, TaskStatus
from chalicelib.domain.task_filter import Position, TaskFilter
from chalicelib.domain.transition import Transition
from chalicelib.domain.unreadable import StoredTask, TaskUnreadable
from chalicelib.errors import ConditionFailed, StoreUnavailable
from chalicelib.ports import IndexPage, KeptCircuit, PutOutcome, Summaries
from chalicelib.settings import Settings

#: A packed circuit or result above this goes to an item of its own, so that every transition
#: stays at one or two write units: each KB in the task's item costs one unit per transition.
INLINE_BYTES_MAX: Final = 2048

#: After these the caller needs the circuit; after the others it is not read from a side item.
_NEEDS_CIRCUIT: Final = frozenset({TaskEvent.CLAIM, TaskEvent.CANCEL})
_PING_KEY: Final = "ping"
_NOW: Final = SystemClock().now


class DynamoDbTaskStore:
    """Keeps tasks in one DynamoDB table (`TaskStore`)."""

    def __init__(
        self,
        settings: Settings,
        *,
        piece_bytes: int = payloads.PACKED_BYTES_MAX,
        now: Callable[[], datetime] = _NOW,
    ) -> None:
        """Make the one client that both kinds of item share, with its timeouts and its pool."""
        table_name = settings.tasks_table_name or settings.resource_name
        description = MetaTable(table_description(table_name))
        connection = TableConnection(table_name, meta_table=description)
        self.client = make_client(
            "dynamodb",
            connect_timeout_seconds=settings.database_connect_timeout_seconds,
            read_timeout_seconds=settings.database_read_timeout_seconds,
            pool_connections_max=settings.database_pool_connections_max,
        )
        # PynamoDB would make one of its own, from a session of its own.
        connection.connection._client = self.client  # noqa: SLF001 - there is no other way
        meta = type("Meta", (), {"table_name": table_name})
        self._connection = connection
        self._table_name = table_name
        self._now = now
        self._tasks: type[TaskItem] = type(
            "TaskItem", (TaskItem,), {"Meta": meta, "_connection": connection}
        )
        self._calls = AwsCalls(
            self.client,
            service="dynamodb",
            slow_call_ms=settings.slow_call_ms,
            attempts_max=settings.database_attempts_max,
        )
        self._sides = SideItems(
            self.client,
            self._calls,
            table_name=table_name,
            at_once=settings.database_pieces_at_once,
            call_seconds_max=settings.database_call_seconds_max,
            piece_bytes=piece_bytes,
            now=now,
        )

    def keep_circuit(self, task_id: str, circuit: str) -> KeptCircuit:
        """See `TaskStore`."""
        return self._keep(task_id, payloads.pack(circuit))

    def create_if_absent(self, task: Task, kept: KeptCircuit | None = None) -> PutOutcome:
        """See `TaskStore`. A large circuit is written first: what refers to it comes after it."""
        values = new_item_values(task)
        if kept is None:
            packed = payloads.pack(payloads.circuit_to_text(task.request))
            if len(packed) <= INLINE_BYTES_MAX:
                values["circuit"] = packed
            else:
                kept = self._keep(task.task_id, packed)
        if kept is not None:
            values["circuit_ref"] = kept.key
            if kept.pieces > 1:
                values["circuit_pieces"] = kept.pieces
                values["schema_version"] = max(task.schema_version, payloads.SCHEMA_WITH_PIECES)
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
            actions += self._put_result(transition, transition.result)
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

    def apply_to_unreadable(self, transition: Transition, stored: StoredTask) -> None:
        """See `TaskStore`."""
        with self._calls.failing_as(StoreUnavailable):
            self._connection.update_item(
                stored.task_id,
                actions=expressions.actions_for_unreadable(transition, stored.raw),
                condition=expressions.clauses_for_unreadable(transition.condition, stored.raw),
            )

    def delete_if_pending(self, task_id: str) -> None:
        """See `TaskStore`. The task goes first, then what it referred to."""
        pending = TaskItem.status == TaskStatus.PENDING.value
        with self._calls.failing_as(StoreUnavailable):
            deleted = self._connection.delete_item(
                task_id, condition=pending, return_values="ALL_OLD"
            )
        reference = reference_in(deleted.get("Attributes", {}), "circuit")
        if reference is not None:
            assert reference.key.startswith(task_id)  # noqa: S101 - never another task's
            self._sides.delete(reference)

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
        self,
        owner: str,
        *,
        task_filter: TaskFilter,
        after: Position | None,
        limit: int,
        start_deadline: datetime,
    ) -> IndexPage:
        """See `TaskStore`."""
        query = functools.partial(self.client.query, TableName=self._table_name)
        in_time = index_reader.until_deadline(query, self._now, start_deadline)
        with self._calls.failing_as(StoreUnavailable):
            return index_reader.read_index(
                in_time, owner, task_filter=task_filter, after=after, limit=limit
            )

    def get_summaries(self, owner: str, task_ids: Sequence[str]) -> Summaries:
        """See `TaskStore`."""
        with self._calls.failing_as(StoreUnavailable):
            items, unprocessed = index_reader.read_summaries(
                self.client.batch_get_item, self._table_name, task_ids
            )
        return index_reader.summaries(items, unprocessed, owner=owner, to_task=self._to_task)

    def ping(self) -> None:
        """See `TaskStore`. Reads a key that no task has."""
        with self._calls.failing_as(StoreUnavailable):
            self._connection.get_item(_PING_KEY)

    def _keep(self, task_id: str, packed: bytes) -> KeptCircuit:
        """Store a circuit under its content, so that another request's is never overwritten."""
        try:
            reference = self._sides.put_circuit(task_id, packed)
        except StoreUnavailable as exc:
            # Whatever became of it, nothing refers to it: the task was not put.
            raise StoreUnavailable(in_doubt=False) from exc
        return KeptCircuit(key=reference.key, pieces=reference.pieces)

    def _put_result(self, transition: Transition, result: TaskResult) -> list[Action]:
        packed = payloads.pack(payloads.result_to_json(result))
        if len(packed) <= INLINE_BYTES_MAX:
            return [TaskItem.result.set(packed)]
        attempt = transition.condition.attempt
        reference = self._sides.put_result(transition.task_id, attempt, packed)
        actions: list[Action] = [
            TaskItem.result_ref.set(reference.key),
            TaskItem.result_sha256.set(reference.sha256 or ""),
        ]
        if reference.pieces > 1:
            version = max(transition.schema_version, payloads.SCHEMA_WITH_PIECES)
            actions += [
                TaskItem.result_pieces.set(reference.pieces),
                TaskItem.schema_version.set(version),
            ]
        return actions

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
            stored = decoding.stored_task(task_id, raw, exc)
            raise TaskUnreadable(stored, applied=applied) from exc

    def _payload(self, raw: Raw, name: str, *, is_needed: bool) -> bytes | None:
        """Return what is packed in an attribute, or in the item that is referred to."""
        if name in raw:
            packed: bytes = raw[name]["B"]
            return packed
        reference = reference_in(raw, name)
        if reference is not None:
            return self._sides.read(reference, name)
        if is_needed:
            message = f"its {name} is missing"
            raise ValueError(message)
        return None
