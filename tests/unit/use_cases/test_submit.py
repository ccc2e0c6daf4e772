"""Submitting: what is stored, what is sent, and what a 503 says, case by case."""

from __future__ import annotations

import dataclasses
import itertools
from typing import Any

import pytest

from chalicelib.domain.task import Task, TaskEvent, TaskStatus
from chalicelib.errors import (
    ConditionFailed,
    IdempotencyConflict,
    Kept,
    PayloadTooLarge,
    QueueUnavailable,
    StoreFull,
    StoreUnavailable,
    SubmissionUnavailable,
)
from chalicelib.ports import KeptCircuit, PutOutcome
from chalicelib.use_cases.submit import Submission, SubmitTask, keyed_task_id
from tests.support.fakes import RecordingObserver
from tests.support.faults import FailAfter, FailBefore, Faulty
from tests.support.in_memory import FakeClock, InMemoryTaskQueue, InMemoryTaskStore, a_request

REFUSED = FailBefore(StoreUnavailable(in_doubt=False))
IN_DOUBT = FailBefore(StoreUnavailable(in_doubt=True))
REPLY_LOST = FailAfter(StoreUnavailable(in_doubt=True))
SEND_REFUSED = FailBefore(QueueUnavailable(in_doubt=False))
SEND_REPLY_LOST = FailAfter(QueueUnavailable(in_doubt=True))


class AfterDoubtStore(InMemoryTaskStore):
    """Stores a task after an attempt that is left in doubt."""

    def create_if_absent(self, task: Task, kept: KeptCircuit | None = None) -> PutOutcome:
        """Store, and say that an earlier attempt may still arrive."""
        super().create_if_absent(task, kept)
        return PutOutcome.CREATED_AFTER_DOUBT


class DoubledStore(InMemoryTaskStore):
    """Applies the first attempt of a put, loses its reply, and refuses the SDK's second."""

    def create_if_absent(self, task: Task, kept: KeptCircuit | None = None) -> PutOutcome:
        """Store, and report what the repeated call saw."""
        super().create_if_absent(task, kept)
        return PutOutcome.EXISTED


@dataclasses.dataclass
class World:
    """A submitter and what is around it."""

    store: InMemoryTaskStore = dataclasses.field(default_factory=InMemoryTaskStore)
    clock: FakeClock = dataclasses.field(default_factory=FakeClock)
    observer: RecordingObserver = dataclasses.field(default_factory=RecordingObserver)

    def __post_init__(self) -> None:
        self.queue = InMemoryTaskQueue(self.clock)
        self._ids = itertools.count(1)

    def submitter(self, **faults: Any) -> SubmitTask:  # noqa: ANN401 - faults by method
        """Return a submitter whose next call of each method named meets its fault."""
        in_queue = {"send": faults.pop("send")} if "send" in faults else {}
        return SubmitTask(
            store=Faulty(self.store, **faults),
            queue=Faulty(self.queue, **in_queue),
            clock=self.clock,
            observer=self.observer,
            sweep_grace_seconds=900,
            new_task_id=lambda: f"task-{next(self._ids)}",
        )


def a_submission(key: str | None = None, circuit: str = "x", owner: str = "local") -> Submission:
    """Return a submission."""
    return Submission(
        request=a_request(circuit), owner=owner, correlation_id="c", idempotency_key=key
    )


def test_a_task_is_stored_before_its_message_is_sent() -> None:
    """The message finds its task."""
    world = World()
    submitted = world.submitter()(a_submission())
    assert not submitted.replayed
    assert world.store.tasks == {"task-1": submitted.task}
    assert [d.message.task_id for d in world.queue.receive()] == ["task-1"]
    assert world.observer.events == [TaskEvent.SUBMIT]


def test_a_task_that_is_not_stored_is_not_sent() -> None:
    """Send after put: a refused put leaves no message."""
    world = World()
    with pytest.raises(SubmissionUnavailable):
        world.submitter(create_if_absent=REFUSED)(a_submission())
    assert world.queue.messages == []


@pytest.mark.parametrize(
    ("key", "faults", "kept", "stored"),
    [
        (None, {"create_if_absent": REFUSED}, Kept.NO, False),
        (None, {"create_if_absent": IN_DOUBT}, Kept.UNKNOWN, False),
        (None, {"create_if_absent": REPLY_LOST}, Kept.UNKNOWN, True),
        ("k", {"create_if_absent": REFUSED}, Kept.UNKNOWN, False),
        ("k", {"create_if_absent": IN_DOUBT}, Kept.UNKNOWN, False),
        ("k", {"create_if_absent": REPLY_LOST}, Kept.UNKNOWN, True),
        (None, {"send": SEND_REFUSED}, Kept.NO, False),
        (None, {"send": SEND_REPLY_LOST}, Kept.NO, False),
        ("k", {"send": SEND_REFUSED}, Kept.YES, True),
        ("k", {"send": SEND_REPLY_LOST}, Kept.YES, True),
        (None, {"send": SEND_REFUSED, "delete_if_pending": REFUSED}, Kept.YES, True),
        (
            None,
            {"send": SEND_REFUSED, "delete_if_pending": FailBefore(StoreFull())},
            Kept.YES,
            True,
        ),
        (None, {"send": SEND_REFUSED, "delete_if_pending": IN_DOUBT}, Kept.UNKNOWN, True),
        (None, {"send": SEND_REFUSED, "delete_if_pending": REPLY_LOST}, Kept.UNKNOWN, False),
    ],
)
def test_a_503_says_truthfully_what_was_kept(
    key: str | None,
    faults: dict[str, FailBefore | FailAfter],
    kept: Kept,
    stored: bool,  # noqa: FBT001 - a case of the table
) -> None:
    """Each row of the design's table; the id is there wherever a task may exist."""
    world = World()
    with pytest.raises(SubmissionUnavailable) as caught:
        world.submitter(**faults)(a_submission(key))
    assert caught.value.kept is kept
    assert bool(world.store.tasks) == stored
    assert (caught.value.task_id is None) == (kept is Kept.NO)
    assert world.observer.problems != []


def test_a_task_stored_after_doubt_is_not_deleted() -> None:
    """The attempt in doubt could store it again after the delete, and after a `no`."""
    world = World(store=AfterDoubtStore())
    with pytest.raises(SubmissionUnavailable) as caught:
        world.submitter(send=SEND_REFUSED)(a_submission())
    assert caught.value.kept is Kept.YES
    assert list(world.store.tasks) == ["task-1"]


def test_ones_own_put_is_recognised_when_its_reply_was_lost() -> None:
    """The repeated put finds the task, by its fingerprint one's own: sent, and no replay."""
    world = World(store=DoubledStore())
    submitted = world.submitter()(a_submission())
    assert not submitted.replayed
    assert len(world.queue.messages) == 1


def test_ones_own_doubled_put_is_kept_when_the_send_fails() -> None:
    """It is stored for sure, and deleting it would not be final."""
    world = World(store=DoubledStore())
    with pytest.raises(SubmissionUnavailable) as caught:
        world.submitter(send=SEND_REFUSED)(a_submission())
    assert caught.value.kept is Kept.YES


def test_a_delete_that_is_refused_since_a_worker_has_the_task_means_accepted() -> None:
    """The message had arrived though its reply was lost."""
    world = World()

    class ClaimedMeanwhile(InMemoryTaskStore):
        def delete_if_pending(self, task_id: str) -> None:
            task = self.tasks[task_id]
            self.tasks[task_id] = dataclasses.replace(task, status=TaskStatus.PROCESSING)
            super().delete_if_pending(task_id)

    world.store = ClaimedMeanwhile()
    submitted = world.submitter(send=SEND_REPLY_LOST)(a_submission())
    assert submitted.task.status is TaskStatus.PROCESSING


def test_a_delete_that_finds_nothing_was_ones_own() -> None:
    """The repeated delete is refused; the task is gone by its first attempt, so: not kept."""
    world = World()

    class DeletedTwice(InMemoryTaskStore):
        def delete_if_pending(self, task_id: str) -> None:
            super().delete_if_pending(task_id)
            raise ConditionFailed

    world.store = DeletedTwice()
    with pytest.raises(SubmissionUnavailable) as caught:
        world.submitter(send=SEND_REFUSED)(a_submission())
    assert caught.value.kept is Kept.NO


def test_a_key_makes_one_task_and_a_pending_one_is_sent_again() -> None:
    """The first message may never have been sent."""
    world = World()
    first = world.submitter()(a_submission("k"))
    again = world.submitter()(a_submission("k"))
    assert (again.task.task_id, again.replayed) == (first.task.task_id, True)
    assert len(world.queue.messages) == 2


def test_a_replay_of_a_task_at_work_sends_nothing() -> None:
    """A worker has it."""
    world = World()
    first = world.submitter()(a_submission("k"))
    task = dataclasses.replace(first.task, status=TaskStatus.PROCESSING)
    world.store.tasks[task.task_id] = task
    assert world.submitter()(a_submission("k")).task.status is TaskStatus.PROCESSING
    assert len(world.queue.messages) == 1


@pytest.mark.parametrize("changed", [{"circuit": "y"}, {"shots": 9}, {"tags": {"a": "b"}}])
def test_a_key_with_another_request_is_a_conflict(changed: dict[str, Any]) -> None:
    """Circuit, shots and tags are all part of the request."""
    world = World()
    submission = a_submission("k")
    world.submitter()(submission)
    other = dataclasses.replace(submission.request, **changed)
    with pytest.raises(IdempotencyConflict):
        world.submitter()(dataclasses.replace(submission, request=other))
    assert len(world.queue.messages) == 1


def test_keys_are_each_owners_own() -> None:
    """The same key of two owners makes two tasks."""
    assert keyed_task_id("a", "k") != keyed_task_id("b", "k")
    assert keyed_task_id("a", "bk") != keyed_task_id("ab", "k")
    assert keyed_task_id("a", "k") == keyed_task_id("a", "k")


@pytest.mark.parametrize("fault", [REFUSED, IN_DOUBT])
def test_a_key_whose_task_cannot_be_read_is_unknown(fault: FailBefore) -> None:
    """It exists, but whether it is this request's is not known."""
    world = World()
    world.submitter()(a_submission("k"))
    with pytest.raises(SubmissionUnavailable) as caught:
        world.submitter(get_without_payloads=fault)(a_submission("k"))
    assert caught.value.kept is Kept.UNKNOWN


def test_a_circuit_that_cannot_be_given_back_is_refused_before_any_call() -> None:
    """Nothing is stored and nothing sent."""
    world = World()
    with pytest.raises(PayloadTooLarge):
        world.submitter()(a_submission(circuit="x" * 5_000_001))
    assert world.store.tasks == {}
