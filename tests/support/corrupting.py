"""What cannot be read: tasks for the store in memory, and items in DynamoDB's JSON."""

from __future__ import annotations

import enum
from collections.abc import Callable
from typing import Any, Final

from chalicelib.domain.task import SCHEMA_VERSION, Task
from chalicelib.domain.unreadable import StoredTask, TaskUnreadable
from tests.support.alike import convert_to

Item = dict[str, Any]


class Corrupt(enum.StrEnum):
    """What is wrong with a stored task."""

    #: The item that its `circuit_ref` names is gone.
    CIRCUIT = "circuit"
    #: Something that no transition's condition reads, such as an event of its history.
    ITEM = "item"
    #: Its status is none that is known, so that no condition holds.
    STATUS = "status"


class CorruptTask(Task, frozen=True, kw_only=True):
    """A task whose item cannot be read. Its fields are what is true of it all the same."""

    corrupt: Corrupt


def make_corrupt(task: Task, how: Corrupt) -> CorruptTask:
    """Return the task when its item has been corrupt."""
    return convert_to(CorruptTask, task, corrupt=how)


def how_corrupt(task: Task) -> Corrupt | None:
    """Return what is wrong with a task; None if nothing is."""
    return task.corrupt if isinstance(task, CorruptTask) else None


def stored_of(task: Task) -> StoredTask:
    """Return what can be told of a task that cannot be read."""
    is_unknown = how_corrupt(task) is Corrupt.STATUS and not task.status.is_terminal
    return StoredTask(
        task_id=task.task_id,
        reason="it is corrupt",
        is_newer=task.schema_version > SCHEMA_VERSION,
        owner=task.owner,
        correlation_id=task.correlation_id,
        status="unknown" if is_unknown else task.status.value,
        attempt=task.attempt,
        lease=task.lease,
        submitted_at=task.submitted_at,
        due_at=task.due_at,
    )


def readable(task: Task, *, payloads: bool, applied: bool = False) -> Task:
    """Return the task, or raise as a store does when its item cannot be read."""
    corrupt = how_corrupt(task)
    if task.schema_version > SCHEMA_VERSION or (
        corrupt is not None and (payloads or corrupt is not Corrupt.CIRCUIT)
    ):
        raise TaskUnreadable(stored_of(task), applied=applied)
    return task


def _entry(event: str, status: str = "pending") -> dict[str, Any]:
    at = "2026-01-01T12:00:00.000001+0000"
    return {"M": {"event": {"S": event}, "status": {"S": status}, "at": {"S": at}}}


def _without_circuit(item: Item) -> None:
    item.pop("circuit", None)
    item["circuit_ref"] = {"S": f"{item['task_id']['S']}#circuit#{'0' * 64}"}


def _leased_in_another_form(item: Item) -> None:
    item.update(lease_owner={"S": "who"}, lease_expires_at={"S": "any day now"})


#: Seen only when the circuit is read: the sweeper brings such a task back as a healthy one.
OF_THE_CIRCUIT: Final[dict[str, Callable[[Item], object]]] = {
    "a circuit's item that is gone": _without_circuit,
    "a circuit that does not unpack": lambda item: item.update(circuit={"B": b"zjunk"}),
    "a circuit that is no UTF-8": lambda item: item.update(circuit={"B": b"r\xff\xfe"}),
    "an unknown packing": lambda item: item.update(circuit={"B": b"qjunk"}),
    "no circuit": lambda item: item.pop("circuit"),
}
#: Another spelling of the index's key than the service's. The sweeper's next time mends it.
OF_THE_INDEX: Final[dict[str, Callable[[Item], object]]] = {
    "due at no time, sorted before all": lambda item: item.update(due_at={"S": "0 o'clock"}),
    "due at no time, sorted after all": lambda item: item.update(due_at={"S": "soon"}),
    "due at a time in another form": lambda item: item.update(due_at={"S": "2026-01-01"}),
}
FROM_THE_FUTURE: Final[dict[str, Callable[[Item], object]]] = {
    "a newer schema": lambda item: item.update(schema_version={"N": str(SCHEMA_VERSION + 1)}),
}
#: Seen by readers of the item; transitions whose conditions read nothing of it are applied.
OF_THE_ITEM: Final[dict[str, Callable[[Item], object]]] = {
    "an unknown event": lambda item: item["history"]["L"].append(_entry("pause")),
    "an unknown status in the history": lambda item: item["history"]["L"].append(
        _entry("sweep", "paused")
    ),
    "a history without a time": lambda item: item["history"]["L"].append(
        {"M": {"event": {"S": "sweep"}, "status": {"S": "pending"}}}
    ),
    "shots that are no integer": lambda item: item.update(shots={"N": "1.5"}),
    "shots that are a text": lambda item: item.update(shots={"S": "8"}),
    "an attempt that is no integer": lambda item: item.update(attempt={"N": "0.5"}),
    "sweeps that are no integer": lambda item: item.update(sweeps={"N": "0.25"}),
    "a time in another form": lambda item: item.update(started_at={"S": "2026-01-01T00:00:00Z"}),
    "tags that are no JSON": lambda item: item.update(tags={"S": "{"}),
    "tags that are a list": lambda item: item.update(tags={"S": "[1]"}),
    "no fingerprint": lambda item: item.pop("request_fingerprint"),
    "an error message that is a number": lambda item: item.update(error_message={"N": "1"}),
}
#: No condition holds for them, so no attempt is made on them.
OF_THE_CONDITIONS: Final[dict[str, Callable[[Item], object]]] = {
    "an unknown status": lambda item: item.update(status={"S": "paused"}),
    "a status that is a number": lambda item: item.update(status={"N": "1"}),
    "no status": lambda item: item.pop("status"),
    "an attempt that is a text": lambda item: item.update(attempt={"S": "0"}),
    "no schema version": lambda item: item.pop("schema_version"),
    "a history that is no list": lambda item: item.update(history={"S": "none"}),
    "a lease in another form": _leased_in_another_form,
}
KINDS: Final = {
    **OF_THE_CIRCUIT,
    **OF_THE_INDEX,
    **FROM_THE_FUTURE,
    **OF_THE_ITEM,
    **OF_THE_CONDITIONS,
}
