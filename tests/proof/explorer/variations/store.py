"""The store without one of its guards."""

from __future__ import annotations

import dataclasses
from typing import Any

from msgspec import structs

from chalicelib.domain.task import Task, TaskEvent, TaskStatus
from chalicelib.domain.transition import Transition
from chalicelib.domain.unreadable import StoredTask
from chalicelib.errors import ConditionFailed
from chalicelib.ports import KeptCircuit, PutOutcome
from tests.proof.explorer.programs import OWNER_NAME
from tests.support.in_memory import InMemoryTaskStore, a_request, a_task

#: In place of a condition's statuses: any will do.
ANY_STATUS = frozenset(TaskStatus)


@dataclasses.dataclass(frozen=True, slots=True)
class Without:
    """Takes clauses out of the conditions of some events' transitions."""

    events: frozenset[TaskEvent]
    clauses: frozenset[str]

    def __call__(self, transition: Transition) -> Transition:
        """Return the transition with a weaker condition."""
        if transition.event not in self.events:
            return transition
        changes: dict[str, Any] = dict.fromkeys(self.clauses)
        if "statuses" in changes:
            changes["statuses"] = ANY_STATUS
        condition = structs.replace(transition.condition, **changes)
        return structs.replace(transition, condition=condition)


def without(event: TaskEvent, *clauses: str) -> Without:
    """Return what takes these clauses out of one event's condition."""
    return Without(frozenset({event}), frozenset(clauses))


class OverwritingStore(InMemoryTaskStore):
    """Puts whatever is there."""

    def create_if_absent(self, task: Task, kept: KeptCircuit | None = None) -> PutOutcome:
        """Store the task."""
        self.tasks[task.task_id] = task
        return PutOutcome.CREATED


class DeletingStore(InMemoryTaskStore):
    """Deletes whatever the status."""

    def delete_if_pending(self, task_id: str) -> None:
        """Delete the task if it is there."""
        if self.tasks.pop(task_id, None) is None:
            raise ConditionFailed


class UncountingStore(InMemoryTaskStore):
    """Leaves the attempt as it is when a task is claimed again."""

    def apply(self, transition: Transition) -> Task:
        """Apply, but for the attempt."""
        before = self.tasks.get(transition.task_id)
        after = super().apply(transition)
        if before is not None and transition.event is TaskEvent.CLAIM:
            after = structs.replace(after, attempt=before.attempt or 1)
            self.tasks[after.task_id] = after
        return after


class UpsertingStore(InMemoryTaskStore):
    """Makes the item that a transition does not find, as `UpdateItem` without a condition does."""

    def apply(self, transition: Transition) -> Task:
        """Apply, whether the task is there or not."""
        if transition.task_id not in self.tasks and transition.event is TaskEvent.CLAIM:
            task = a_task(transition.task_id, request=a_request("A"), owner=OWNER_NAME)
            self.tasks[task.task_id] = task
        return super().apply(transition)


class PinsNoStatus(InMemoryTaskStore):
    """Writes on an item that cannot be read though it has ended, or was quarantined, meanwhile."""

    pinned = ("attempt",)


class PinsNoAttempt(InMemoryTaskStore):
    """Writes on an item that cannot be read though an attempt may be at work on it."""

    pinned = ("due_at", "status")

    def apply_to_unreadable(self, transition: Transition, stored: StoredTask) -> None:
        """Apply, whatever the lease."""
        _apply_to_leased(super(), transition, stored)


class PinsAnyStatus(InMemoryTaskStore):
    """Leaves out the status."""

    pinned = ("due_at", "attempt")


class PinsAnyTime(InMemoryTaskStore):
    """Leaves out when it is due."""

    pinned = ("status", "attempt")


class PinsAnyAttempt(InMemoryTaskStore):
    """Leaves out the attempt."""

    pinned = ("due_at", "status")


class PinsAnyLease(InMemoryTaskStore):
    """Leaves out the lease."""

    def apply_to_unreadable(self, transition: Transition, stored: StoredTask) -> None:
        """Apply, whatever the lease."""
        _apply_to_leased(super(), transition, stored)


def _apply_to_leased(store: Any, transition: Transition, stored: StoredTask) -> None:  # noqa: ANN401 - what `super()` is
    condition = structs.replace(transition.condition, no_live_lease_at=None)
    store.apply_to_unreadable(structs.replace(transition, condition=condition), stored)
