"""How a task lies in its item. `docs/data-model.md` describes every attribute.

Attributes are written as DynamoDB's JSON, `{"status": {"S": "pending"}, …}`, which is what botocore
takes and gives. A mapper between the two and Python's types took a third of a task's time.
"""

from __future__ import annotations

import json
import re
import zlib
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, Final

from chalicelib.domain.task import HistoryEntry, Task

#: One attribute's value, and an item.
Typed = Mapping[str, Any]
Raw = Mapping[str, Typed]

#: Spread of the index keys. One key takes 1,000 writes a second; more shards cost the sweeper
#: and the listing one query each. Raising it is safe at any time, lowering it is not.
OPEN_SHARDS: Final = 8
OWNER_SHARDS: Final = 4
#: The index of open tasks, by when they are due. Sparse: a task that ends leaves it.
OPEN_TASKS: Final = "open_tasks"

_TIME: Final = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}\+0000")


def text(value: str) -> Typed:
    """Return a string as an attribute."""
    return {"S": value}


def number(value: float) -> Typed:
    """Return a number as an attribute."""
    return {"N": str(value)}


def time(at: datetime) -> Typed:
    """Return a time as an attribute: in UTC with microseconds, so that texts sort as times do."""
    utc = at.astimezone(UTC).replace(tzinfo=None)
    return {"S": f"{utc.isoformat(timespec='microseconds')}+0000"}


def parse_time(stored: str) -> datetime:
    """Return the time that an attribute holds.

    Raises:
        ValueError: it is not written in the one form that sorts.
    """
    if not _TIME.fullmatch(stored):
        message = f"{stored!r} is not a time of the form YYYY-MM-DDTHH:MM:SS.ffffff+0000"
        raise ValueError(message)
    return datetime.fromisoformat(stored)


def open_shards() -> list[str]:
    """Return every key of the index of open tasks."""
    return [f"open#{shard}" for shard in range(OPEN_SHARDS)]


def owner_shards(owner: str) -> list[str]:
    """Return every key of an owner's tasks in the index."""
    return [f"{owner}#{shard}" for shard in range(OWNER_SHARDS)]


def new_item(task: Task) -> dict[str, Typed]:
    """Return a task as it is first stored, but for its circuit."""
    place = zlib.crc32(task.task_id.encode())
    item = {
        "task_id": text(task.task_id),
        "schema_version": number(task.schema_version),
        "owner": text(task.owner),
        "correlation_id": text(task.correlation_id),
        "request_fingerprint": text(task.request_fingerprint),
        "shots": number(task.request.shots),
        "status": text(task.status.value),
        "attempt": number(task.attempt),
        "submitted_at": time(task.submitted_at),
        "history": history(*task.history),
        "sweeps": number(task.sweeps),
        "open_shard": text(f"open#{place % OPEN_SHARDS}"),
        "owner_shard": text(f"{task.owner}#{place % OWNER_SHARDS}"),
    }
    if task.request.seed is not None:
        item["seed"] = number(task.request.seed)
    if task.request.tags:
        # In UTF-8: escaped, an emoji would take twelve bytes of each write, not four.
        tags = json.dumps(dict(task.request.tags), ensure_ascii=False, separators=(",", ":"))
        item["tags"] = text(tags)
    if task.due_at is not None:
        item["due_at"] = time(task.due_at)
    return item


def history(*entries: HistoryEntry) -> Typed:
    """Return entries as they are stored. The attempt is counted when they are read."""
    return {"L": [{"M": _entry(entry)} for entry in entries]}


def _entry(entry: HistoryEntry) -> dict[str, Typed]:
    stored = {
        "event": text(entry.event.value),
        "status": text(entry.status.value),
        "at": time(entry.transitioned_at),
    }
    if entry.notes is not None:
        stored["notes"] = text(entry.notes)
    return stored
