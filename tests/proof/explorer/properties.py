"""The properties, and those of them that one write or one answer alone can break.

The others need to know what was promised, executed or sent before: the state space
keeps that and checks.
"""

from __future__ import annotations

from typing import Final

from msgspec import structs

from chalicelib.domain.task import OPEN_STATUSES, Task, TaskEvent, TaskStatus
from tests.proof.explorer.items import NEWER, NOW, how_corrupt, token_text
from tests.proof.explorer.programs import circuit_of
from tests.proof.explorer.values import Actor, Answer, Call, Operation, Violation
from tests.proof.promises import (
    ACCEPTED,
    ATTEMPT,
    BURNED,
    FENCE,
    HISTORY,
    NEWER_KEPT,
    OWNER,
    TERMINAL,
    TRUTH,
)

_PENDING, _PROCESSING = TaskStatus.PENDING, TaskStatus.PROCESSING
_FAILED, _CANCELLED = TaskStatus.FAILED, TaskStatus.CANCELLED
#: The state machine: what each event may do to a status.
_PATHS: Final = {
    TaskEvent.CLAIM: {(_PENDING, _PROCESSING), (_PROCESSING, _PROCESSING)},
    TaskEvent.COMPLETE: {(_PROCESSING, TaskStatus.COMPLETED)},
    TaskEvent.FAIL: {(_PROCESSING, _FAILED)},
    TaskEvent.RELEASE: {(_PROCESSING, _PROCESSING)},
    TaskEvent.ABANDON: {(_PENDING, _FAILED), (_PROCESSING, _FAILED)},
    TaskEvent.CANCEL: {(_PENDING, _CANCELLED), (_PROCESSING, _CANCELLED)},
    TaskEvent.SWEEP: {(_PENDING, _PENDING), (_PROCESSING, _PROCESSING)},
}


def check_write(
    before: Task | None, after: Task | None, call: Call, *, attempts_max: int
) -> Violation | None:
    """Check one write that was applied to the stored task."""
    if before is None or before is after:
        return None
    if before.status not in OPEN_STATUSES and before != after:
        return Violation(TERMINAL, f"a task that was {before.status} was changed ({call.text})")
    if after is None:
        return None
    if call.operation is Operation.CREATE:
        return Violation(HISTORY, "a stored task was overwritten by a put")
    return (
        _check_newer(before, after, call)
        or _check_attempt(before, after, call, attempts_max)
        or _check_history(before, after, call)
        or _check_fence(before, call, attempts_max)
        or _check_end(after)
    )


def _check_newer(before: Task, after: Task, call: Call) -> Violation | None:
    if how_corrupt(before) != NEWER or structs.replace(after, due_at=before.due_at) == before:
        return None
    return Violation(NEWER_KEPT, f"a newer version's task was changed ({call.text})")


def _check_history(before: Task, after: Task, call: Call) -> Violation | None:
    wrong = _history_fault(before, after, call)
    return None if wrong is None else Violation(HISTORY, f"{wrong} ({call.text})")


def _history_fault(before: Task, after: Task, call: Call) -> str | None:
    assert call.transition is not None
    event = call.transition.event
    if event is TaskEvent.POSTPONE:
        unchanged = (after.history, after.status) == (before.history, before.status)
        return None if unchanged else "a postponement left a trace"
    old, new = after.history[:-1], after.history[-1]
    wrong = {
        "a transition changed the past": [(e.event, e.status) for e in old]
        != [(e.event, e.status) for e in before.history],
        "the last entry is not the transition": (new.event, new.status, new.attempt)
        != (event, after.status, after.attempt),
        "times go backwards": new.transitioned_at < before.history[-1].transitioned_at,
        f"from {before.status} to {after.status} there is no path": (before.status, after.status)
        not in _PATHS[event],
    }
    return next((message for message, is_so in wrong.items() if is_so), None)


def _check_attempt(before: Task, after: Task, call: Call, attempts_max: int) -> Violation | None:
    claimed = call.transition is not None and call.transition.event is TaskEvent.CLAIM
    if after.attempt != before.attempt + claimed:
        message = f"{call.text} took the attempt from {before.attempt} to {after.attempt}"
        return Violation(ATTEMPT, message)
    if after.attempt > attempts_max:
        return Violation(ATTEMPT, f"attempt {after.attempt} of {attempts_max} was claimed")
    if claimed and (after.lease is None or after.lease.holder != token_text(call.token)):
        return Violation(ATTEMPT, "the lease of a claim is not its own")
    return None


def _check_fence(before: Task, call: Call, attempts_max: int) -> Violation | None:
    assert call.transition is not None
    event = call.transition.event
    leased = before.lease is not None and before.lease.expires_at > NOW
    if event is TaskEvent.CLAIM and leased:
        return Violation(BURNED, f"attempt {before.attempt} was overtaken under its live lease")
    if event is TaskEvent.CANCEL and call.owner != before.owner:
        return Violation(OWNER, "a stranger cancelled the task")
    if event in _BY_AN_ATTEMPT:
        return _check_attempts_right(before, call)
    if event in {TaskEvent.ABANDON, TaskEvent.SWEEP} and leased:
        return Violation(FENCE, f"{event} by the {call.actor.name.lower()} under a live lease")
    return _check_reason(before, call, attempts_max) if event is TaskEvent.ABANDON else None


def _check_attempts_right(before: Task, call: Call) -> Violation | None:
    assert call.transition is not None
    event = call.transition.event
    if call.attempt != before.attempt:
        message = f"attempt {call.attempt} did {event} though {before.attempt} is the current one"
        return Violation(FENCE, message)
    if event is TaskEvent.RELEASE and before.lease is None:
        return Violation(FENCE, f"attempt {call.attempt} was released twice")
    return None


_BY_AN_ATTEMPT: Final = {TaskEvent.COMPLETE, TaskEvent.FAIL, TaskEvent.RELEASE}


def _check_reason(before: Task, call: Call, attempts_max: int) -> Violation | None:
    if call.actor is Actor.WORKER and before.attempt < attempts_max:
        return Violation(FENCE, "a worker gave the task up though attempts were left")
    if call.actor is Actor.SWEEPER and before.submitted_at >= NOW:
        return Violation(FENCE, "the sweeper gave a task up that was not past its age")
    return None


def _check_end(after: Task) -> Violation | None:
    if after.status in OPEN_STATUSES:
        if after.result is not None or after.due_at is None:
            return Violation(HISTORY, "an open task has a result, or is never due")
        return None
    if after.lease is not None or after.due_at is not None:
        return Violation(TERMINAL, "an ended task has a lease, or is due")
    completed = after.status is TaskStatus.COMPLETED
    if completed != (after.result is not None):
        return Violation(TERMINAL, "a task has a result if and only if it has completed")
    if after.result is not None and after.result.seed != after.attempt:
        message = f"attempt {after.result.seed}'s result stands for attempt {after.attempt}"
        return Violation(TERMINAL, message)
    return None


def check_answer(
    answer: Answer, body: str, *, task: Task | None, executed: bool
) -> Violation | None:
    """Check what the client of a request is told against the stored task."""
    mine = task is not None and task.request.circuit == circuit_of(body)
    if answer is Answer.ACCEPTED and not mine:
        found = "is not there" if task is None else "is another request's"
        return Violation(ACCEPTED, f"a client is told 202 for a task that {found}")
    if answer is Answer.CONFLICT and (task is None or mine):
        return Violation(TRUTH, "a client is told 422 though its key has no other request")
    if answer is Answer.KEPT and task is None:
        return Violation(TRUTH, "a client is told kept=yes for a task that is not there")
    if answer is Answer.NOT_KEPT and (task is not None or executed):
        return Violation(TRUTH, "a client is told kept=no for a task that is there")
    return None
