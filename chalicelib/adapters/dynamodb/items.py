"""How a task lies in its item. `docs/data-model.md` describes every attribute.

An attribute that is added later is `null=True` or has a default, so that older items still read.
"""

from __future__ import annotations

import json
import zlib
from typing import Any, Final

from pynamodb.attributes import (
    BinaryAttribute,
    JSONAttribute,
    ListAttribute,
    MapAttribute,
    NumberAttribute,
    UnicodeAttribute,
    UTCDateTimeAttribute,
)
from pynamodb.indexes import GlobalSecondaryIndex, KeysOnlyProjection
from pynamodb.models import Model

from chalicelib.domain.task import HistoryEntry, Task

#: Spread of the index keys. One key takes 1,000 writes a second; more shards cost the sweeper
#: and the listing one query each. Raising it is safe at any time, lowering it is not.
OPEN_SHARDS: Final = 8
OWNER_SHARDS: Final = 4


class TagsAttribute(JSONAttribute):
    """Tags as JSON in UTF-8: escaped, an emoji would take twelve bytes of each write, not four."""

    def serialize(self, value: Any) -> str:  # noqa: ANN401 - as PynamoDB declares it
        """Return the tags as they are stored."""
        return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


class HistoryItem(MapAttribute[str, Any]):
    """One entry of the history inside the item. The attempt is counted when it is read."""

    event = UnicodeAttribute()
    status = UnicodeAttribute()
    at = UTCDateTimeAttribute()
    notes = UnicodeAttribute(null=True)


class OpenTasksIndex(GlobalSecondaryIndex["TaskItem"]):  # type: ignore[no-untyped-call]
    """Tasks that have not ended, by when they are due. Sparse: a task that ends leaves it."""

    class Meta:
        """The name in `infra/templates/data.yaml`."""

        index_name = "open_tasks"
        projection = KeysOnlyProjection()

    open_shard = UnicodeAttribute(hash_key=True)
    due_at = UTCDateTimeAttribute(range_key=True)


class TasksByOwnerIndex(GlobalSecondaryIndex["TaskItem"]):  # type: ignore[no-untyped-call]
    """Every task by its owner, in the order of submission. No transition rewrites it."""

    class Meta:
        """The name in `infra/templates/data.yaml`."""

        index_name = "tasks_by_owner"
        projection = KeysOnlyProjection()

    owner_shard = UnicodeAttribute(hash_key=True)
    submitted_at = UTCDateTimeAttribute(range_key=True)


class TaskItem(Model):
    """A task's item. The store makes a subclass of it that knows its table."""

    task_id = UnicodeAttribute(hash_key=True)
    schema_version = NumberAttribute()
    owner = UnicodeAttribute()
    correlation_id = UnicodeAttribute()
    request_fingerprint = UnicodeAttribute()
    circuit = BinaryAttribute(legacy_encoding=False, null=True)
    circuit_ref = UnicodeAttribute(null=True)
    circuit_pieces = NumberAttribute(null=True)
    shots = NumberAttribute()
    seed = NumberAttribute(null=True)
    tags = TagsAttribute(null=True)
    status = UnicodeAttribute()
    attempt = NumberAttribute()
    submitted_at = UTCDateTimeAttribute()
    started_at = UTCDateTimeAttribute(null=True)
    completed_at = UTCDateTimeAttribute(null=True)
    lease_owner = UnicodeAttribute(null=True)
    lease_expires_at = UTCDateTimeAttribute(null=True)
    result = BinaryAttribute(legacy_encoding=False, null=True)
    result_ref = UnicodeAttribute(null=True)
    result_pieces = NumberAttribute(null=True)
    result_sha256 = UnicodeAttribute(null=True)
    error_message = UnicodeAttribute(null=True)
    history = ListAttribute(of=HistoryItem)
    sweeps = NumberAttribute()
    open_shard = UnicodeAttribute(null=True)
    due_at = UTCDateTimeAttribute(null=True)
    owner_shard = UnicodeAttribute(null=True)

    open_tasks = OpenTasksIndex()
    tasks_by_owner = TasksByOwnerIndex()


#: What a list reads of an item: all that `decoding.to_task` needs, so neither circuit nor result.
SUMMARY_ATTRIBUTES: Final = tuple(
    name
    for name in TaskItem.get_attributes()
    if not name.startswith(("circuit", "result")) and not name.endswith("_shard")
)


def open_shards() -> list[str]:
    """Return every key of the index of open tasks."""
    return [f"open#{shard}" for shard in range(OPEN_SHARDS)]


def owner_shards(owner: str) -> list[str]:
    """Return every key of an owner's tasks in the index."""
    return [f"{owner}#{shard}" for shard in range(OWNER_SHARDS)]


def new_item_values(task: Task) -> dict[str, Any]:
    """Return the attributes of a task as it is first stored, but for its circuit."""
    place = zlib.crc32(task.task_id.encode())
    return {
        "task_id": task.task_id,
        "schema_version": task.schema_version,
        "owner": task.owner,
        "correlation_id": task.correlation_id,
        "request_fingerprint": task.request_fingerprint,
        "shots": task.request.shots,
        "seed": task.request.seed,
        "tags": dict(task.request.tags) or None,
        "status": task.status.value,
        "attempt": task.attempt,
        "submitted_at": task.submitted_at,
        "history": [history_item(entry) for entry in task.history],
        "sweeps": task.sweeps,
        "open_shard": f"open#{place % OPEN_SHARDS}",
        "due_at": task.due_at,
        "owner_shard": f"{task.owner}#{place % OWNER_SHARDS}",
    }


def history_item(entry: HistoryEntry) -> HistoryItem:
    """Return an entry as it is stored."""
    return HistoryItem(  # type: ignore[no-untyped-call]
        event=entry.event.value,
        status=entry.status.value,
        at=entry.transitioned_at,
        notes=entry.notes,
    )


def table_description(table_name: str) -> dict[str, Any]:
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
