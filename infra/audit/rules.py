"""What must hold for a stored task at any time (the protocol's invariants 1 to 4). Pure."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import Final

from infra.audit.facts import Entry, TaskFacts

OPEN: Final = frozenset({"pending", "processing"})
TERMINAL: Final = frozenset({"completed", "failed", "cancelled"})

#: From which statuses an event may come, and where it leads; None: it stays where it is.
_PATHS: Final[dict[str, tuple[frozenset[str], str | None]]] = {
    "claim": (OPEN, "processing"),
    "complete": (frozenset({"processing"}), "completed"),
    "fail": (frozenset({"processing"}), "failed"),
    "release": (frozenset({"processing"}), "processing"),
    "give_up": (OPEN, "failed"),
    "cancel": (OPEN, "cancelled"),
    "sweep": (OPEN, None),
}
#: Only the attempt that holds the task may do these: between its claim and them nothing but
#: notes of the sweeper.
_OF_THE_HOLDER: Final = frozenset({"complete", "fail", "release"})


def violations(task: TaskFacts, *, skew: timedelta) -> Iterator[str]:
    """Name everything about one task that no sequence of legal transitions could have made."""
    yield from _path_violations(task)
    yield from _time_violations(task, skew)
    yield from _attempt_violations(task)
    yield from _outcome_violations(task)
    yield from _index_violations(task)


def _path_violations(task: TaskFacts) -> Iterator[str]:
    if not task.history:
        yield "history: it is empty"
        return
    first, last = task.history[0], task.history[-1]
    if (first.event, first.status) != ("submit", "pending"):
        yield f"history: it begins with {first.event} to {first.status}"
    for number, (before, entry) in enumerate(
        zip(task.history, task.history[1:], strict=False), start=2
    ):
        allowed, leads_to = _PATHS.get(entry.event, (frozenset(), None))
        if before.status not in allowed or entry.status != (leads_to or before.status):
            yield (
                f"history: entry {number} goes by {entry.event} "
                f"from {before.status} to {entry.status}"
            )
    if last.status != task.status:
        yield f"history: it ends with {last.status}, the task's status is {task.status}"


def _time_violations(task: TaskFacts, skew: timedelta) -> Iterator[str]:
    for number, (before, entry) in enumerate(
        zip(task.history, task.history[1:], strict=False), start=2
    ):
        back = before.at - entry.at
        if back > skew:
            yield f"time: entry {number} of the history is {back.total_seconds():.3f} s too early"
    if task.history and task.history[0].at != task.submitted_at:
        yield "time: submitted_at is not the time of the first entry"
    claims = [entry for entry in task.history if entry.event == "claim"]
    if task.started_at != (claims[0].at if claims else None):
        yield "time: started_at is not the time of the first claim"
    ended = task.history[-1].at if task.history and task.status in TERMINAL else None
    if task.completed_at != ended:
        yield "time: completed_at is not the time of the end"


def _attempt_violations(task: TaskFacts) -> Iterator[str]:
    claims = sum(entry.event == "claim" for entry in task.history)
    if task.attempt != claims:
        yield f"attempt: it is {task.attempt}, but the history has {claims} claims"
    for number, entry in enumerate(task.history, start=1):
        if entry.event in _OF_THE_HOLDER and not _is_held(task.history[: number - 1]):
            yield f"attempt: entry {number}, {entry.event}, comes from no attempt that had the task"
    held = task.status == "processing" and _is_held(task.history)
    has_lease = task.lease_owner is not None and task.lease_expires_at is not None
    if held != has_lease or (task.lease_owner is None) != (task.lease_expires_at is None):
        yield f"attempt: there is {'a' if has_lease else 'no'} lease, against the history"


def _is_held(history: tuple[Entry, ...]) -> bool:
    events = [entry.event for entry in history if entry.event != "sweep"]
    return bool(events) and events[-1] == "claim"


def _outcome_violations(task: TaskFacts) -> Iterator[str]:
    results = int(task.has_result) + (task.result_ref is not None)
    expected = int(task.status == "completed")
    if results != expected:
        yield f"result: there are {results}, the task is {task.status}"
    if task.result_ref not in (None, f"{task.task_id}#result#{task.attempt}"):
        yield f"result: {task.result_ref} is not of the last attempt, {task.attempt}"
    if int(task.has_circuit) + (task.circuit_ref is not None) != 1:
        yield "circuit: it must be in the item or in one of its own"
    if task.circuit_ref is not None and not task.circuit_ref.startswith(f"{task.task_id}#circuit#"):
        yield f"circuit: {task.circuit_ref} is another task's"
    if (task.error_message is not None) != (task.status == "failed"):
        yield f"error: {'one' if task.error_message else 'none'}, the task is {task.status}"


def _index_violations(task: TaskFacts) -> Iterator[str]:
    is_open = task.status in OPEN
    for name, value in (("open_shard", task.open_shard), ("due_at", task.due_at)):
        if (value is not None) != is_open:
            yield f"index: {name} is {'set' if value else 'missing'}, the task is {task.status}"
    if task.owner_shard is None:
        yield "index: owner_shard is missing, so its owner cannot list it"
    sweeps = sum(entry.event == "sweep" for entry in task.history)
    if task.sweeps != sweeps:
        yield f"sweeps: {task.sweeps} are counted, the history has {sweeps}"
