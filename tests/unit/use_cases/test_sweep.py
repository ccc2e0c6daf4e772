"""Sweeping: what is brought back, what is left alone, and what is abandoned."""

from __future__ import annotations

from datetime import timedelta

import pytest
from msgspec import structs

from chalicelib.domain import lifecycle
from chalicelib.domain.message import TaskMessage
from chalicelib.domain.task import Task, TaskEvent, TaskStatus
from chalicelib.errors import QueueUnavailable
from chalicelib.use_cases.sweep import SweepReport
from tests.support.faults import FailBefore
from tests.support.in_memory import T0, InMemoryTaskStore, a_result, a_task
from tests.support.world import GRACE, SWEEPS, World


def test_a_task_is_left_alone_until_its_grace_has_passed() -> None:
    """Its message is most likely on its way."""
    world = World()
    world.clock.advance(GRACE - 1)
    assert world.sweep() == SweepReport()
    assert world.current() == world.task


def test_a_task_that_was_not_claimed_is_noted_and_sent_again() -> None:
    """The note is in the history, and the message carries the task's correlation id."""
    world = World()
    world.clock.advance(GRACE)
    assert world.sweep() == SweepReport(seen=1, resent=1)
    noted = world.current().history[-1]
    assert (noted.event, noted.status) == (TaskEvent.SWEEP, TaskStatus.PENDING)
    assert noted.notes == "sweep 1: never claimed; its message is sent again"
    (delivery,) = world.queue.receive()
    sent = TaskMessage.about(world.task, enqueued_at=world.clock.now())
    assert delivery.message == structs.replace(sent, group=None)
    assert (world.observer.events, world.observer.sent) == ([TaskEvent.SWEEP], [sent])
    assert world.observer.message_ids == [delivery.message_id]


def test_the_interval_doubles_up_to_its_maximum() -> None:
    """A deep backlog is not made deeper every minute."""
    world = World()
    intervals = []
    for _ in range(5):
        due_at = world.current().due_at
        assert due_at is not None
        world.clock.advance((due_at - world.clock.now()).total_seconds())
        world.sweep()
        moved = world.current().due_at
        assert moved is not None
        intervals.append((moved - world.clock.now()).total_seconds())
    assert intervals == [900, 1800, 3600, 3600, 3600]


def test_a_live_lease_is_checked_again_when_it_ends() -> None:
    """It leaves no note and sends nothing."""
    world = World()
    world.clock.advance(GRACE)
    world.claim(seconds=30)
    history = world.current().history
    assert world.sweep() == SweepReport(seen=1, postponed=1)
    assert world.current().due_at == world.clock.now() + timedelta(seconds=30)
    assert (world.current().history, world.queue.messages) == (history, [])
    assert world.observer.events == []


def test_a_task_whose_worker_died_is_brought_back() -> None:
    """Its lease has expired and no worker settled."""
    world = World()
    world.claim(seconds=30)
    world.clock.advance(GRACE)
    assert world.sweep().resent == 1
    note = "sweep 1: the lease of attempt 1 has expired; its message is sent again"
    assert world.current().history[-1].notes == note
    assert world.current().status is TaskStatus.PROCESSING


def test_a_task_that_was_released_and_not_delivered_again_is_brought_back() -> None:
    """Its message is gone; the note says what it waited for, and which note it is."""
    world = World()
    world.claim(seconds=30)
    world.store.apply(
        lifecycle.release_if_current_attempt(
            world.task.task_id, attempt=1, token="another", notes="busy", now=world.clock.now()
        )
    )
    for number in (1, 2):
        world.clock.advance(2 * GRACE)
        world.sweep()
        assert world.current().history[-1].notes == (
            f"sweep {number}: attempt 1 was released and not tried again; its message is sent again"
        )


@pytest.mark.parametrize("claimed", [False, True])
def test_only_age_makes_the_sweeper_abandon_it(
    claimed: bool,  # noqa: FBT001 - a case of the table
) -> None:
    """Past the queue's retention and more; never for having been swept often."""
    world = World()
    if claimed:
        world.claim(seconds=30)
    world.clock.advance(432_000)
    assert world.sweep() == SweepReport(seen=1, resent=1)
    world.clock.advance(GRACE)
    assert world.sweep() == SweepReport(seen=1, abandoned=1)
    assert world.current().status is TaskStatus.FAILED
    assert world.current().error_message == "not finished within 5 days of its submission"
    assert world.observer.events == [TaskEvent.SWEEP, TaskEvent.ABANDON]
    assert len(world.queue.messages) == 1


def test_two_sweepers_at_once_send_once() -> None:
    """The note pins what was read, so the second one's is refused."""
    world = World()
    world.clock.advance(GRACE)

    class SweptMeanwhile(InMemoryTaskStore):
        def get_without_payloads(self, task_id: str) -> Task | None:
            read = super().get_without_payloads(task_id)
            assert read is not None
            world.store = plain
            world.sweep()
            return read

    plain, store = world.store, SweptMeanwhile()
    store.tasks = plain.tasks
    world.store = store
    assert world.sweep() == SweepReport(seen=1, skipped=1)
    assert len(world.queue.messages) == 1


def test_what_has_ended_meanwhile_is_skipped() -> None:
    """The index lags; the task itself decides."""
    world = World()
    world.clock.advance(GRACE)
    world.claim(seconds=30)

    class Lagging(InMemoryTaskStore):
        def due(self, before: object, *, limit: int, implausible_after: object) -> list[str]:
            return [world.task.task_id, "gone"]

    world.move_to(Lagging())
    world.store.apply(
        lifecycle.complete_if_current_attempt(
            world.task.task_id, attempt=1, result=a_result(), now=world.clock.now()
        )
    )
    assert world.sweep() == SweepReport(seen=2, skipped=2)


def test_a_message_that_cannot_be_sent_is_sent_by_a_later_run() -> None:
    """The run fails loudly; the note stands, and its interval passes."""
    world = World()
    world.clock.advance(GRACE)
    with pytest.raises(QueueUnavailable):
        world.sweep(send_batch=FailBefore(QueueUnavailable()))
    assert world.sweep() == SweepReport()
    world.clock.advance(GRACE)
    assert world.sweep().resent == 1
    assert len(world.queue.messages) == 1


def test_a_run_is_bounded_in_tasks() -> None:
    """It says that there may be more, and the next run goes on with the rest."""
    world = World()
    for number in range(4):
        world.store.create_if_absent(a_task(f"task-{number}", sweep_grace_seconds=GRACE))
    world.clock.advance(GRACE)
    policy = structs.replace(SWEEPS, tasks_max=3)
    first, second = world.sweep(policy=policy), world.sweep(policy=policy)
    assert (first.resent, first.more) == (3, True)
    assert (second.resent, second.more) == (2, False)


@pytest.mark.parametrize(("more", "seen"), [(0, 0), (1, 1)])
def test_a_task_is_read_too_if_it_is_due_later_than_anything_makes_it(more: int, seen: int) -> None:
    """Later than the longest interval and a day, for leases and for clocks that differ."""
    world = World()
    due_at = T0 + timedelta(days=1, seconds=SWEEPS.interval_seconds_max + more)
    world.store.tasks[world.task.task_id] = structs.replace(world.task, due_at=due_at)
    assert world.sweep() == SweepReport(seen=seen, skipped=seen)
