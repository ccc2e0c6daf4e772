"""Whatever an item holds, it is one task's matter: it is named, quarantined or ended."""

from __future__ import annotations

import pytest

from chalicelib.domain.message import Acknowledge, Redeliver
from chalicelib.domain.unreadable import TaskUnreadable
from chalicelib.errors import TaskAlreadyEnded, TaskNotFound
from tests.support.backends import REAL_BACKEND
from tests.support.corrupting import (
    FROM_THE_FUTURE,
    KINDS,
    OF_THE_CIRCUIT,
    OF_THE_CONDITIONS,
    OF_THE_INDEX,
    OF_THE_ITEM,
)
from tests.support.fakes import RecordingObserver
from tests.support.on_one_store import DAY_SECONDS, GRACE_SECONDS, OWNER, OnOneStore
from tools.backends import Backend

STORES = ["moto", pytest.param(REAL_BACKEND, marks=pytest.mark.emulator)]
pytestmark = pytest.mark.parametrize("backend", STORES, indirect=True)
#: What an owner can end, and the sweeper for its age.
KNOWN_SCHEMA = [kind for kind in KINDS if kind not in FROM_THE_FUTURE]
#: What the sweeper can read, or can read after its first visit.
MENDED = [*OF_THE_CIRCUIT, *OF_THE_INDEX]
#: moto cannot compare a text with a number; to DynamoDB it is a condition that does not hold.
DELIVERABLE = [
    kind for kind in [*OF_THE_INDEX, *OF_THE_CONDITIONS] if kind != "an attempt that is a text"
]


@pytest.fixture
def world(backend: Backend) -> OnOneStore:
    """Return a service on the store under test."""
    return OnOneStore(backend)


def a_corrupt_task(world: OnOneStore, kind: str) -> str:
    """Store a task and corrupt it."""
    task_id = world.put().task_id
    world.make_corrupt(task_id, KINDS[kind])
    return task_id


@pytest.mark.parametrize("kind", KINDS)
def test_it_is_one_error_that_names_the_task(world: OnOneStore, kind: str) -> None:
    """Its owner is told so, a stranger is told what a stranger is always told."""
    task_id = a_corrupt_task(world, kind)
    with pytest.raises(TaskUnreadable, match=task_id) as caught:
        world.service.get(task_id, owner=OWNER)
    assert caught.value.stored.is_newer == (kind in FROM_THE_FUTURE)
    assert world.observer.others == ["unreadable"]
    with pytest.raises(TaskNotFound):
        world.service.get(task_id, owner="bob")


@pytest.mark.parametrize("kind", KINDS)
def test_it_does_not_hold_up_the_sweeper(world: OnOneStore, kind: str) -> None:
    """Its neighbour is brought back by the same run, and the next run has nothing to do."""
    task_id, healthy = a_corrupt_task(world, kind), world.put()
    world.clock.advance(GRACE_SECONDS + 1)
    world.sweep()
    assert healthy.task_id in {message.task_id for message in world.observer.sent}
    assert task_id not in {message.task_id for message in world.observer.sent} or kind in MENDED
    assert world.sweep().seen == 0
    world.service.cancel(healthy.task_id, owner=OWNER)
    _clean(world, task_id)


@pytest.mark.parametrize("kind", KNOWN_SCHEMA)
def test_past_its_maximum_age_it_is_failed(world: OnOneStore, kind: str) -> None:
    """It is never abandoned before; then it says why, and is due no more."""
    task_id = a_corrupt_task(world, kind)
    world.clock.advance(4 * DAY_SECONDS)
    assert world.sweep().abandoned == 0
    world.clock.advance(2 * DAY_SECONDS)
    world.sweep()
    item = world.item(task_id)
    assert item["status"] == {"S": "failed"}
    assert "not finished within 5 days" in item["error_message"]["S"]
    assert not {"due_at", "open_shard"} & set(item)
    if "L" in item["history"]:
        assert item["history"]["L"][-1]["M"]["event"] == {"S": "give_up"}
    else:
        assert item["history"] == {"S": "none"}
    assert world.sweep().seen == 0


@pytest.mark.parametrize("kind", FROM_THE_FUTURE)
def test_what_a_newer_version_wrote_is_left_to_it(world: OnOneStore, kind: str) -> None:
    """The sweeper moves when it is due, whatever its age; no attempt is spent; no cancel."""
    task_id = a_corrupt_task(world, kind)
    world.send(world.put(task_id))
    before = world.item(task_id)
    (disposition,) = world.deliver()
    assert disposition == Redeliver("the task is from a newer version", disposition.delay_seconds)  # type: ignore[union-attr]
    world.clock.advance(6 * DAY_SECONDS)
    assert world.sweep().abandoned == 0
    with pytest.raises(TaskUnreadable):
        world.service.cancel(task_id, owner=OWNER)
    after = world.item(task_id)
    assert after.pop("due_at")["S"] > before.pop("due_at")["S"]
    assert after == before
    _clean(world, task_id)


@pytest.mark.parametrize("kind", [*OF_THE_CIRCUIT, *OF_THE_ITEM])
def test_the_attempt_that_holds_it_fails_it_at_once(world: OnOneStore, kind: str) -> None:
    """The settle needs but its id and its attempt; nothing is executed."""
    task_id = a_corrupt_task(world, kind)
    world.send(world.put(task_id))
    (disposition,) = world.deliver()
    assert disposition == Acknowledge("the task is failed")
    item = world.item(task_id)
    assert item["status"] == {"S": "failed"}
    assert item["error_message"]["S"].startswith("it cannot be executed: ")
    assert world.executor.executed == []
    assert not {"due_at", "open_shard", "lease_owner"} & set(item)


@pytest.mark.parametrize("kind", DELIVERABLE)
def test_a_delivery_of_it_is_not_lost(world: OnOneStore, kind: str) -> None:
    """It is failed where a claim can hold it, else its message comes back; neighbours go on."""
    task_id, healthy = a_corrupt_task(world, kind), world.put()
    world.send(world.put(task_id))
    world.send(healthy)
    corrupt, other = world.deliver()
    assert other == Acknowledge("the task is completed")
    assert isinstance(corrupt, Redeliver) or world.status(task_id) == "failed"
    _clean(world, task_id)


@pytest.mark.parametrize("kind", KNOWN_SCHEMA)
def test_its_owner_can_cancel_it(world: OnOneStore, kind: str) -> None:
    """It is cancelled though it cannot be shown; a second time is no error; a stranger cannot."""
    task_id = a_corrupt_task(world, kind)
    with pytest.raises(TaskNotFound):
        world.service.cancel(task_id, owner="bob")
    for _ in range(2):
        cancelled = world.service.cancel(task_id, owner=OWNER)
        assert cancelled.status == "cancelled"
    item = world.item(task_id)
    assert item["status"] == {"S": "cancelled"}
    assert not {"due_at", "open_shard"} & set(item)


@pytest.mark.parametrize("kind", OF_THE_ITEM)
def test_what_has_ended_is_not_cancelled_any_more(world: OnOneStore, kind: str) -> None:
    """An end that can be told is an end, whatever else of it cannot be read."""
    task_id = a_corrupt_task(world, kind)
    world.send(world.put(task_id))
    world.deliver()
    with pytest.raises(TaskAlreadyEnded, match="failed"):
        world.service.cancel(task_id, owner=OWNER)
    assert world.status(task_id) == "failed"


def _clean(world: OnOneStore, task_id: str) -> None:
    """Leave nothing that is due in a store that others share."""
    world.client.delete_item(TableName=world.backend.table_name, Key={"task_id": {"S": task_id}})
    assert isinstance(world.observer, RecordingObserver)
