"""From an item's raw attributes to a task, or to what can be told of one that cannot be read.

Raw attributes are DynamoDB's JSON: `{"status": {"S": "pending"}, …}`. Nothing is taken for granted
of them: a bug, a person or a newer version may have written anything.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any, Final, TypeVar

from msgspec import structs

from chalicelib.domain import payloads
from chalicelib.domain.task import (
    SCHEMA_VERSION,
    SCHEMA_WITH_INPUTS,
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

_T = TypeVar("_T")
Typed = Mapping[str, Any]
Raw = Mapping[str, Typed]

_TIME: Final = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}\+0000")
_REASON_CHARACTERS_MAX: Final = 200


def to_task(raw: Raw) -> Task:
    """Return the task that an item holds, without its circuit and its result.

    Raises:
        ValueError: naming what cannot be read.
    """
    version = _number(raw, "schema_version")
    if version is not None and version > SCHEMA_VERSION:
        message = f"schema_version {version} is newer than {SCHEMA_VERSION}, the one known here"
        raise ValueError(message)
    return Task(
        task_id=_text_of(raw, "task_id"),
        owner=_text_of(raw, "owner"),
        request=TaskRequest(
            circuit="",
            shots=_integer_of(raw, "shots"),
            tags=_optional(raw, "tags", "S", _tags) or {},
            seed=_optional(raw, "seed", "N", _integer),
        ),
        request_fingerprint=_text_of(raw, "request_fingerprint"),
        correlation_id=_text_of(raw, "correlation_id"),
        status=_value(raw, "status", "S", TaskStatus),
        submitted_at=_value(raw, "submitted_at", "S", parse_time),
        started_at=_optional(raw, "started_at", "S", parse_time),
        completed_at=_optional(raw, "completed_at", "S", parse_time),
        attempt=_integer_of(raw, "attempt"),
        lease=_lease(
            _optional(raw, "lease_owner", "S", str),
            _optional(raw, "lease_expires_at", "S", parse_time),
        ),
        error_message=_optional(raw, "error_message", "S", str),
        history=_value(raw, "history", "L", _history),
        due_at=_optional(raw, "due_at", "S", parse_time),
        sweeps=_integer_of(raw, "sweeps"),
        schema_version=_integer_of(raw, "schema_version"),
    )


def with_payloads(task: Task, *, circuit: bytes | None, result: bytes | None) -> Task:
    """Return the task with what was packed, where it is given.

    Raises:
        ValueError: saying whether the circuit or the result cannot be read, and why.
    """
    if circuit is not None:
        task = structs.replace(task, request=_with_circuit(task, _unpacked("circuit", circuit)))
    if result is not None:
        text = _unpacked("result", result)
        task = structs.replace(task, result=_result(text))
    return task


def stored_task(task_id: str, raw: Raw, problem: Exception) -> StoredTask:
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


def parse_time(stored: str) -> datetime:
    """Return the time that an attribute holds.

    Raises:
        ValueError: it is not written in the one form that sorts.
    """
    if not _TIME.fullmatch(stored):
        message = f"{stored!r} is not a time of the form YYYY-MM-DDTHH:MM:SS.ffffff+0000"
        raise ValueError(message)
    return datetime.fromisoformat(stored)


def is_time(typed: Typed) -> bool:
    """Whether an attribute is a time in the one form that the database can compare."""
    try:
        parse_time(typed["S"])
    except (KeyError, TypeError, ValueError):
        return False
    return True


def _value(raw: Raw, name: str, kind: str, read: Callable[[Any], _T]) -> _T:
    """Return an attribute that must be there.

    Raises:
        ValueError: naming it, where it is missing, of another type, or not readable.
    """
    value = _optional(raw, name, kind, read)
    if value is None:
        message = f"{name} is missing"
        raise ValueError(message)
    return value


def _optional(raw: Raw, name: str, kind: str, read: Callable[[Any], _T]) -> _T | None:
    typed = raw.get(name)
    if typed is None or "NULL" in typed:
        return None
    if kind not in typed:
        message = f"{name}: it is of the type {'/'.join(typed)}, not {kind}"
        raise ValueError(message)
    try:
        return read(typed[kind])
    except Exception as exc:  # the value may be anything
        message = f"{name}: {exc}"
        raise ValueError(message) from exc


def _text_of(raw: Raw, name: str) -> str:
    return _value(raw, name, "S", str)


def _integer_of(raw: Raw, name: str) -> int:
    return _value(raw, name, "N", _integer)


def _integer(text: str) -> int:
    if text.isascii() and text.isdigit():
        return int(text)
    number = json.loads(text)
    if not isinstance(number, int) or isinstance(number, bool):
        message = f"{number} is not an integer"
        raise ValueError(message)  # noqa: TRY004 - what is wrong is the stored value
    return number


def _unpacked(what: str, packed: bytes) -> str:
    try:
        return payloads.unpack(packed)
    except ValueError as exc:
        message = f"its {what} cannot be read: {exc}"
        raise ValueError(message) from exc


def _with_circuit(task: Task, text: str) -> TaskRequest:
    has_inputs = task.schema_version >= SCHEMA_WITH_INPUTS
    try:
        return payloads.with_circuit(task.request, text, has_inputs=has_inputs)
    except ValueError as exc:
        message = f"its circuit cannot be read: {exc}"
        raise ValueError(message) from exc


def _result(text: str) -> TaskResult:
    try:
        result = payloads.result_from_json(text)
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError) as exc:
        message = f"its result cannot be read: {type(exc).__name__}: {exc}"
        raise ValueError(message) from exc
    registers, points = result.registers or (), result.points or ()
    counts = (result.counts, *(point.counts for point in points))
    integers = (
        *(result.shots, result.seed, *(register.size for register in registers)),
        *(point.seed for point in points),
    )
    texts = (result.executor, result.executor_version, *(register.name for register in registers))
    if not (
        all(isinstance(one, dict) for one in counts)
        and all(isinstance(number, int) for one in counts for number in one.values())
        and all(isinstance(number, int) for number in integers)
        and all(isinstance(text, str) for text in texts)
    ):
        message = "its result cannot be read: a field is of another type"
        raise ValueError(message)
    return result


def _tags(text: str) -> Mapping[str, str]:
    tags = json.loads(text)
    if not isinstance(tags, dict) or not all(isinstance(value, str) for value in tags.values()):
        message = "not an object of strings"
        raise ValueError(message)
    return tags


def _lease(holder: str | None, expires_at: datetime | None) -> Lease | None:
    if holder is None or expires_at is None:
        return None
    return Lease(holder=holder, expires_at=expires_at)


def _history(stored: Sequence[Mapping[str, Any]]) -> tuple[HistoryEntry, ...]:
    if not stored:
        message = "it is empty"
        raise ValueError(message)
    return derive_history(_entry(entry["M"]) for entry in stored)


def _entry(raw: Raw) -> HistoryEntry:
    return HistoryEntry(
        event=TaskEvent(raw["event"]["S"]),
        status=TaskStatus(raw["status"]["S"]),
        transitioned_at=parse_time(raw["at"]["S"]),
        attempt=0,
        notes=_optional(raw, "notes", "S", str),
    )


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
