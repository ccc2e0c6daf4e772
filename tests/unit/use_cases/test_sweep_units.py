"""Sweeping in units: what is noted and then sent in one call, and where a run ends."""

from __future__ import annotations

import contextvars
import threading
from collections.abc import Sequence
from hashlib import sha256
from typing import Any

import pytest
from msgspec import structs

from chalicelib.domain.message import TaskMessage
from chalicelib.domain.task import Task
from chalicelib.errors import QueueUnavailable, StoreFull, StoreUnavailable
from chalicelib.settings import Settings
from chalicelib.use_cases.sweep import SweepReport, SweepTasks
from tests.support.in_memory import FakeClock, InMemoryTaskQueue, InMemoryTaskStore, a_task
from tests.support.world import GRACE, SWEEPS, World


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
    policy = structs.replace(SWEEPS, tasks_max=1_000, concurrency=concurrency)
    assert world.sweep(policy=policy) == SweepReport(seen=95, resent=95)
    assert isinstance(world.queue, CountingQueue)
    assert sorted(world.queue.batches) == [5, *[10] * 9]
    assert {m.body.group for m in world.queue.messages} == {sha256(b"local").hexdigest()[:32]}
    assert [task.sweeps for task in world.store.tasks.values()] == [1] * 95


@pytest.mark.parametrize("concurrency", [1, 8])
def test_a_dead_queue_leaves_one_units_notes(concurrency: int) -> None:
    """The first unit goes alone: the intervals of the others are not doubled."""
    world = with_tasks(200, taken=0)
    policy = structs.replace(SWEEPS, tasks_max=1_000, concurrency=concurrency)
    with pytest.raises(QueueUnavailable):
        world.sweep(policy=policy)
    assert sum(task.sweeps for task in world.store.tasks.values()) == 10


def test_no_other_unit_begins_while_the_first_is_under_way() -> None:
    """Whatever may be done at once: it must first be known that the queue takes messages."""
    world = with_tasks(30)
    read: list[str] = []
    read_at_the_first_send: list[int] = []
    another = threading.Event()

    class Reading(InMemoryTaskStore):
        def get_without_payloads(self, task_id: str) -> Task | None:
            read.append(task_id)
            if len(read) > SWEEPS.unit_tasks:
                another.set()
            return super().get_without_payloads(task_id)

    class Watching(CountingQueue):
        def send_batch(self, messages: Sequence[TaskMessage]) -> Sequence[str | None]:
            if not read_at_the_first_send:
                another.wait(0.1)
                read_at_the_first_send.append(len(read))
            return super().send_batch(messages)

    world.move_to(Reading())
    world.queue = Watching(world.clock)
    world.sweep(policy=structs.replace(SWEEPS, tasks_max=1_000, concurrency=8))
    assert read_at_the_first_send == [10]
    assert len(read) == 30


def test_the_units_of_a_run_have_its_context() -> None:
    """So that the log lines of each thread say which run it was."""
    world = with_tasks(50)
    run = contextvars.ContextVar("run", default="none")
    seen: list[str] = []

    class Seeing(InMemoryTaskStore):
        def get_without_payloads(self, task_id: str) -> Task | None:
            seen.append(run.get())
            return super().get_without_payloads(task_id)

    world.move_to(Seeing())
    policy = structs.replace(SWEEPS, tasks_max=1_000, concurrency=8)
    contextvars.copy_context().run(lambda: (run.set("this"), world.sweep(policy=policy)))
    assert seen == ["this"] * 50


def test_a_queue_that_dies_in_a_run_ends_it() -> None:
    """No unit is begun after the first failure."""
    world = with_tasks(200, taken=3)
    with pytest.raises(QueueUnavailable):
        world.sweep(policy=structs.replace(SWEEPS, tasks_max=1_000))
    assert sum(task.sweeps for task in world.store.tasks.values()) == 40
    assert len(world.queue.messages) == 30


def test_an_entry_that_is_not_taken_waits_for_its_interval() -> None:
    """It is told to the observer, nothing is sent again without a note, the run goes on."""
    world = with_tasks(25, refuses="task-3")
    policy = structs.replace(SWEEPS, tasks_max=1_000)
    assert world.sweep(policy=policy).resent == 24
    ((operation, error),) = world.observer.problems
    assert operation == "send the messages"
    assert str(error) == "the queue took 9 of 10 messages"
    assert world.observer.task_ids_of_problems == [["task-3"]]
    assert len(world.observer.sent) == 24
    assert world.sweep(policy=policy) == SweepReport()
    world.clock.advance(GRACE)
    assert world.sweep(policy=policy).resent == 24
    assert world.store.tasks["task-3"].sweeps == 2


def test_a_queue_that_takes_no_message_of_a_call_ends_the_run() -> None:
    """It answers and is as good as dead; the run fails loudly."""
    world = World()
    world.clock.advance(GRACE)
    world.queue = CountingQueue(world.clock, refuses=world.task.task_id)
    with pytest.raises(QueueUnavailable, match=r"^the queue took 0 of 1 messages$"):
        world.sweep()
    assert world.observer.sent == []


@pytest.mark.parametrize(
    ("more", "report"),
    [(0.0, SweepReport(seen=1, resent=1)), (-0.01, SweepReport(more=True))],
)
def test_a_sweeper_begins_a_task_while_its_margin_is_left(more: float, report: SweepReport) -> None:
    """Exactly the margin is enough for one; with less the run ends, and says that it did."""
    world = with_tasks(1)
    assert world.sweep(seconds_left=lambda: SWEEPS.margin_seconds + more) == report


def test_what_is_noted_before_the_time_is_over_is_sent() -> None:
    """Each unit that finds no time says so, and the run says it once."""
    world = with_tasks(20)
    left = iter([60.0] * 3 + [0.5] * 2)
    policy = structs.replace(SWEEPS, tasks_max=1_000)
    report = world.sweep(policy=policy, seconds_left=lambda: next(left))
    assert report == SweepReport(seen=3, resent=3, more=True)


@pytest.mark.parametrize("error", [StoreUnavailable, StoreFull])
def test_what_is_noted_is_sent_though_the_database_fails_then(error: type[Exception]) -> None:
    """A note without its message would wait for nothing."""
    world = with_tasks(10)
    reads = iter(range(100))

    class FailsAtTheFifth(InMemoryTaskStore):
        def get_without_payloads(self, task_id: str) -> Task | None:
            if next(reads) == 4:
                raise error
            return super().get_without_payloads(task_id)

    world.move_to(FailsAtTheFifth())
    with pytest.raises(error):
        world.sweep()
    assert len(world.queue.messages) == 4


def test_one_run_brings_back_two_thousand_at_five_milliseconds_a_call() -> None:
    """On one thread, in the time of the deployed function, with what a note and a send may take."""
    world = World()
    for number in range(2_499):
        world.store.create_if_absent(a_task(f"task-{number}", sweep_grace_seconds=GRACE))
    world.clock.advance(GRACE)
    settings, began = Settings(), world.clock.now()
    policy = structs.replace(
        SWEEPS,
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
