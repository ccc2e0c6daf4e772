"""Sweeping over a task that cannot be read: quarantined, abandoned for its age, or left alone."""

from __future__ import annotations

from datetime import timedelta

import pytest
from msgspec import structs

from chalicelib.domain import lifecycle
from chalicelib.domain.task import Task, TaskEvent, TaskStatus
from chalicelib.domain.transition import Transition
from chalicelib.domain.unreadable import StoredTask, TaskUnreadable
from chalicelib.errors import ConditionFailed
from chalicelib.use_cases.sweep import SweepReport
from tests.support.corrupting import Corrupt, make_corrupt, stored_of
from tests.support.in_memory import InMemoryTaskStore, a_result
from tests.support.world import GRACE, SWEEPS, World

AGE_MAX = SWEEPS.age_seconds_max
QUARANTINED = SweepReport(seen=1, unreadable=1)


def a_world(task: Task | None = None, how: Corrupt = Corrupt.ITEM) -> World:
    """Return a world whose task is corrupt, and due."""
    world = World()
    world.store.tasks[world.task.task_id] = make_corrupt(task or world.task, how)
    world.clock.advance(GRACE)
    return world


@pytest.mark.parametrize("how", [Corrupt.ITEM, Corrupt.STATUS])
def test_it_is_due_again_after_the_longest_interval(how: Corrupt) -> None:
    """It costs the next runs nothing; it is told, and nothing is sent or noted."""
    world = a_world(how=how)
    before = world.current()
    assert world.sweep() == QUARANTINED
    due_at = world.clock.now() + timedelta(seconds=SWEEPS.interval_seconds_max)
    assert world.current() == structs.replace(before, due_at=due_at)
    assert (world.observer.others, world.observer.events) == (["unreadable"], [])
    assert world.queue.messages == []


def test_past_its_maximum_age_it_is_failed_and_says_why() -> None:
    """Not at that age; a second later."""
    world = a_world()
    world.clock.advance(AGE_MAX - GRACE)
    assert world.sweep() == QUARANTINED
    world.clock.advance(SWEEPS.interval_seconds_max)
    assert world.sweep() == structs.replace(QUARANTINED, abandoned=1)
    ended = world.current()
    assert (ended.status, ended.history[-1].event) == (TaskStatus.FAILED, TaskEvent.ABANDON)
    assert ended.error_message == (
        "not finished within 5 days of its submission; it cannot be read: it is corrupt"
    )
    assert (ended.completed_at, ended.due_at) == (world.clock.now(), None)


def test_what_tells_no_time_of_its_submission_is_not_too_old() -> None:
    """It is quarantined as long as it lies there."""
    world = a_world()

    class Timeless(InMemoryTaskStore):
        def get_without_payloads(self, task_id: str) -> Task | None:
            stored = structs.replace(stored_of(self.tasks[task_id]), submitted_at=None)
            raise TaskUnreadable(stored, applied=False)

    world.move_to(Timeless())
    world.clock.advance(2 * AGE_MAX)
    assert world.sweep() == QUARANTINED


@pytest.mark.parametrize(("lease_seconds", "is_left_alone"), [(1, True), (0, False)])
def test_the_attempt_that_holds_it_is_let_fail_it(
    lease_seconds: int,
    is_left_alone: bool,  # noqa: FBT001 - a case of the table
) -> None:
    """For as long as its lease is live, to the second."""
    world = World()
    world.clock.advance(GRACE)
    world.claim(seconds=lease_seconds)
    world.store.tasks[world.task.task_id] = before = make_corrupt(world.current(), Corrupt.ITEM)
    assert world.sweep() == QUARANTINED
    assert (world.current() == before) is is_left_alone


def test_what_has_ended_is_left_as_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    """The index lags, and gives it once more."""
    world = World()
    world.claim(seconds=30)
    complete = lifecycle.complete_if_current_attempt(
        world.task.task_id, attempt=1, result=a_result(), now=world.clock.now()
    )
    world.store.apply(complete)
    world.store.tasks[world.task.task_id] = ended = make_corrupt(world.current(), Corrupt.ITEM)
    monkeypatch.setattr(world.store, "due", lambda *_, **__: [world.task.task_id])
    world.clock.advance(2 * AGE_MAX)
    assert world.sweep() == QUARANTINED
    assert world.current() == ended


def test_one_that_has_changed_meanwhile_is_skipped() -> None:
    """Its next run sees how."""
    world = a_world()

    class Changed(InMemoryTaskStore):
        def apply_to_unreadable(self, transition: Transition, stored: StoredTask) -> None:
            raise ConditionFailed

    world.move_to(Changed())
    assert world.sweep() == structs.replace(QUARANTINED, skipped=1)


def test_one_that_is_corrupt_after_it_was_read_is_sent_all_the_same() -> None:
    """Its note is applied, so its message must go; what cannot be read is told."""
    world = World()
    world.clock.advance(GRACE)

    class CorruptMeanwhile(InMemoryTaskStore):
        def get_without_payloads(self, task_id: str) -> Task | None:
            read = super().get_without_payloads(task_id)
            self.tasks[task_id] = make_corrupt(self.tasks[task_id], Corrupt.ITEM)
            return read

    world.move_to(CorruptMeanwhile())
    assert world.sweep() == SweepReport(seen=1, resent=1)
    assert (world.observer.others, world.observer.events) == (["unreadable"], [])
    assert world.current().sweeps == 1
