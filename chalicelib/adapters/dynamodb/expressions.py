"""Transitions and their conditions in DynamoDB's language."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from chalicelib.adapters.dynamodb import decoding
from chalicelib.adapters.dynamodb.items import Raw, Typed, history, number, text, time
from chalicelib.domain.task import TaskEvent
from chalicelib.domain.transition import Condition, Transition
from chalicelib.domain.unreadable import PINNED


class Expressions:
    """The expressions of one request, and the names and values that stand in them.

    Every name is given by a placeholder, since some are reserved words; every value is, since a
    text in an expression would be read as a part of it.
    """

    def __init__(self) -> None:
        self._names: dict[str, str] = {}
        self._values: dict[str, Typed] = {}

    def name(self, attribute: str) -> str:
        """Return what stands for an attribute."""
        placeholder = f"#{attribute}"
        self._names[placeholder] = attribute
        return placeholder

    def value(self, typed: Typed) -> str:
        """Return what stands for a value."""
        placeholder = f":{len(self._values)}"
        self._values[placeholder] = typed
        return placeholder

    def parameters(
        self, *, condition: Sequence[str], update: Sequence[str] = (), remove: Sequence[str] = ()
    ) -> dict[str, Any]:
        """Return the parameters of a call: every clause of the condition must hold."""
        parameters: dict[str, Any] = {
            "ConditionExpression": " AND ".join(condition),
            "ExpressionAttributeNames": self._names,
        }
        if self._values:
            parameters["ExpressionAttributeValues"] = self._values
        parts = [f"SET {', '.join(update)}"] if update else []
        parts += [f"REMOVE {', '.join(remove)}"] if remove else []
        if parts:
            parameters["UpdateExpression"] = " ".join(parts)
        return parameters


def update(transition: Transition, *, result: tuple[str, Typed] | None) -> dict[str, Any]:
    """Return the parameters of the write that a transition is.

    `result` is the attribute that takes the transition's result, and its value.
    """
    made = Expressions()
    clauses = _clauses(made, transition.condition)
    changes, removals = _changes(made, transition)
    if transition.event is not TaskEvent.POSTPONE:
        changes.append(_append_entry(made, transition))
    if result is not None:
        attribute, value = result
        changes.append(f"{made.name(attribute)} = {made.value(value)}")
    return made.parameters(condition=clauses, update=changes, remove=removals)


def update_unread(transition: Transition, raw: Raw) -> dict[str, Any]:
    """Return the same for an item that cannot be read: pinned to what was seen of it.

    A history that is no list is not appended to.
    """
    made = Expressions()
    clauses = _clauses_unread(made, transition.condition, raw)
    changes, removals = _changes(made, transition)
    if transition.event is not TaskEvent.POSTPONE and "L" in raw.get("history", {}):
        changes.append(_append_entry(made, transition))
    return made.parameters(condition=clauses, update=changes, remove=removals)


def absent() -> dict[str, Any]:
    """Return the condition of a put: there is no item with this key."""
    made = Expressions()
    return made.parameters(condition=[f"attribute_not_exists({made.name('task_id')})"])


def has_status(status: str) -> dict[str, Any]:
    """Return the condition of a delete."""
    made = Expressions()
    return made.parameters(condition=[f"{made.name('status')} = {made.value(text(status))}"])


def _clauses(made: Expressions, condition: Condition) -> list[str]:
    """Say in DynamoDB's language what `Condition.holds_for` says in Python.

    A history that is no list could not be appended to, which would be an error of the request.
    """
    name, value = made.name, made.value
    statuses = ", ".join(value(text(status)) for status in sorted(condition.statuses))
    found = [
        f"{name('status')} IN ({statuses})",
        f"attribute_type({name('history')}, {value(text('L'))})",
    ]
    if condition.schema_version_max is not None:
        found.append(f"{name('schema_version')} <= {value(number(condition.schema_version_max))}")
    if condition.owner is not None:
        found.append(f"{name('owner')} = {value(text(condition.owner))}")
    if condition.attempt is not None:
        found.append(f"{name('attempt')} = {value(number(condition.attempt))}")
    if condition.attempt_below is not None:
        found.append(f"{name('attempt')} < {value(number(condition.attempt_below))}")
    if condition.lease_holder is not None:
        found.append(f"{name('lease_owner')} = {value(text(condition.lease_holder))}")
    if condition.no_live_lease_at is not None:
        found.append(_no_live_lease(made, condition.no_live_lease_at))
    if condition.sweeps is not None:
        found.append(f"{name('sweeps')} = {value(number(condition.sweeps))}")
    return found


def _clauses_unread(made: Expressions, condition: Condition, raw: Raw) -> list[str]:
    """Pin what was seen of an item that cannot be read; a lease in another form is pinned too."""
    found = [f"attribute_exists({made.name('task_id')})"]
    found += [_as_seen(made, raw, name) for name in PINNED]
    if condition.owner is not None:
        found.append(f"{made.name('owner')} = {made.value(text(condition.owner))}")
    if condition.no_live_lease_at is not None:
        lease = raw.get("lease_expires_at")
        if lease is None or decoding.is_time(lease):
            found.append(_no_live_lease(made, condition.no_live_lease_at))
        else:
            found.append(_as_seen(made, raw, "lease_expires_at"))
    return found


def _changes(made: Expressions, transition: Transition) -> tuple[list[str], list[str]]:
    """Say in DynamoDB's language what `lifecycle.after` says in Python: what is set and removed.

    The entry of the history and the result are left out.
    """
    if transition.event is TaskEvent.POSTPONE:
        return _moved_due_at(made, transition), []
    name, value = made.name, made.value
    changes = [f"{name('status')} = {value(text(transition.status.value))}"]
    removals: list[str] = []
    if transition.event is TaskEvent.SWEEP:
        changes.append(f"{name('sweeps')} = {name('sweeps')} + {value(number(1))}")
    elif transition.lease is None:
        removals += [name("lease_owner"), name("lease_expires_at")]
    else:
        started_at = f"if_not_exists({name('started_at')}, {value(time(transition.at))})"
        changes += [
            f"{name('attempt')} = {name('attempt')} + {value(number(1))}",
            f"{name('started_at')} = {started_at}",
            f"{name('lease_owner')} = {value(text(transition.lease.holder))}",
            f"{name('lease_expires_at')} = {value(time(transition.lease.expires_at))}",
        ]
    if transition.error_message is not None:
        changes.append(f"{name('error_message')} = {value(text(transition.error_message))}")
    if transition.status.is_terminal:
        changes.append(f"{name('completed_at')} = {value(time(transition.at))}")
        removals += [name("open_shard"), name("due_at")]
    else:
        changes += _moved_due_at(made, transition)
    return changes, removals


def _append_entry(made: Expressions, transition: Transition) -> str:
    name = made.name("history")
    return f"{name} = list_append({name}, {made.value(history(transition.entry))})"


def _moved_due_at(made: Expressions, transition: Transition) -> list[str]:
    if transition.due_at is None:
        return []
    return [f"{made.name('due_at')} = {made.value(time(transition.due_at))}"]


def _no_live_lease(made: Expressions, at: datetime) -> str:
    expires_at = made.name("lease_expires_at")
    return f"(attribute_not_exists({expires_at}) OR {expires_at} <= {made.value(time(at))})"


def _as_seen(made: Expressions, raw: Raw, attribute: str) -> str:
    typed, name = raw.get(attribute), made.name(attribute)
    return f"attribute_not_exists({name})" if typed is None else f"{name} = {made.value(typed)}"
