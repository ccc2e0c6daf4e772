"""What an item of the table says, read from DynamoDB's own JSON.

On purpose not by the service's own code: a bug there would hide itself.
"""

from __future__ import annotations

import dataclasses
import json
import re
from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final

from chalicelib.domain.task import SCHEMA_VERSION

#: A task's own item has a UUID for its key; a side item's key goes on after it.
SIDE_ITEM_MARK: Final = "#"
STATUSES: Final = frozenset({"pending", "processing", "completed", "failed", "cancelled"})
EVENTS: Final = frozenset(
    {"submit", "claim", "complete", "fail", "release", "give_up", "cancel", "sweep"}
)
_PIECES_MAX: Final = 32
#: UTC, to the microsecond: these texts sort as the times do.
_TIME: Final = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}\+0000", re.ASCII)

Item = Mapping[str, Any]


class Unreadable(ValueError):
    """An item that is not a task as the service writes it."""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One entry of a stored history."""

    event: str
    status: str
    at: datetime


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class TaskFacts:
    """A task, as it is stored. What is not there is None."""

    task_id: str
    status: str
    attempt: int
    history: tuple[Entry, ...]
    submitted_at: datetime
    started_at: datetime | None
    completed_at: datetime | None
    lease_owner: str | None
    lease_expires_at: datetime | None
    has_circuit: bool
    circuit_ref: str | None
    has_result: bool
    result_ref: str | None
    error_message: str | None
    sweeps: int
    open_shard: str | None
    due_at: datetime | None
    owner_shard: str | None

    #: The keys of its side items.
    references: tuple[str, ...]


def is_side_item(item: Item) -> bool:
    """Tell a circuit's or a result's own item from a task."""
    return SIDE_ITEM_MARK in _text(item, "task_id")


def facts_of(item: Item) -> TaskFacts:
    """Read a task.

    Raises:
        Unreadable: naming the attribute that is missing, or that is not as the service writes it.
    """
    _check_what_is_not_a_fact(item)
    return TaskFacts(
        task_id=_text(item, "task_id"),
        status=_one_of(item, "status", STATUSES),
        attempt=_number(item, "attempt"),
        history=_history(item),
        submitted_at=_time(_text(item, "submitted_at")),
        started_at=_time_or_none(item, "started_at"),
        completed_at=_time_or_none(item, "completed_at"),
        lease_owner=_text_or_none(item, "lease_owner"),
        lease_expires_at=_time_or_none(item, "lease_expires_at"),
        has_circuit="circuit" in item,
        circuit_ref=_text_or_none(item, "circuit_ref"),
        has_result="result" in item,
        result_ref=_text_or_none(item, "result_ref"),
        error_message=_text_or_none(item, "error_message"),
        sweeps=_number(item, "sweeps"),
        open_shard=_text_or_none(item, "open_shard"),
        due_at=_time_or_none(item, "due_at"),
        owner_shard=_text_or_none(item, "owner_shard"),
        references=side_item_keys(item),
    )


def side_item_keys(item: Item) -> tuple[str, ...]:
    """Return the keys of the side items that an item refers to, each piece by its own."""
    keys: list[str] = []
    for name in ("circuit", "result"):
        reference = _text_or_none(item, f"{name}_ref")
        if reference is not None:
            pieces = _number(item, f"{name}_pieces") if f"{name}_pieces" in item else 1
            numbers = range(min(pieces, _PIECES_MAX))
            keys += [reference] if pieces == 1 else [f"{reference}#{n}" for n in numbers]
    return tuple(keys)


def _check_what_is_not_a_fact(item: Item) -> None:
    version = _number(item, "schema_version")
    if version > SCHEMA_VERSION:
        message = f"schema_version {version} is newer than {SCHEMA_VERSION}"
        raise Unreadable(message)
    for name in ("owner", "correlation_id", "request_fingerprint"):
        _text(item, name)
    _number(item, "shots")
    try:
        tags = json.loads(_text_or_none(item, "tags") or "{}")
    except (ValueError, RecursionError) as exc:
        message = f"tags: {exc}"
        raise Unreadable(message) from exc
    if not isinstance(tags, dict) or not all(isinstance(text, str) for text in tags.values()):
        message = "tags is not an object of strings"
        raise Unreadable(message)


def _value(item: Item, name: str, kind: str) -> Any:  # noqa: ANN401 - DynamoDB's JSON
    try:
        return item[name][kind]
    except (KeyError, TypeError) as exc:
        message = f"{name} is missing or not of type {kind}"
        raise Unreadable(message) from exc


def _text(item: Item, name: str) -> str:
    return str(_value(item, name, "S"))


def _text_or_none(item: Item, name: str) -> str | None:
    return _text(item, name) if name in item else None


def _number(item: Item, name: str) -> int:
    text = str(_value(item, name, "N"))
    try:
        return int(text)
    except ValueError as exc:
        message = f"{name} is {text}, which is not an integer"
        raise Unreadable(message) from exc


def _one_of(item: Item, name: str, known: frozenset[str]) -> str:
    text = _text(item, name)
    if text not in known:
        message = f"{name} is {text!r}, which the service does not write"
        raise Unreadable(message)
    return text


def _time(text: str) -> datetime:
    try:
        at = datetime.fromisoformat(text) if _TIME.fullmatch(text) else None
    except ValueError:
        at = None
    if at is None:
        message = f"{text!r} is not a time as the service writes it"
        raise Unreadable(message)
    return at


def _time_or_none(item: Item, name: str) -> datetime | None:
    return _time(_text(item, name)) if name in item else None


def _history(item: Item) -> tuple[Entry, ...]:
    entries = [_value({"entry": element}, "entry", "M") for element in _value(item, "history", "L")]
    return tuple(
        Entry(
            event=_one_of(entry, "event", EVENTS),
            status=_one_of(entry, "status", STATUSES),
            at=_time(_text(entry, "at")),
        )
        for entry in entries
    )
