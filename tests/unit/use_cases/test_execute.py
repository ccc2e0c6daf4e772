"""Executing: what each delivery finds, and what becomes of it."""

from __future__ import annotations

from typing import Any

import pytest
from msgspec import structs

from chalicelib.domain import lifecycle
from chalicelib.domain.message import Acknowledge, Redeliver
from chalicelib.domain.task import Task, TaskEvent, TaskStatus
from chalicelib.domain.transition import Transition
from chalicelib.errors import (
    PermanentExecutionError,
    StoreFull,
    StoreUnavailable,
    TransientExecutionError,
)
from tests.support.fakes import ScriptedExecutor
from tests.support.faults import FailAfter, FailBefore
from tests.support.in_memory import T0, InMemoryTaskStore, a_result
from tests.support.world import ATTEMPTS_MAX, MARGIN, SECONDS_LEFT, World, a_delivery


def test_a_success_is_settled_and_then_acknowledged() -> None:
    """The result is recorded once, and the history is the whole path."""
    world = World()
    assert world.deliver() == Acknowledge("the task is completed")
    assert (world.current().status, world.current().result) == (TaskStatus.COMPLETED, a_result())
    assert [e.event for e in world.current().history] == [
        TaskEvent.SUBMIT,
        TaskEvent.CLAIM,
        TaskEvent.COMPLETE,
    ]
    assert world.observer.events == [TaskEvent.CLAIM, TaskEvent.COMPLETE]
    assert (world.executor.executed, world.executor.time_limits) == ([world.task.request], [5])


def test_the_lease_lasts_as_long_as_the_invocation_and_a_margin() -> None:
    """The platform kills the function then, so an expired lease has no live holder."""
    world = World(TransientExecutionError("later"))
    world.worker(apply=FailAfter(StoreUnavailable(in_doubt=True)))(
        a_delivery(world.task.task_id), seconds_left=lambda: SECONDS_LEFT
    )
    lease = world.current().lease
    assert lease is not None
    assert (lease.expires_at - T0).total_seconds() == SECONDS_LEFT + MARGIN


def test_a_permanent_failure_is_recorded_and_acknowledged() -> None:
    """It would fail again, so it is not tried again."""
    world = World(PermanentExecutionError("no such gate"))
    assert world.deliver() == Acknowledge("the task is failed")
    failed = world.current()
    assert (failed.status, failed.error_message) == (TaskStatus.FAILED, "no such gate")
    assert world.observer.events == [TaskEvent.CLAIM, TaskEvent.FAIL]


def test_a_transient_failure_is_released_and_comes_back_after_a_backoff() -> None:
    """Half of base x 2^0; the history says why and when; no attempt holds the task."""
    world = World(TransientExecutionError("the device is busy"))
    assert world.deliver() == Redeliver("the device is busy", 4)
    released = world.current()
    assert (released.status, released.lease, released.attempt) == (TaskStatus.PROCESSING, None, 1)
    assert released.history[-1].notes == (
        "the device is busy; next attempt due at 2026-01-01T12:00:04+00:00"
    )
    assert world.observer.events == [TaskEvent.CLAIM, TaskEvent.RELEASE]


def test_the_last_attempt_that_fails_transiently_fails_the_task() -> None:
    """There is never an attempt beyond the maximum."""
    world = World(*[TransientExecutionError("busy")] * ATTEMPTS_MAX)
    deliveries = [world.deliver(n + 1) for n in range(ATTEMPTS_MAX)]
    assert [type(d) for d in deliveries] == [Redeliver, Redeliver, Acknowledge]
    assert world.current().status is TaskStatus.FAILED
    assert world.current().error_message == "busy (attempt 3, the last)"
    assert len(world.executor.executed) == ATTEMPTS_MAX


def test_an_executors_bug_is_an_attempt_that_failed() -> None:
    """It is logged, and the task is tried again."""
    world = World(ZeroDivisionError("oops"))
    why = "the executor failed unexpectedly (ZeroDivisionError)"
    assert world.deliver() == Redeliver(why, 4)
    assert [operation for operation, _ in world.observer.problems] == ["execute the circuit"]
    assert world.observer.task_ids_of_problems == [[world.task.task_id]]


def test_a_result_that_is_too_large_fails_its_task() -> None:
    """It could be neither kept nor given back; the message names size and limit."""
    counts = {f"{n:064b}": 1 for n in range(90_000)}
    world = World(structs.replace(a_result(), counts=counts))
    assert isinstance(world.deliver(), Acknowledge)
    assert world.current().status is TaskStatus.FAILED
    assert "the limit is 6,099,9" in str(world.current().error_message)


def test_an_error_message_is_kept_short() -> None:
    """It stands in the item, which every transition rewrites."""
    world = World(PermanentExecutionError("x" * 100_000))
    world.deliver()
    assert world.current().error_message == "x" * 1_000


def test_the_reason_of_a_release_is_kept_short() -> None:
    """Its note says when the next attempt is due all the same; the log has all of it."""
    world = World(TransientExecutionError("x" * 100_000))
    assert world.deliver() == Redeliver("x" * 100_000, 4)
    note = f"{'x' * 1_000}; next attempt due at 2026-01-01T12:00:04+00:00"
    assert world.current().history[-1].notes == note


@pytest.mark.parametrize("start_seconds", [0, 2.5])
def test_too_little_time_left_starts_nothing(start_seconds: float) -> None:
    """Less than it may wait, an execution and its margin: given back unclaimed."""
    world = World()
    worker = world.worker()
    policy = structs.replace(worker.policy, start_seconds_max=start_seconds)
    worker = structs.replace(worker, policy=policy)
    delivery = a_delivery(world.task.task_id)
    too_little = worker(delivery, seconds_left=lambda: 6.9 + start_seconds)
    assert too_little == Redeliver("too little time left to execute it", 1)
    assert world.current() == world.task
    assert isinstance(worker(delivery, seconds_left=lambda: 7 + start_seconds), Acknowledge)


@pytest.mark.parametrize("end", ["complete", "cancel"])
def test_a_task_that_has_ended_is_a_duplicate(end: str) -> None:
    """It is acknowledged and not executed."""
    world = World()
    if end == "complete":
        world.deliver()
    else:
        world.store.apply(lifecycle.cancel_if_open(world.task.task_id, owner="local", now=T0))
    ended, executed = world.current(), len(world.executor.executed)
    assert world.deliver(2) == Acknowledge(f"duplicate: the task is {ended.status}")
    assert (world.current(), len(world.executor.executed)) == (ended, executed)


def test_a_message_without_a_task_is_acknowledged_and_reported() -> None:
    """Nothing will ever come of it."""
    world = World()
    del world.store.tasks[world.task.task_id]
    assert world.deliver() == Acknowledge("no such task")
    assert world.observer.others == ["unknown task"]


def test_a_live_lease_is_respected_until_it_ends() -> None:
    """The message is hidden just that long, and no attempt is spent."""
    world = World()
    world.claim(seconds=30)
    assert world.deliver() == Redeliver("another attempt is at work", 30)
    assert (world.current().attempt, world.executor.executed) == (1, [])


def test_an_expired_lease_is_taken_over() -> None:
    """The new attempt says that it took over."""
    world = World()
    world.claim(seconds=30)
    world.clock.advance(30)
    assert isinstance(world.deliver(2), Acknowledge)
    assert world.current().attempt == 2
    assert "took over" in str(world.current().history[2].notes)


def test_a_worker_that_was_taken_over_writes_nothing() -> None:
    """Its message stays with the worker that has the task now."""
    world = World()

    class TakenOverMeanwhile(ScriptedExecutor):
        def execute(self, request: Any, *, time_limit_seconds: float) -> Any:  # noqa: ANN401
            world.clock.advance(SECONDS_LEFT + MARGIN)
            world.claim(seconds=20)
            return super().execute(request, time_limit_seconds=time_limit_seconds)

    world.executor = TakenOverMeanwhile()
    assert world.deliver() == Redeliver("another attempt has the task", 20)
    assert (world.current().status, world.current().attempt) == (TaskStatus.PROCESSING, 2)


def test_a_worker_that_completes_a_cancelled_task_writes_nothing() -> None:
    """The cancel stands, and the message is done with."""
    world = World()

    class CancelledMeanwhile(ScriptedExecutor):
        def execute(self, request: Any, *, time_limit_seconds: float) -> Any:  # noqa: ANN401
            world.store.apply(lifecycle.cancel_if_open(world.task.task_id, owner="local", now=T0))
            return super().execute(request, time_limit_seconds=time_limit_seconds)

    world.executor = CancelledMeanwhile()
    assert world.deliver() == Acknowledge("the task is cancelled already")
    assert (world.current().status, world.current().result) == (TaskStatus.CANCELLED, None)


def test_attempts_that_never_finished_are_abandoned_after_the_last() -> None:
    """Each worker died under its lease: the task is failed, and says so."""
    world = World()
    for _ in range(ATTEMPTS_MAX):
        world.claim(seconds=1)
        world.clock.advance(1)
    assert world.deliver(4) == Acknowledge("the task is failed")
    abandoned = world.current()
    assert abandoned.status is TaskStatus.FAILED
    assert world.observer.events == [TaskEvent.ABANDON]
    assert abandoned.error_message == "3 attempts, the last one never finished"
    assert world.executor.executed == []


class DoubledApply(InMemoryTaskStore):
    """Applies one event, loses the reply, and reports what the SDK's repetition meets."""

    def __init__(self, event: TaskEvent) -> None:
        super().__init__()
        self.event = event

    def apply(self, transition: Transition) -> Task:
        """Apply twice where the event is the one."""
        if transition.event is self.event:
            super().apply(transition)
        return super().apply(transition)


@pytest.mark.parametrize("event", [TaskEvent.CLAIM, TaskEvent.COMPLETE])
def test_ones_own_write_is_recognised_when_its_reply_was_lost(event: TaskEvent) -> None:
    """The repeated call is refused by one's own success; one attempt is spent, and used."""
    world = World()
    world.move_to(DoubledApply(event))
    assert isinstance(world.deliver(), Acknowledge)
    assert (world.current().status, world.current().attempt) == (TaskStatus.COMPLETED, 1)
    assert len(world.executor.executed) == 1


def test_ones_own_release_is_recognised_and_keeps_its_backoff() -> None:
    """A release whose reply was lost is a release."""
    world = World(TransientExecutionError("busy"))
    world.move_to(DoubledApply(TaskEvent.RELEASE))
    assert world.deliver() == Redeliver("busy", 4)


@pytest.mark.parametrize("fault", [FailBefore, FailAfter])
@pytest.mark.parametrize("error", [StoreUnavailable(in_doubt=True), StoreFull()])
def test_without_the_store_nothing_is_acknowledged(
    fault: type[FailBefore | FailAfter], error: Exception
) -> None:
    """The message comes back less and less often; it is told to the observer."""
    world = World()
    disposition = world.deliver(3, apply=fault(error))
    assert disposition == Redeliver("the database cannot be used", 64)
    assert world.executor.executed == []
    assert world.observer.problems == [("execute the task", error)]
    assert world.observer.task_ids_of_problems == [[world.task.task_id]]
