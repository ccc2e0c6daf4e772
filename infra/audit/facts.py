"""What an item of the table says, read from DynamoDB's own JSON.

On purpose not by the service's own code: a fault of that would be blind to itself.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final

#: A task's own item has a UUID for its key; a side item's key goes on after it.
SIDE_ITEM_MARK: Final = "#"

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

    @property
    def references(self) -> tuple[str, ...]:
        """The keys of its side items."""
        return tuple(key for key in (self.circuit_ref, self.result_ref) if key is not None)


def is_side_item(item: Item) -> bool:
    """Tell a circuit's or a result's own item from a task."""
    return SIDE_ITEM_MARK in _text(item, "task_id")


def facts_of(item: Item) -> TaskFacts:
    """Read a task.

    Raises:
        Unreadable: naming the attribute that is missing or of another type.
    """
    return TaskFacts(
        task_id=_text(item, "task_id"),
        status=_text(item, "status"),
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
    )


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
    return int(_value(item, name, "N"))


def _time(text: str) -> datetime:
    try:
        at = datetime.fromisoformat(text)
    except ValueError as exc:
        raise Unreadable(str(exc)) from exc
    if at.tzinfo is None:
        message = f"the time {text} has no zone"
        raise Unreadable(message)
    return at


def _time_or_none(item: Item, name: str) -> datetime | None:
    return _time(_text(item, name)) if name in item else None


def _history(item: Item) -> tuple[Entry, ...]:
    entries = [_value({"entry": element}, "entry", "M") for element in _value(item, "history", "L")]
    return tuple(
        Entry(
            event=_text(entry, "event"),
            status=_text(entry, "status"),
            at=_time(_text(entry, "at")),
        )
        for entry in entries
    )
