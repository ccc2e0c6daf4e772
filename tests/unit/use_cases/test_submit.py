"""Submitting: what is stored and sent, and what a key gives back."""

from __future__ import annotations

from typing import Any

import pytest
from msgspec import structs

from chalicelib.domain.message import TaskMessage
from chalicelib.domain.task import TaskEvent, TaskStatus
from chalicelib.errors import (
    IdempotencyConflict,
    PayloadTooLarge,
)
from chalicelib.use_cases.submit import keyed_task_id
from tests.support.world import a_submission
from tests.unit.use_cases.submitter_world import (
    DoubledStore,
    a_world,
)


def test_a_task_is_stored_before_its_message_is_sent() -> None:
    """The message finds its task."""
    world = a_world()
    submitted = world.submitter()(a_submission())
    assert not submitted.replayed
    assert world.store.tasks == {"task-1": submitted.task}
    (delivery,) = world.queue.receive()
    sent = TaskMessage.about(submitted.task, enqueued_at=world.clock.now())
    assert delivery.message == structs.replace(sent, group=None)
    assert world.observer.events == [TaskEvent.SUBMIT]
    assert (world.observer.sent, world.observer.message_ids) == ([sent], [delivery.message_id])


def test_ones_own_put_is_recognised_when_its_reply_was_lost() -> None:
    """The repeated put finds the task, by its fingerprint one's own: sent, and no replay."""
    world = a_world(DoubledStore())
    submitted = world.submitter()(a_submission())
    assert submitted.replayed is False
    assert (len(world.queue.messages), world.observer.others) == (1, [])


def test_a_key_makes_one_task_and_a_pending_one_is_sent_again() -> None:
    """The first message may never have been sent."""
    world = a_world()
    first = world.submitter()(a_submission("k"))
    again = world.submitter()(a_submission("k"))
    assert (again.task.task_id, again.replayed) == (first.task.task_id, True)
    assert len(world.queue.messages) == 2
    assert world.observer.others == ["replayed"]


def test_a_replay_of_a_task_at_work_sends_nothing() -> None:
    """A worker has it."""
    world = a_world()
    first = world.submitter()(a_submission("k"))
    task = structs.replace(first.task, status=TaskStatus.PROCESSING)
    world.store.tasks[task.task_id] = task
    again = world.submitter()(a_submission("k"))
    assert (again.task.status, again.replayed) == (TaskStatus.PROCESSING, True)
    assert (len(world.queue.messages), world.observer.others) == (1, ["replayed"])


@pytest.mark.parametrize("changed", [{"circuit": "y"}, {"shots": 9}, {"tags": {"a": "b"}}])
def test_a_key_with_another_request_is_a_conflict(changed: dict[str, Any]) -> None:
    """Circuit, shots and tags are all part of the request."""
    world = a_world()
    submission = a_submission("k")
    world.submitter()(submission)
    other = structs.replace(submission.request, **changed)
    with pytest.raises(IdempotencyConflict):
        world.submitter()(structs.replace(submission, request=other))
    assert len(world.queue.messages) == 1


def test_the_id_that_a_key_gives_never_changes() -> None:
    """Of a task that an older version stored, too: its key would make another one."""
    assert keyed_task_id("a", "k") == "d633558b-d80f-5b25-805f-2180970be7a1"
    assert keyed_task_id("a", "k", 0) == "c185adab-af6c-59f5-a1dc-4d828a35dc60"


def test_a_circuit_that_cannot_be_given_back_is_refused_before_any_call() -> None:
    """Nothing is stored and nothing sent."""
    world = a_world()
    with pytest.raises(PayloadTooLarge):
        world.submitter()(a_submission(circuit="x" * 5_000_001))
    assert world.store.tasks == {}
