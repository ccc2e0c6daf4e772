"""Transitions and their conditions in DynamoDB's language."""

from __future__ import annotations

import functools
import operator
from datetime import datetime
from typing import Final

from pynamodb.expressions.condition import Condition as Clause
from pynamodb.expressions.operand import Path
from pynamodb.expressions.update import Action

from chalicelib.adapters.dynamodb import decoding
from chalicelib.adapters.dynamodb.decoding import Raw
from chalicelib.adapters.dynamodb.items import TaskItem
from chalicelib.domain.task import HistoryEntry, TaskEvent
from chalicelib.domain.transition import Condition, Transition
from chalicelib.domain.unreadable import PINNED

#: An entry is appended in DynamoDB's JSON: mapping it would double the time of an expression.
_HISTORY: Final = Path("history")
#: The index key as text: a corrupt item may hold a text that is not a time.
DUE_AT: Final = Path("due_at")


def time(at: datetime) -> dict[str, str]:
    """Return a time as it is stored, to be compared with raw texts."""
    text: str = TaskItem.due_at.serialize(at)  # type: ignore[no-untyped-call]
    return {"S": text}


def clauses(condition: Condition) -> Clause:
    """Say in DynamoDB's language what `Condition.holds_for` says in Python.

    DynamoDB refuses the whole request if the history to append to is not a list.
    """
    found: list[Clause] = [
        TaskItem.status.is_in(*sorted(condition.statuses)),
        Path("history").is_type("L"),
    ]
    if condition.schema_version_max is not None:
        found.append(TaskItem.schema_version <= condition.schema_version_max)
    if condition.owner is not None:
        found.append(TaskItem.owner == condition.owner)
    if condition.attempt is not None:
        found.append(TaskItem.attempt == condition.attempt)
    if condition.attempt_below is not None:
        found.append(TaskItem.attempt < condition.attempt_below)
    if condition.lease_holder is not None:
        found.append(TaskItem.lease_owner == condition.lease_holder)
    if condition.no_live_lease_at is not None:
        found.append(_no_live_lease(condition.no_live_lease_at))
    if condition.sweeps is not None:
        found.append(TaskItem.sweeps == condition.sweeps)
    return functools.reduce(operator.and_, found)


def clauses_for_unreadable(condition: Condition, raw: Raw) -> Clause:
    """Pin what was seen of an item that cannot be read; a lease in another form is pinned too."""
    found = [Path("task_id").exists(), *(_as_seen(raw, name) for name in PINNED)]
    if condition.owner is not None:
        found.append(TaskItem.owner == condition.owner)
    if condition.no_live_lease_at is not None:
        lease = raw.get("lease_expires_at")
        if lease is None or decoding.is_time(lease):
            found.append(_no_live_lease(condition.no_live_lease_at))
        else:
            found.append(_as_seen(raw, "lease_expires_at"))
    return functools.reduce(operator.and_, found)


def actions(transition: Transition) -> list[Action]:
    """Say in DynamoDB's language what `lifecycle.after` says in Python, the result excepted."""
    if transition.event is TaskEvent.POSTPONE:
        return _move_due_at(transition)
    append = _HISTORY.append({"L": [{"M": _raw_entry(transition.entry)}]})
    return [_HISTORY.set(append), *_changes(transition)]


def _raw_entry(entry: HistoryEntry) -> dict[str, dict[str, str]]:
    raw = {
        "event": {"S": entry.event.value},
        "status": {"S": entry.status.value},
        "at": time(entry.transitioned_at),
    }
    return raw if entry.notes is None else {**raw, "notes": {"S": entry.notes}}


def actions_for_unreadable(transition: Transition, raw: Raw) -> list[Action]:
    """Return the same for an item that cannot be read: without a history that is no list."""
    if transition.event is TaskEvent.POSTPONE or "L" in raw.get("history", {}):
        return actions(transition)
    return _changes(transition)


def _changes(transition: Transition) -> list[Action]:
    changes: list[Action] = [TaskItem.status.set(transition.status.value)]
    if transition.event is TaskEvent.SWEEP:
        changes.append(TaskItem.sweeps.set(TaskItem.sweeps + 1))
    elif transition.lease is None:
        changes += [TaskItem.lease_owner.remove(), TaskItem.lease_expires_at.remove()]
    else:
        changes += [
            TaskItem.attempt.set(TaskItem.attempt + 1),
            TaskItem.started_at.set(TaskItem.started_at | transition.at),
            TaskItem.lease_owner.set(transition.lease.holder),
            TaskItem.lease_expires_at.set(transition.lease.expires_at),
        ]
    if transition.error_message is not None:
        changes.append(TaskItem.error_message.set(transition.error_message))
    if transition.status.is_terminal:
        changes += [
            TaskItem.completed_at.set(transition.at),
            TaskItem.open_shard.remove(),
            TaskItem.due_at.remove(),
        ]
    else:
        changes += _move_due_at(transition)
    return changes


def _move_due_at(transition: Transition) -> list[Action]:
    return [] if transition.due_at is None else [TaskItem.due_at.set(transition.due_at)]


def _no_live_lease(at: datetime) -> Clause:
    expires_at = TaskItem.lease_expires_at
    over: Clause = expires_at.does_not_exist() | (expires_at <= at)
    return over


def _as_seen(raw: Raw, name: str) -> Clause:
    typed = raw.get(name)
    return Path(name).does_not_exist() if typed is None else Path(name) == typed
