"""What an owner may do with a task whose item cannot be read: be told so, and cancel it."""

from __future__ import annotations

import pytest
from msgspec import structs

from chalicelib.domain import lifecycle
from chalicelib.domain.task import SCHEMA_VERSION, Task, TaskStatus
from chalicelib.domain.transition import Transition
from chalicelib.domain.unreadable import StoredTask, TaskUnreadable
from chalicelib.errors import ConditionFailed, TaskAlreadyEnded, TaskNotFound
from chalicelib.use_cases.cancel import CancelTask
from chalicelib.use_cases.read import GetTask
from tests.support.corrupt_tasks import Corrupt, make_corrupt, stored_of
from tests.support.fakes import RecordingObserver
from tests.support.in_memory import T0, FakeClock, InMemoryTaskStore, a_task

TASK = a_task(owner="alice")
FAILED = lifecycle.after(TASK, lifecycle.abandon_if_unchanged(TASK, error_message="x", now=T0))


class World:
    """One task, which is corrupt, and its owner's use cases."""

    def __init__(self, task: Task, store: InMemoryTaskStore | None = None) -> None:
        self.store = store or InMemoryTaskStore()
        self.store.tasks[task.task_id] = task
        self.clock = FakeClock()
        self.clock.advance(60)
        self.observer = RecordingObserver()
        self.get = GetTask(store=self.store, observer=self.observer)
        self.cancel = CancelTask(store=self.store, clock=self.clock, observer=self.observer)

    def current(self) -> Task:
        """Return the task as it is stored."""
        return self.store.tasks[TASK.task_id]


def test_its_owner_is_told_so_and_a_stranger_what_strangers_are_told() -> None:
    """The observer is told in both cases."""
    world = World(make_corrupt(TASK, Corrupt.ITEM))
    with pytest.raises(TaskUnreadable):
        world.get(TASK.task_id, owner="alice")
    with pytest.raises(TaskNotFound):
        world.get(TASK.task_id, owner="bob")
    assert world.observer.others == ["unreadable"] * 2


@pytest.mark.parametrize("how", Corrupt)
def test_its_owner_cancels_it(how: Corrupt) -> None:
    """What can be told of it is the answer, a second time too; its history says who it was."""
    world = World(make_corrupt(TASK, how))
    for _ in range(2):
        cancelled = world.cancel(TASK.task_id, owner="alice")
        assert isinstance(cancelled, StoredTask)
        assert cancelled.status == "cancelled"
    ended = world.current()
    assert (ended.status, ended.completed_at) == (TaskStatus.CANCELLED, world.clock.now())
    assert [entry.notes for entry in ended.history] == [None, "cancelled by its owner"]
    assert set(world.observer.others) == {"unreadable"}
    assert world.observer.events == []


def test_a_stranger_cannot_cancel_it() -> None:
    """It is as it was."""
    corrupt = make_corrupt(TASK, Corrupt.STATUS)
    world = World(corrupt)
    with pytest.raises(TaskNotFound):
        world.cancel(TASK.task_id, owner="bob")
    assert world.current() == corrupt


def test_one_that_has_ended_another_way_is_a_conflict() -> None:
    """In the words of one that can be read."""
    world = World(make_corrupt(FAILED, Corrupt.ITEM))
    with pytest.raises(TaskAlreadyEnded) as caught:
        world.cancel(TASK.task_id, owner="alice")
    assert str(caught.value) == "the task is failed and cannot be cancelled any more"
    assert world.current().status is TaskStatus.FAILED


@pytest.mark.parametrize("task", [TASK, FAILED])
def test_what_a_newer_version_wrote_is_not_cancelled(task: Task) -> None:
    """Nor is it said to have ended: another version may mean something else by it."""
    newer = structs.replace(task, schema_version=SCHEMA_VERSION + 1)
    world = World(newer)
    with pytest.raises(TaskUnreadable) as caught:
        world.cancel(TASK.task_id, owner="alice")
    assert (caught.value.stored, world.current()) == (stored_of(newer), newer)


def test_one_that_has_changed_meanwhile_is_told_as_it_was_seen() -> None:
    """The next cancel sees how it is."""

    class Changed(InMemoryTaskStore):
        def apply_to_unreadable(self, transition: Transition, stored: StoredTask) -> None:
            raise ConditionFailed

    corrupt = make_corrupt(TASK, Corrupt.STATUS)
    world = World(corrupt, Changed())
    with pytest.raises(TaskUnreadable) as caught:
        world.cancel(TASK.task_id, owner="alice")
    assert caught.value.stored == stored_of(corrupt)
