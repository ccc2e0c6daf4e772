"""What states tell apart: all that an actor may see of a task, and what makes a transition."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from msgspec import structs

from chalicelib.domain.task import Lease, Task, TaskEvent
from chalicelib.domain.transition import Transition
from chalicelib.domain.unreadable import StoredTask
from tests.proof.explorer.items import (
    LONG_AGO,
    NOW,
    canonical_lease,
    canonical_time,
    token_number,
    token_text,
)
from tests.proof.explorer.values import Actor, Call, ExplorerError

#: What each actor may read of a task. Anything else is an error: the explorer takes tasks that
#: differ in nothing else for the same.
_SEEN: Final[Mapping[Actor, frozenset[str]]] = {
    Actor.SUBMITTER: frozenset(
        {"task_id", "owner", "request_fingerprint", "status", "correlation_id"}
    ),
    Actor.WORKER: frozenset({"task_id", "request", "status", "attempt", "lease"}),
    Actor.SWEEPER: frozenset(
        {
            *("task_id", "status", "attempt", "lease", "due_at", "sweeps"),
            *("submitted_at", "correlation_id", "owner"),
        }
    ),
    Actor.CANCELLER: frozenset({"task_id", "owner", "status"}),
}
#: All fields of a transition but the constant ones, and its result, which its seed stands for.
TOLD_APART_BY: Final = tuple(
    name for name in Transition.__struct_fields__ if name not in {"task_id", "at", "result"}
)
_ANOTHER_HOLDER: Final = token_text(-1)


class TaskView:
    """What one actor may see of a task."""

    def __init__(self, seen: Mapping[str, object]) -> None:
        self.__dict__.update(seen)

    def __getattr__(self, name: str) -> object:
        """Refuse what is not in view."""
        message = f"the code reads a task's {name}: add it to _SEEN, so that states show it"
        raise ExplorerError(message)


def view(task: Task, call: Call) -> TaskView:
    """Return the task as the caller may see it; of tokens it can tell only its own."""
    seen: dict[str, Any] = {name: getattr(task, name) for name in _SEEN[call.actor]}
    lease = seen.get("lease")
    if lease is not None:
        mine = call.actor is Actor.WORKER and lease.holder == token_text(call.token)
        seen["lease"] = structs.replace(lease, holder=lease.holder if mine else _ANOTHER_HOLDER)
    return TaskView(seen)


def view_unreadable(stored: StoredTask, call: Call) -> StoredTask:
    """Return what the caller may see of an item that cannot be read; of tokens only its own."""
    lease = canonical_lease(stored.lease)
    if lease is not None and lease.holder != token_text(call.token):
        lease = structs.replace(lease, holder=_ANOTHER_HOLDER)
    submitted_at = stored.submitted_at
    return structs.replace(
        stored,
        lease=lease,
        due_at=canonical_time(stored.due_at),
        submitted_at=None if submitted_at is None else LONG_AGO if submitted_at < NOW else NOW,
    )


def view_text(task: Task, call: Call) -> str:
    """Return what tells two views apart."""
    return repr(sorted(view(task, call).__dict__.items(), key=lambda entry: entry[0]))


def canonical_transition(transition: Transition) -> Transition:
    """Return it without what states do not tell apart."""
    return structs.replace(
        transition,
        notes=None if transition.notes is None else "why",
        error_message=None if transition.error_message is None else "failed",
        lease=canonical_lease(transition.lease),
        due_at=canonical_time(transition.due_at),
    )


def transition_text(transition: Transition, attempt: int) -> str:
    """Say what a transition does, for a trace."""
    event = transition.event
    if event is TaskEvent.CLAIM:
        assert isinstance(transition.lease, Lease)
        return f"claims with token {token_number(transition.lease.holder)}"
    if event in {TaskEvent.COMPLETE, TaskEvent.FAIL, TaskEvent.RELEASE}:
        return f"{event}s attempt {attempt}"
    return f"writes {event}, as read: {', '.join(sorted(transition.condition.statuses))}"
