"""Sweeping: what is brought back, what is left alone, and what is given up."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Sequence
from datetime import timedelta
from hashlib import sha256
from typing import Any

import pytest

from chalicelib.domain import lifecycle
from chalicelib.domain.message import TaskMessage
from chalicelib.domain.task import Lease, Task, TaskEvent, TaskStatus
from chalicelib.errors import QueueUnavailable, StoreUnavailable
from chalicelib.settings import Settings
from chalicelib.use_cases.sweep import SweepPolicy, SweepReport, SweepTasks
from tests.support.faults import FailBefore, Faulty
from tests.support.in_memory import (
    T0,
    FakeClock,
    InMemoryTaskQueue,
    InMemoryTaskStore,
    RecordingObserver,
    a_result,
    a_task,
)

GRACE = 900.0
POLICY = SweepPolicy(
    grace_seconds=GRACE,
    interval_seconds_max=3600,
    age_seconds_max=432_000,
    tasks_max=10,
    margin_seconds=1,
    unit_tasks=10,
    concurrency=1,
)


class World:
    """A sweeper and what is around it, with one pending task."""

    def __init__(self) -> None:
        self.store = InMemoryTaskStore()
        self.clock = FakeClock()
        self.queue = InMemoryTaskQueue(self.clock)
        self.observer = RecordingObserver()
        self.task = a_task(sweep_grace_seconds=GRACE)
        self.store.create_if_absent(self.task)

    def current(self) -> Task:
        """Return the task as it is stored."""
        return self.store.tasks[self.task.task_id]

    def sweep(
        self,
        *,
        seconds_left: Callable[[], float] = lambda: 60,
        policy: SweepPolicy = POLICY,
        **faults: FailBefore,
    ) -> SweepReport:
        """Run the sweeper once."""
        return SweepTasks(
            store=self.store,
            queue=Faulty(self.queue, **faults),
            clock=self.clock,
            observer=self.observer,
            policy=policy,
        )(seconds_left=seconds_left)

    def claim(self, *, seconds: float) -> None:
        """Let a worker claim the task."""
        now = self.clock.now()
        lease = Lease(holder="w", expires_at=now + timedelta(seconds=seconds))
        self.store.apply(
            lifecycle.claim_if_available(self.task.task_id, lease=lease, now=now, attempts_max=5)
        )


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
    assert delivery.message.correlation_id == world.task.correlation_id


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


def test_a_task_whose_worker_died_is_brought_back() -> None:
    """Its lease has expired and no worker settled."""
    world = World()
    world.claim(seconds=30)
    world.clock.advance(GRACE)
    assert world.sweep().resent == 1
    assert "the lease of attempt 1 has expired" in str(world.current().history[-1].notes)
    assert world.current().status is TaskStatus.PROCESSING


@pytest.mark.parametrize("claimed", [False, True])
def test_only_age_makes_it_give_up(
    claimed: bool,  # noqa: FBT001 - a case of the table
) -> None:
    """Past the queue's retention and more; never for having been swept often."""
    world = World()
    if claimed:
        world.claim(seconds=30)
    world.clock.advance(432_001)
    assert world.sweep() == SweepReport(seen=1, given_up=1)
    assert world.current().status is TaskStatus.FAILED
    assert world.current().error_message == "not finished within 5 days of its submission"
    assert world.queue.messages == []


def test_swept_a_thousand_times_a_young_task_is_still_brought_back() -> None:
    """A queue outage must not fail healthy tasks."""
    world = World()
    world.store.tasks[world.task.task_id] = dataclasses.replace(world.task, sweeps=1000)
    world.clock.advance(GRACE)
    assert world.sweep().resent == 1


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

    store = Lagging()
    store.tasks = world.store.tasks
    world.store = store
    store.apply(
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
    policy = dataclasses.replace(POLICY, tasks_max=3)
    first, second = world.sweep(policy=policy), world.sweep(policy=policy)
    assert (first.resent, first.more) == (3, True)
    assert (second.resent, second.more) == (2, False)


def test_a_run_is_bounded_in_time() -> None:
    """It stops before the platform stops it."""
    world = World()
    world.clock.advance(GRACE)
    report = world.sweep(seconds_left=lambda: 0.5)
    assert (report.seen, report.more) == (0, True)
    assert world.current() == world.task
    assert world.clock.now() > T0


class CountingQueue(InMemoryTaskQueue):
    """Takes so many calls of `send_batch`, then none; counts them."""

    def __init__(self, clock: FakeClock, *, taken: int = 1_000, refuses: str = "") -> None:
        super().__init__(clock)
        self._left = taken
        self._refuses = refuses
        self.batches: list[int] = []

    def send_batch(self, messages: Sequence[TaskMessage]) -> Sequence[str | None]:
        """Send, or fail; of a batch that is taken, one task's message may be left out."""
        self.batches.append(len(messages))
        self._left -= 1
        if self._left < 0:
            raise QueueUnavailable
        return [None if m.task_id == self._refuses else self.send(m) for m in messages]


def with_tasks(number: int, **queue: Any) -> World:  # noqa: ANN401 - as the queue takes
    """Return a world with so many tasks that are due."""
    world = World()
    for n in range(1, number):
        world.store.create_if_absent(a_task(f"task-{n}", sweep_grace_seconds=GRACE))
    world.clock.advance(GRACE)
    world.queue = CountingQueue(world.clock, **queue)
    return world


@pytest.mark.parametrize("concurrency", [1, 8])
def test_ten_are_noted_then_sent_in_one_call(concurrency: int) -> None:
    """Each message is its owner's group's, and each task is noted once."""
    world = with_tasks(95)
    policy = dataclasses.replace(POLICY, tasks_max=1_000, concurrency=concurrency)
    assert world.sweep(policy=policy) == SweepReport(seen=95, resent=95)
    assert isinstance(world.queue, CountingQueue)
    assert sorted(world.queue.batches) == [5, *[10] * 9]
    assert {m.body.group for m in world.queue.messages} == {sha256(b"local").hexdigest()[:32]}
    assert [task.sweeps for task in world.store.tasks.values()] == [1] * 95


@pytest.mark.parametrize("concurrency", [1, 8])
def test_a_dead_queue_leaves_one_units_notes(concurrency: int) -> None:
    """The first unit goes alone: the intervals of the others are not doubled."""
    world = with_tasks(200, taken=0)
    policy = dataclasses.replace(POLICY, tasks_max=1_000, concurrency=concurrency)
    with pytest.raises(QueueUnavailable):
        world.sweep(policy=policy)
    assert sum(task.sweeps for task in world.store.tasks.values()) == 10


def test_a_queue_that_dies_in_a_run_ends_it() -> None:
    """No unit is begun after the first failure."""
    world = with_tasks(200, taken=3)
    with pytest.raises(QueueUnavailable):
        world.sweep(policy=dataclasses.replace(POLICY, tasks_max=1_000))
    assert sum(task.sweeps for task in world.store.tasks.values()) == 40
    assert len(world.queue.messages) == 30


def test_an_entry_that_is_not_taken_waits_for_its_interval() -> None:
    """It is told to the observer, nothing is sent again without a note, the run goes on."""
    world = with_tasks(25, refuses="task-3")
    policy = dataclasses.replace(POLICY, tasks_max=1_000)
    assert world.sweep(policy=policy).resent == 24
    assert [operation for operation, _ in world.observer.problems] == ["send the messages"]
    assert world.sweep(policy=policy) == SweepReport()
    world.clock.advance(GRACE)
    assert world.sweep(policy=policy).resent == 24
    assert world.store.tasks["task-3"].sweeps == 2


def test_what_is_noted_is_sent_though_the_database_fails_then() -> None:
    """A note without its message would wait for nothing."""
    world = with_tasks(10)
    reads = iter(range(100))

    class FailsAtTheFifth(InMemoryTaskStore):
        def get_without_payloads(self, task_id: str) -> Task | None:
            if next(reads) == 4:
                raise StoreUnavailable
            return super().get_without_payloads(task_id)

    store = FailsAtTheFifth()
    store.tasks = world.store.tasks
    world.store = store
    with pytest.raises(StoreUnavailable):
        world.sweep()
    assert len(world.queue.messages) == 4


def test_one_run_brings_back_two_thousand_at_five_milliseconds_a_call() -> None:
    """On one thread, in the time of the deployed function, with what a note and a send may take."""
    world = World()
    for number in range(2_499):
        world.store.create_if_absent(a_task(f"task-{number}", sweep_grace_seconds=GRACE))
    world.clock.advance(GRACE)
    settings, began = Settings(), world.clock.now()
    policy = dataclasses.replace(
        POLICY,
        tasks_max=settings.sweep_tasks_max,
        margin_seconds=2 * settings.database_call_seconds_max + settings.queue_call_seconds_max,
    )
    report = SweepTasks(
        store=Slow(world.store, world.clock),
        queue=Slow(world.queue, world.clock),
        clock=world.clock,
        observer=world.observer,
        policy=policy,
    )(seconds_left=lambda: 50 - (world.clock.now() - began).total_seconds())
    assert (report.resent, report.more) == (2_000, True)
    # 200 units of ten reads, ten notes and one send, and the list of what is due.
    assert (world.clock.now() - began).total_seconds() == pytest.approx(200 * 21 * 0.005 + 0.005)


class Slow:
    """A port whose every call takes five milliseconds of the test's time."""

    def __init__(self, port: object, clock: FakeClock) -> None:
        self._port = port
        self._clock = clock

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401 - whatever the port has
        method = getattr(self._port, name)

        def call(*args: Any, **kwargs: Any) -> Any:  # noqa: ANN401 - as the method's own
            self._clock.advance(0.005)
            return method(*args, **kwargs)

        return call
