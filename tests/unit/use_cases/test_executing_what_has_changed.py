"""Executing a task that another has changed meanwhile, or whose item cannot be read."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from msgspec import structs

from chalicelib.domain import lifecycle
from chalicelib.domain.message import Acknowledge, Redeliver
from chalicelib.domain.task import SCHEMA_VERSION, Lease, Task, TaskEvent, TaskStatus
from chalicelib.domain.transition import Transition
from chalicelib.domain.unreadable import StoredTask, TaskUnreadable
from chalicelib.errors import ConditionFailed, TransientExecutionError
from tests.support.corrupting import Corrupt, stored_of
from tests.support.fakes import ScriptedExecutor
from tests.support.in_memory import InMemoryTaskStore, a_result
from tests.support.world import ATTEMPTS_MAX, World

CHANGED = Redeliver("the task changed meanwhile", 1)


class SpoilingExecutor(ScriptedExecutor):
    """Spoils the task while it is executed."""

    world: World

    def execute(self, request: Any, *, time_limit_seconds: float) -> Any:  # noqa: ANN401
        """Spoil the task, and do what is lined up."""
        self.world.corrupt()
        return super().execute(request, time_limit_seconds=time_limit_seconds)


def a_corrupting_world(*outcomes: Any) -> World:  # noqa: ANN401 - results or errors
    """Return a world whose task is corrupt while it is executed."""
    world = World()
    executor = SpoilingExecutor(*outcomes)
    executor.world, world.executor = world, executor
    return world


def test_a_claim_that_raced_is_tried_again_at_once() -> None:
    """The task would take it now: it changed between the write and the read."""

    class Raced(InMemoryTaskStore):
        def apply(self, transition: Transition) -> Task:
            raise ConditionFailed

    world = World(store=Raced())
    assert world.deliver() == CHANGED
    assert world.executor.executed == []


@pytest.mark.parametrize("found", ["another's", "released", "none"])
def test_a_claim_that_was_lost_again_before_it_was_read_whole_is_not_executed(found: str) -> None:
    """Its reply was lost, and by the second read the task was no more this delivery's."""

    class LostAgain(InMemoryTaskStore):
        def apply(self, transition: Transition) -> Task:
            super().apply(transition)
            raise ConditionFailed

        def get(self, task_id: str) -> Task | None:
            task = super().get(task_id)
            assert task is not None
            assert task.lease is not None
            if found == "none":
                return None
            lease = structs.replace(task.lease, holder="another")
            return structs.replace(task, lease=lease if found == "another's" else None)

    world = World(store=LostAgain())
    assert world.deliver() == CHANGED
    assert world.executor.executed == []


@pytest.mark.parametrize(("attempt", "is_failed"), [(1, True), (1.5, True), (None, False)])
def test_what_it_holds_is_failed_by_the_number_that_lies_there(
    attempt: float | None,
    is_failed: bool,  # noqa: FBT001 - a case of the table
) -> None:
    """With why, cut to what an item takes; where there is no number, it comes back."""
    settled: list[Transition] = []

    class Strange(InMemoryTaskStore):
        def apply(self, transition: Transition) -> Task:
            if transition.event is TaskEvent.CLAIM:
                claimed = lifecycle.after(self.tasks[transition.task_id], transition)
                stored = structs.replace(stored_of(claimed), attempt=attempt, reason="x" * 2_000)
                raise TaskUnreadable(stored, applied=True)
            settled.append(transition)
            return lifecycle.after(self.tasks[transition.task_id], transition)

    world = World(store=Strange())
    disposition = world.deliver(2)
    if not is_failed:
        assert disposition == Redeliver("the task cannot be read", 8)
        return
    assert disposition == Acknowledge("the task is failed")
    (fail,) = settled
    assert (fail.event, fail.condition.attempt) == (TaskEvent.FAIL, attempt)
    assert fail.error_message == ("it cannot be executed: " + "x" * 2_000)[:1_000]


@pytest.mark.parametrize(("receives", "seconds"), [(1, 4), (2, 8)])
def test_what_no_claim_can_hold_comes_back_after_a_backoff(receives: int, seconds: int) -> None:
    """It is told each time; the sweeper quarantines it meanwhile."""
    world = World()
    before = world.corrupt(Corrupt.STATUS)
    assert world.deliver(receives) == Redeliver("the task cannot be read", seconds)
    assert world.current() == before
    assert world.observer.others == ["unreadable"]


def test_what_has_ended_is_done_with_though_it_cannot_be_read() -> None:
    """How it ended can be told."""
    world = World()
    world.deliver()
    world.corrupt()
    assert world.deliver(2) == Acknowledge("the task is completed already")


def test_what_a_newer_version_wrote_is_left_to_it() -> None:
    """Even past its last attempt."""
    world = World()
    before = world.corrupt(Corrupt.STATUS, attempt=ATTEMPTS_MAX, schema_version=SCHEMA_VERSION + 1)
    assert world.deliver() == Redeliver("the task is from a newer version", 4)
    assert world.current() == before


@pytest.mark.parametrize(
    ("attempt", "lease_seconds"), [(ATTEMPTS_MAX - 1, None), (ATTEMPTS_MAX, 1)]
)
def test_before_its_last_attempt_has_ended_it_comes_back(
    attempt: int, lease_seconds: int | None
) -> None:
    """While that attempt's lease is live, it may still end."""
    world = World()
    expires_at = world.clock.now() + timedelta(seconds=lease_seconds or 0)
    lease = lease_seconds and Lease(holder="w", expires_at=expires_at)
    before = world.corrupt(Corrupt.STATUS, attempt=attempt, lease=lease)
    assert world.deliver() == Redeliver("the task cannot be read", 4)
    assert world.current() == before


def test_past_its_last_attempt_it_is_abandoned() -> None:
    """It says that the attempt never finished, and what cannot be read."""
    world = World()
    expired = Lease(holder="w", expires_at=world.clock.now())
    world.corrupt(Corrupt.STATUS, attempt=ATTEMPTS_MAX, lease=expired)
    assert world.deliver() == Acknowledge("the task is failed")
    ended = world.current()
    assert (ended.status, ended.history[-1].event) == (TaskStatus.FAILED, TaskEvent.ABANDON)
    assert ended.error_message == "3 attempts, the last one never finished; it is corrupt"
    assert ended.completed_at == world.clock.now()


def test_one_that_changed_while_it_was_abandoned_comes_back() -> None:
    """The next delivery sees how."""

    class Changed(InMemoryTaskStore):
        def apply_to_unreadable(self, transition: Transition, stored: StoredTask) -> None:
            raise ConditionFailed

    world = World(store=Changed())
    world.corrupt(Corrupt.STATUS, attempt=ATTEMPTS_MAX)
    assert world.deliver() == CHANGED


def test_one_that_was_corrupt_during_its_execution_is_settled() -> None:
    """The write needs nothing that cannot be read."""
    world = a_corrupting_world()
    assert world.deliver() == Acknowledge("the task is completed")
    assert (world.current().status, world.current().result) == (TaskStatus.COMPLETED, a_result())
    assert world.observer.others == ["unreadable"]
    assert world.observer.events == [TaskEvent.CLAIM]


def test_one_that_was_corrupt_before_its_release_keeps_its_backoff() -> None:
    """It is released, and its message comes back when the next attempt is due."""
    world = a_corrupting_world(TransientExecutionError("busy"))
    assert world.deliver() == Redeliver("busy", 4)
    assert world.current().lease is None
    assert world.observer.others == ["unreadable"]


class RefusingSettles(InMemoryTaskStore):
    """Refuses every settle, as if the task had changed."""

    def apply(self, transition: Transition) -> Task:
        """Apply claims only."""
        if transition.event is not TaskEvent.CLAIM:
            raise ConditionFailed
        return super().apply(transition)


def test_a_refused_settle_that_cannot_be_read_comes_back_after_the_first_backoff() -> None:
    """However often its message has been received."""
    world = a_corrupting_world()
    world.move_to(RefusingSettles())
    assert world.deliver(3) == Redeliver("the task cannot be read", 4)
    assert world.observer.others == ["unreadable"]


def test_a_refused_settle_of_a_task_that_is_gone_is_done_with() -> None:
    """Nothing is left to execute."""

    class Gone(RefusingSettles):
        def get_without_payloads(self, task_id: str) -> Task | None:
            return None

    world = World(store=Gone())
    assert world.deliver() == Acknowledge("the task is gone already")


@pytest.mark.parametrize("outcome", [a_result(), TransientExecutionError("busy")])
def test_a_refused_settle_waits_for_the_lease_that_is_there(outcome: Any) -> None:  # noqa: ANN401
    """It ends ten seconds and the margin after the claim."""
    world = World(outcome, store=RefusingSettles())
    assert world.deliver() == Redeliver("another attempt has the task", 12)


def test_a_refused_completion_of_a_task_without_a_lease_comes_back_at_once() -> None:
    """Another has released it meanwhile: it can be claimed."""

    class Released(RefusingSettles):
        def get_without_payloads(self, task_id: str) -> Task | None:
            task = super().get_without_payloads(task_id)
            assert task is not None
            return structs.replace(task, lease=None)

    world = World(store=Released())
    assert world.deliver() == Redeliver("another attempt has the task", 1)
