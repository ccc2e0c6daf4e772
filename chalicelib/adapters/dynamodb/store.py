"""The store on DynamoDB: one item per task, one conditional write per transition."""

from __future__ import annotations

import contextlib
import functools
import hashlib
import random
from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final

from chalicelib.adapters.aws_calls import AwsCalls
from chalicelib.adapters.aws_clients import make_client
from chalicelib.adapters.dynamodb import decoding, expressions, listing
from chalicelib.adapters.dynamodb.items import (
    OPEN_TASKS,
    Raw,
    Typed,
    new_item,
    open_shards,
    text,
    time,
)
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
        self.client = make_client(
            "dynamodb",
            connect_timeout_seconds=settings.database_connect_timeout_seconds,
            read_timeout_seconds=settings.database_read_timeout_seconds,
            attempts_max=settings.database_attempts_max,
            pool_connections_max=settings.database_pool_connections_max,
        )
        #: On every call: without the capacity a log could not say what the call cost.
        self._table = {
            "TableName": settings.tasks_table_name,
            "ReturnConsumedCapacity": "TOTAL",
        }
        self._calls = AwsCalls(self.client, service="dynamodb", slow_call_ms=settings.slow_call_ms)

    def create_if_absent(self, task: Task) -> PutOutcome:
        """See `TaskStore`. A large circuit is written first: what refers to it comes after it."""
        item = new_item(task)
        packed = payloads.pack(task.request.circuit)
        payloads.check_packed_size("circuit", packed)
        if len(packed) > INLINE_BYTES_MAX:
            item["circuit_ref"] = text(self._put_circuit(task.task_id, packed))
        else:
            item["circuit"] = {"B": packed}
        try:
            with self._calls.failing_as(StoreUnavailable):
                self.client.put_item(**self._table, Item=item, **expressions.absent())
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
        result = transition.result
        write = expressions.update(
            transition, result=None if result is None else self._put_result(transition, result)
        )
        with self._calls.failing_as(StoreUnavailable):
            answer = self.client.update_item(
                **self._table, Key=_key(task_id), ReturnValues="ALL_NEW", **write
            )
        needed = transition.event in _NEEDS_CIRCUIT
        try:
            return self._to_task(task_id, answer["Attributes"], circuit=needed, applied=True)
        except StoreUnavailable as exc:
            # The circuit could not be read, but the transition is applied.
            raise StoreUnavailable(in_doubt=True) from exc

    def apply_unread(self, transition: Transition, seen: StoredTask) -> None:
        """See `TaskStore`."""
        write = expressions.update_unread(transition, seen.raw)
        with self._calls.failing_as(StoreUnavailable):
            self.client.update_item(**self._table, Key=_key(seen.task_id), **write)

    def delete_if_pending(self, task_id: str) -> None:
        """See `TaskStore`. The task goes first, then what it referred to."""
        pending = expressions.has_status(TaskStatus.PENDING)
        with self._calls.failing_as(StoreUnavailable):
            deleted = self.client.delete_item(
                **self._table, Key=_key(task_id), ReturnValues="ALL_OLD", **pending
            )
        reference = deleted.get("Attributes", {}).get("circuit_ref")
        if reference:
            self._delete_orphan(task_id, reference["S"])

    def due(self, before: datetime, *, limit: int, implausible_after: datetime) -> Sequence[str]:
        """See `TaskStore`. The shards are read in a random order, and their keys as texts."""
        found: list[str] = []
        shards = open_shards()
        for shard in random.sample(shards, len(shards)):
            for comparison, at in (("<=", before), (">", implausible_after)):
                found += self._open_tasks(shard, comparison, at, limit - len(found))
        return found

    def _open_tasks(self, shard: str, comparison: str, at: datetime, limit: int) -> Sequence[str]:
        """Read the keys of one shard of the index of open tasks that compare so with a time."""
        found: list[str] = []
        start: dict[str, Any] = {}
        while len(found) < limit:
            with self._calls.failing_as(StoreUnavailable):
                page = self.client.query(
                    **self._table,
                    **start,
                    IndexName=OPEN_TASKS,
                    KeyConditionExpression=f"open_shard = :shard AND due_at {comparison} :at",
                    ExpressionAttributeValues={":shard": text(shard), ":at": time(at)},
                    Limit=limit - len(found),
                )
            found += [item["task_id"]["S"] for item in page["Items"]]
            if "LastEvaluatedKey" not in page:
                break
            start = {"ExclusiveStartKey": page["LastEvaluatedKey"]}
        return found

    def tasks_of(
        self, owner: str, *, task_filter: TaskFilter, after: Position | None, limit: int
    ) -> IndexPage:
        """See `TaskStore`."""
        with self._calls.failing_as(StoreUnavailable):
            query = functools.partial(self.client.query, **self._table)
            return listing.read_index(
                query, owner, task_filter=task_filter, after=after, limit=limit
            )

    def get_summaries(self, owner: str, task_ids: Sequence[str]) -> Summaries:
        """See `TaskStore`."""
        with self._calls.failing_as(StoreUnavailable):
            items, unprocessed = listing.read_summaries(
                self.client.batch_get_item, self._table["TableName"], task_ids
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
            self.client.get_item(**self._table, Key=_key(_PING_KEY))

    def _put_circuit(self, task_id: str, packed: bytes) -> str:
        """Store a circuit under its content, so that another request's is never overwritten."""
        reference = f"{task_id}#circuit#{hashlib.sha256(packed).hexdigest()}"
        try:
            with self._calls.failing_as(StoreUnavailable):
                self._put_side(reference, packed)
        except StoreUnavailable as exc:
            # Whatever became of it, nothing refers to it: the task was not put.
            raise StoreUnavailable(in_doubt=False) from exc
        return reference

    def _put_result(self, transition: Transition, result: TaskResult) -> tuple[str, Typed]:
        """Return the attribute that takes a result, put where it is large, and its value."""
        packed = payloads.pack(payloads.result_to_json(result))
        payloads.check_packed_size("result", packed)
        if len(packed) <= INLINE_BYTES_MAX:
            return "result", {"B": packed}
        reference = f"{transition.task_id}#result#{transition.condition.attempt}"
        with self._calls.failing_as(StoreUnavailable):
            self._put_side(reference, packed)
        return "result_ref", text(reference)

    def _put_side(self, reference: str, packed: bytes) -> None:
        item = {**_key(reference), "payload": {"B": packed}}
        self.client.put_item(**self._table, Item=item)

    def _delete_orphan(self, task_id: str, reference: str) -> None:
        """Delete a circuit that nothing refers to any more; what remains of it harms nobody."""
        assert reference.startswith(task_id)  # noqa: S101 - a guard against deleting another's
        # What fails is in the log, and must not be taken for a failure to delete the task.
        ignored = contextlib.suppress(StoreUnavailable, StoreFull)
        with ignored, self._calls.failing_as(StoreUnavailable):
            self.client.delete_item(**self._table, Key=_key(reference))

    def _read(self, task_id: str) -> Raw | None:
        with self._calls.failing_as(StoreUnavailable):
            answer = self.client.get_item(**self._table, Key=_key(task_id), ConsistentRead=True)
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


def _key(task_id: str) -> dict[str, Typed]:
    return {"task_id": text(task_id)}
