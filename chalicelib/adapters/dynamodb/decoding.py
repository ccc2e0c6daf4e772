"""From an item's raw attributes to a task, or to what can be told of one that cannot be read.

Raw attributes are DynamoDB's JSON: `{"status": {"S": "pending"}, …}`. Nothing is taken for granted
of them: a bug, a person or a newer version may have written anything.
"""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any, Final

from chalicelib.adapters.dynamodb.items import HistoryItem, TaskItem
from chalicelib.domain import payloads
from chalicelib.domain.task import (
    SCHEMA_VERSION,
    HistoryEntry,
    Lease,
    Task,
    TaskEvent,
    TaskRequest,
    TaskResult,
    TaskStatus,
    derive_history,
)
from chalicelib.domain.unreadable import StoredTask

Raw = Mapping[str, dict[str, Any]]

_REASON_CHARACTERS_MAX: Final = 200
_ATTRIBUTES: Final = TaskItem.get_attributes()


def to_task(raw: Raw) -> Task:
    """Return the task that an item holds, without its circuit and its result.

    Raises:
        ValueError: naming what cannot be read.
    """
    version = _number(raw, "schema_version")
    if version is not None and version > SCHEMA_VERSION:
        message = f"schema_version {version} is newer than {SCHEMA_VERSION}, the one known here"
        raise ValueError(message)
    value = _values(raw)
    return Task(
        task_id=value["task_id"],
        owner=value["owner"],
        request=TaskRequest(
            circuit="",
            shots=_integer(value, "shots"),
            tags=_tags(value["tags"]),
            seed=None if value["seed"] is None else _integer(value, "seed"),
        ),
        request_fingerprint=value["request_fingerprint"],
        correlation_id=value["correlation_id"],
        status=TaskStatus(value["status"]),
        submitted_at=value["submitted_at"],
        started_at=value["started_at"],
        completed_at=value["completed_at"],
        attempt=_integer(value, "attempt"),
        lease=_lease(value["lease_owner"], value["lease_expires_at"]),
        error_message=value["error_message"],
        history=_history(value["history"]),
        due_at=value["due_at"],
        sweeps=_integer(value, "sweeps"),
        schema_version=_integer(value, "schema_version"),
    )


def with_payloads(task: Task, *, circuit: bytes | None, result: bytes | None) -> Task:
    """Return the task with what was packed, where it is given.

    Raises:
        ValueError: saying whether the circuit or the result cannot be read, and why.
    """
    if circuit is not None:
        request = dataclasses.replace(task.request, circuit=_unpacked("circuit", circuit))
        task = dataclasses.replace(task, request=request)
    if result is not None:
        text = _unpacked("result", result)
        task = dataclasses.replace(task, result=_result(text))
    return task


def seen(task_id: str, raw: Raw, problem: Exception) -> StoredTask:
    """Return what can be told of an item that could not be read for this problem."""
    version = _number(raw, "schema_version")
    expires_at, holder = _time(raw, "lease_expires_at"), _text(raw, "lease_owner")
    return StoredTask(
        task_id=task_id,
        reason=(str(problem) or type(problem).__name__)[:_REASON_CHARACTERS_MAX],
        is_newer=version is not None and version > SCHEMA_VERSION,
        owner=_text(raw, "owner"),
        correlation_id=_text(raw, "correlation_id"),
        status=_text(raw, "status"),
        attempt=_number(raw, "attempt"),
        lease=None if expires_at is None else Lease(holder=holder or "", expires_at=expires_at),
        submitted_at=_time(raw, "submitted_at") or _first_entry_at(raw),
        due_at=_time(raw, "due_at"),
        raw=raw,
    )


def is_time(typed: dict[str, Any]) -> bool:
    """Whether an attribute is a time in the one form that the database can compare."""
    try:
        _ATTRIBUTES["due_at"].deserialize(typed["S"])
    except (KeyError, TypeError, ValueError):
        return False
    return True


def _values(raw: Raw) -> dict[str, Any]:
    """Return every attribute that is known; None is for one that may be missing and is."""
    values: dict[str, Any] = {}
    for name, attribute in _ATTRIBUTES.items():
        typed = raw.get(name)
        if typed is None or "NULL" in typed:
            if not attribute.null:
                message = f"{name} is missing"
                raise ValueError(message)
            values[name] = None
        else:
            try:
                values[name] = attribute.deserialize(attribute.get_value(typed))
            except Exception as exc:  # whatever lies there
                message = f"{name}: {exc}"
                raise ValueError(message) from exc
    return values


def _unpacked(what: str, packed: bytes) -> str:
    try:
        return payloads.unpack(packed)
    except ValueError as exc:
        message = f"its {what} cannot be read: {exc}"
        raise ValueError(message) from exc


def _result(text: str) -> TaskResult:
    try:
        result = payloads.result_from_json(text)
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError) as exc:
        message = f"its result is not one: {type(exc).__name__}: {exc}"
        raise ValueError(message) from exc
    registers = result.registers or ()
    integers = (result.shots, result.seed, *(register.size for register in registers))
    texts = (result.executor, result.executor_version, *(register.name for register in registers))
    if not (
        isinstance(result.counts, dict)
        and all(isinstance(number, int) for number in (*integers, *result.counts.values()))
        and all(isinstance(text, str) for text in texts)
    ):
        message = "its result is not one: a field is of another type"
        raise ValueError(message)
    return result


def _integer(values: Mapping[str, Any], name: str) -> int:
    number = values[name]
    if not isinstance(number, int) or isinstance(number, bool):
        message = f"{name} is {number}, which is not an integer"
        raise ValueError(message)  # noqa: TRY004 - what is wrong is the stored value
    return number


def _tags(tags: Any) -> Mapping[str, str]:  # noqa: ANN401 - whatever JSON lies there
    if tags is None:
        return {}
    if not isinstance(tags, dict) or not all(isinstance(text, str) for text in tags.values()):
        message = "tags: not an object of strings"
        raise ValueError(message)
    return tags


def _lease(holder: str | None, expires_at: datetime | None) -> Lease | None:
    if holder is None or expires_at is None:
        return None
    return Lease(holder=holder, expires_at=expires_at)


def _history(stored: Iterable[HistoryItem]) -> tuple[HistoryEntry, ...]:
    entries = [
        HistoryEntry(
            event=TaskEvent(entry.event),
            status=TaskStatus(entry.status),
            transitioned_at=entry.at,
            attempt=0,
            notes=entry.notes,
        )
        for entry in stored
    ]
    if not entries or any(entry.transitioned_at is None for entry in entries):
        message = "history: it is empty, or an entry has no time"
        raise ValueError(message)
    return derive_history(entries)


# --- what can be told of anything ---


def _text(raw: Raw, name: str) -> str | None:
    text = (raw.get(name) or {}).get("S")
    return text if isinstance(text, str) else None


def _number(raw: Raw, name: str) -> float | None:
    text = (raw.get(name) or {}).get("N")
    try:
        number = json.loads(text) if isinstance(text, str) else None
    except ValueError:
        return None
    return number if isinstance(number, (int, float)) else None


def _time(raw: Raw, name: str) -> datetime | None:
    try:
        at = datetime.fromisoformat(_text(raw, name) or "")
    except ValueError:
        return None
    return at if at.tzinfo is not None else None


def _first_entry_at(raw: Raw) -> datetime | None:
    entries = (raw.get("history") or {}).get("L")
    if not isinstance(entries, list) or not entries:
        return None
    entry = entries[0].get("M")
    return _time(entry, "at") if isinstance(entry, dict) else None
