"""Which tasks are due, to the microsecond, on every store."""

from __future__ import annotations

from datetime import timedelta
from uuid import uuid4

from chalicelib.ports import TaskStore
from tests.support.in_memory import T0, a_task

MOMENT = timedelta(microseconds=1)
LONG_BEFORE = T0 - timedelta(days=3_650)


def test_a_task_is_due_from_its_time_on(store: TaskStore) -> None:
    """At that very moment it is, a microsecond earlier it is not."""
    task = a_task(str(uuid4()), now=LONG_BEFORE)
    store.create_if_absent(task)
    due_at = task.due_at
    assert due_at is not None
    never = due_at + timedelta(days=36_500)
    assert task.task_id in store.due(due_at, limit=1_000, implausible_after=never)
    assert task.task_id not in store.due(due_at - MOMENT, limit=1_000, implausible_after=never)


def test_a_task_that_is_due_implausibly_late_is_due_now(store: TaskStore) -> None:
    """A corrupt time must not keep a task from the sweeper; at the bound itself it is plausible."""
    task = a_task(str(uuid4()), now=LONG_BEFORE)
    store.create_if_absent(task)
    due_at = task.due_at
    assert due_at is not None
    before = due_at - timedelta(days=1)
    assert task.task_id not in store.due(before, limit=1_000, implausible_after=due_at)
    assert task.task_id in store.due(before, limit=1_000, implausible_after=due_at - MOMENT)
