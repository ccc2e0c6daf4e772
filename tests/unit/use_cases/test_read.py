"""What an owner may do by a task's id, and what health says."""

from __future__ import annotations

import threading

import pytest
from msgspec import structs

from chalicelib.domain import lifecycle
from chalicelib.domain.task import SCHEMA_VERSION, TaskEvent, TaskStatus
from chalicelib.domain.transition import Transition
from chalicelib.domain.unreadable import StoredTask, TaskUnreadable
from chalicelib.errors import (
    ConditionFailed,
    QueueUnavailable,
    StoreUnavailable,
    TaskAlreadyEnded,
    TaskNotFound,
)
from chalicelib.use_cases.cancel import CancelTask
from chalicelib.use_cases.health import CheckHealth, Health
from chalicelib.use_cases.read import GetTask
from tests.support.corrupting import Corrupt, make_corrupt, stored_of
from tests.support.fakes import RecordingObserver
from tests.support.faults import FailAfter, FailBefore, Faulty
from tests.support.in_memory import (
    T0,
    FakeClock,
    InMemoryTaskQueue,
    InMemoryTaskStore,
    a_result,
    a_task,
    without_payloads,
)

TASK = a_task(owner="alice")


def a_store() -> InMemoryTaskStore:
    """Return a store with Alice's one task."""
    store = InMemoryTaskStore()
    store.create_if_absent(TASK)
    return store


def cancel_on(store: object, observer: RecordingObserver | None = None) -> CancelTask:
    """Return the use case on a store."""
    return CancelTask(
        store=store,  # type: ignore[arg-type]
        clock=FakeClock(),
        observer=observer or RecordingObserver(),
    )


@pytest.mark.parametrize("task_id", [TASK.task_id, "missing"])
def test_another_owners_task_looks_like_none(task_id: str) -> None:
    """Reading and cancelling it tell nothing, and change nothing."""
    store = a_store()
    for call in (GetTask(store=store, observer=RecordingObserver()), cancel_on(store)):
        with pytest.raises(TaskNotFound) as caught:
            call(task_id, owner="bob")
        assert str(caught.value) == "There is no such task."
    assert store.get(TASK.task_id) == TASK


def test_an_owner_reads_and_cancels_its_task() -> None:
    """The cancel is told to the observer once, however often it is repeated."""
    store, observer = a_store(), RecordingObserver()
    assert GetTask(store=store, observer=RecordingObserver())(TASK.task_id, owner="alice") == TASK
    cancelled = cancel_on(store, observer)(TASK.task_id, owner="alice")
    assert cancelled.status is TaskStatus.CANCELLED
    assert cancel_on(store, observer)(TASK.task_id, owner="alice") == cancelled
    assert observer.events == [TaskEvent.CANCEL]
    stored = store.get(TASK.task_id)
    assert stored is not None
    assert stored.history[-1].notes == "cancelled by its owner"


def test_a_task_may_be_read_without_its_circuit_and_its_result() -> None:
    """Where only its state is wanted."""
    get = GetTask(store=a_store(), observer=RecordingObserver())
    assert get(TASK.task_id, owner="alice", with_payloads=False) == without_payloads(TASK)


def test_a_task_that_has_ended_another_way_is_a_conflict() -> None:
    """It says how it ended."""
    store = a_store()
    task = store.apply(lifecycle.abandon_if_unchanged(TASK, error_message="x", now=T0))
    assert (task.status, a_result().shots) == (TaskStatus.FAILED, 8)
    with pytest.raises(TaskAlreadyEnded) as caught:
        cancel_on(store)(TASK.task_id, owner="alice")
    assert str(caught.value) == "the task is failed and cannot be cancelled any more"


@pytest.mark.parametrize(
    ("faults", "in_doubt"),
    [
        ({"apply": FailBefore(StoreUnavailable(in_doubt=False))}, False),
        ({"apply": FailAfter(StoreUnavailable(in_doubt=True))}, True),
    ],
)
def test_a_cancel_that_fails_says_whether_it_may_have_been_applied(
    faults: dict[str, FailBefore | FailAfter],
    in_doubt: bool,  # noqa: FBT001 - a case of the table
) -> None:
    """A client that is told `was not` may believe it."""
    with pytest.raises(StoreUnavailable) as caught:
        cancel_on(Faulty(a_store(), **faults))(TASK.task_id, owner="alice")
    assert caught.value.in_doubt == in_doubt


def test_a_refused_cancel_that_cannot_be_read_is_in_doubt() -> None:
    """The refusal may have been met by one's own success, whose reply was lost."""
    store = a_store()
    store.apply(lifecycle.cancel_if_open(TASK.task_id, owner="alice", now=T0))
    faulty = Faulty(store, get=FailBefore(StoreUnavailable(in_doubt=False)))
    with pytest.raises(StoreUnavailable) as caught:
        cancel_on(faulty)(TASK.task_id, owner="alice")
    assert caught.value.in_doubt


def test_an_owner_cancels_what_cannot_be_read() -> None:
    """What can be told of it is the answer, and its history says who it was."""
    store, observer = a_store(), RecordingObserver()
    store.tasks[TASK.task_id] = make_corrupt(TASK, Corrupt.STATUS)
    cancelled = cancel_on(store, observer)(TASK.task_id, owner="alice")
    assert (type(cancelled), cancelled.status) == (StoredTask, "cancelled")
    ended = store.tasks[TASK.task_id]
    assert (ended.status, ended.completed_at) == (TaskStatus.CANCELLED, T0)
    assert ended.history[-1].notes == "cancelled by its owner"
    assert (set(observer.others), observer.events) == ({"unreadable"}, [])


@pytest.mark.parametrize("status", [TaskStatus.PENDING, TaskStatus.FAILED])
def test_what_a_newer_version_wrote_is_not_cancelled(status: TaskStatus) -> None:
    """Nor is it said to have ended: another version may mean something else by it."""
    store = a_store()
    newer = structs.replace(TASK, status=status, schema_version=SCHEMA_VERSION + 1)
    store.tasks[TASK.task_id] = newer
    with pytest.raises(TaskUnreadable) as caught:
        cancel_on(store)(TASK.task_id, owner="alice")
    assert (caught.value.stored, store.tasks[TASK.task_id]) == (stored_of(newer), newer)


def test_one_that_cannot_be_read_and_has_changed_meanwhile_is_told_as_it_was_seen() -> None:
    """The next cancel sees how it is."""

    class Changed(InMemoryTaskStore):
        def apply_to_unreadable(self, transition: Transition, stored: StoredTask) -> None:
            raise ConditionFailed

    store, corrupt = Changed(), make_corrupt(TASK, Corrupt.STATUS)
    store.tasks[TASK.task_id] = corrupt
    with pytest.raises(TaskUnreadable) as caught:
        cancel_on(store)(TASK.task_id, owner="alice")
    assert caught.value.stored == stored_of(corrupt)


@pytest.mark.parametrize("database", [True, False])
@pytest.mark.parametrize("queue", [True, False])
def test_health_asks_both_and_always_answers(
    database: bool,  # noqa: FBT001 - a case of the table
    queue: bool,  # noqa: FBT001 - a case of the table
) -> None:
    """One that is down does not hide the other."""
    no_store = {} if database else {"ping": FailBefore(StoreUnavailable())}
    no_queue = {} if queue else {"ping": FailBefore(QueueUnavailable())}
    health = CheckHealth(
        store=Faulty(a_store(), **no_store),
        queue=Faulty(InMemoryTaskQueue(FakeClock()), **no_queue),
    )()
    assert health == Health(database=database, queue=queue)


def test_health_asks_both_at_once() -> None:
    """Neither waits for the other's timeout: each ping waits here until the other has begun."""
    both = threading.Barrier(2, timeout=10)

    class Waiting:
        def ping(self) -> None:
            both.wait()

    health = CheckHealth(store=Waiting(), queue=Waiting())()  # type: ignore[arg-type]
    assert health == Health(database=True, queue=True)
