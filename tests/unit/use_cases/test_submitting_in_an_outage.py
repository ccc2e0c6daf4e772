"""Submitting while database or queue is away: what a 503 says, case by case."""

from __future__ import annotations

import pytest
from msgspec import structs

from chalicelib.domain.task import Task, TaskStatus
from chalicelib.errors import (
    ConditionFailed,
    Kept,
    SubmissionUnavailable,
)
from chalicelib.use_cases.submit import keyed_task_id
from tests.support.faults import FailAfter, FailBefore
from tests.support.in_memory import InMemoryTaskStore
from tests.support.world import a_submission
from tests.unit.use_cases.submitter_world import (
    FULL,
    IN_DOUBT,
    REFUSED,
    REPLY_LOST,
    SEND_REFUSED,
    SEND_REPLY_LOST,
    AfterDoubtStore,
    DoubledStore,
    a_world,
)

NOT_TAKEN = "the database did not take the task; submit it again later"
NO_ANSWER = "the database did not answer; look for the task by its id"
NOT_TAKEN_NOW = (
    "the database did not take the task now; "
    "repeat the request with the same Idempotency-Key to find out"
)
NOTHING_KEPT = "the queue did not take the task and nothing was kept; submit it again later"
KEPT = "the queue did not answer; the task is stored and will be executed, do not repeat it"
NEITHER = "neither queue nor database answered; look for the task by its id"


@pytest.mark.parametrize(
    ("key", "faults", "kept", "stored", "text"),
    [
        (None, {"create_if_absent": REFUSED}, Kept.NO, False, NOT_TAKEN),
        (None, {"create_if_absent": IN_DOUBT}, Kept.UNKNOWN, False, NO_ANSWER),
        (None, {"create_if_absent": REPLY_LOST}, Kept.UNKNOWN, True, NO_ANSWER),
        ("k", {"create_if_absent": REFUSED}, Kept.UNKNOWN, False, NOT_TAKEN_NOW),
        ("k", {"create_if_absent": IN_DOUBT}, Kept.UNKNOWN, False, NOT_TAKEN_NOW),
        ("k", {"create_if_absent": REPLY_LOST}, Kept.UNKNOWN, True, NOT_TAKEN_NOW),
        (None, {"send": SEND_REFUSED}, Kept.NO, False, NOTHING_KEPT),
        (None, {"send": SEND_REPLY_LOST}, Kept.NO, False, NOTHING_KEPT),
        ("k", {"send": SEND_REFUSED}, Kept.YES, True, KEPT),
        ("k", {"send": SEND_REPLY_LOST}, Kept.YES, True, KEPT),
        (None, {"send": SEND_REFUSED, "delete_if_pending": REFUSED}, Kept.YES, True, KEPT),
        (None, {"send": SEND_REFUSED, "delete_if_pending": FULL}, Kept.YES, True, KEPT),
        (None, {"send": SEND_REFUSED, "delete_if_pending": IN_DOUBT}, Kept.UNKNOWN, True, NEITHER),
        (
            None,
            {"send": SEND_REFUSED, "delete_if_pending": REPLY_LOST},
            Kept.UNKNOWN,
            False,
            NEITHER,
        ),
    ],
)
def test_a_503_says_truthfully_what_was_kept(
    key: str | None,
    faults: dict[str, FailBefore | FailAfter],
    kept: Kept,
    stored: bool,  # noqa: FBT001 - a case of the table
    text: str,
) -> None:
    """Each row of the design's table; the id is there wherever a task may exist."""
    world = a_world()
    with pytest.raises(SubmissionUnavailable) as caught:
        world.submitter(**faults)(a_submission(key))
    task_id = "task-1" if key is None else keyed_task_id("local", key)
    assert (caught.value.kept, str(caught.value)) == (kept, text)
    assert list(world.store.tasks) == ([task_id] if stored else [])
    assert caught.value.task_id == (None if kept is Kept.NO else task_id)
    assert world.observer.others == (["removed"] if text == NOTHING_KEPT else [])
    failed = {
        "create_if_absent": "create the task",
        "send": "send the message",
        "delete_if_pending": "withdraw the task",
    }
    assert world.observer.problems == [(failed[call], faults[call].error) for call in faults]
    assert world.observer.task_ids_of_problems == [[task_id]] * len(faults)


def test_a_task_stored_after_doubt_is_not_deleted() -> None:
    """The attempt in doubt could store it again after the delete, and after a `no`."""
    world = a_world(AfterDoubtStore())
    with pytest.raises(SubmissionUnavailable) as caught:
        world.submitter(send=SEND_REFUSED)(a_submission())
    assert caught.value.kept is Kept.YES
    assert list(world.store.tasks) == ["task-1"]


def test_ones_own_doubled_put_is_kept_when_the_send_fails() -> None:
    """It is stored for sure, and deleting it would not be final."""
    world = a_world(DoubledStore())
    with pytest.raises(SubmissionUnavailable) as caught:
        world.submitter(send=SEND_REFUSED)(a_submission())
    assert caught.value.kept is Kept.YES


def test_a_delete_that_is_refused_since_a_worker_has_the_task_means_accepted() -> None:
    """The message had arrived though its reply was lost."""
    world = a_world()

    class ClaimedMeanwhile(InMemoryTaskStore):
        def delete_if_pending(self, task_id: str) -> None:
            task = self.tasks[task_id]
            self.tasks[task_id] = structs.replace(task, status=TaskStatus.PROCESSING)
            super().delete_if_pending(task_id)

    world.store = ClaimedMeanwhile()
    submitted = world.submitter(send=SEND_REPLY_LOST)(a_submission())
    assert (submitted.task.status, submitted.replayed) == (TaskStatus.PROCESSING, False)
    assert world.observer.others == []


def test_a_delete_that_is_refused_and_then_cannot_be_read_is_unknown() -> None:
    """A worker may have the task."""
    world = a_world()

    class Refusing(InMemoryTaskStore):
        def delete_if_pending(self, task_id: str) -> None:
            raise ConditionFailed

    world.store = Refusing()
    with pytest.raises(SubmissionUnavailable) as caught:
        world.submitter(send=SEND_REFUSED, get_without_payloads=REFUSED)(a_submission())
    assert (caught.value.kept, str(caught.value)) == (Kept.UNKNOWN, NEITHER)
    operations = [operation for operation, _ in world.observer.problems]
    assert operations == ["send the message", "read the task"]
    assert world.observer.task_ids_of_problems == [["task-1"]] * 2


def test_a_delete_that_finds_nothing_was_ones_own() -> None:
    """The repeated delete is refused; the task is gone by its first attempt, so: not kept."""
    world = a_world()

    class DeletedTwice(InMemoryTaskStore):
        def delete_if_pending(self, task_id: str) -> None:
            super().delete_if_pending(task_id)
            raise ConditionFailed

    world.store = DeletedTwice()
    with pytest.raises(SubmissionUnavailable) as caught:
        world.submitter(send=SEND_REFUSED)(a_submission())
    assert (caught.value.kept, str(caught.value)) == (Kept.NO, NOTHING_KEPT)
    assert world.observer.others == ["removed"]


def test_a_replay_that_cannot_be_sent_says_that_the_task_is_kept() -> None:
    """It was stored before; the sweeper sends its message."""
    world = a_world()
    task_id = world.submitter()(a_submission("k")).task.task_id
    with pytest.raises(SubmissionUnavailable) as caught:
        world.submitter(send=SEND_REFUSED)(a_submission("k"))
    assert (caught.value.kept, str(caught.value)) == (Kept.YES, KEPT)
    assert world.observer.problems == [("send the message", SEND_REFUSED.error)]
    assert world.observer.task_ids_of_problems == [[task_id]]


@pytest.mark.parametrize("fault", [REFUSED, IN_DOUBT])
def test_a_key_whose_task_cannot_be_read_is_unknown(fault: FailBefore) -> None:
    """It exists, but whether it is this request's is not known."""
    world = a_world()
    world.submitter()(a_submission("k"))
    with pytest.raises(SubmissionUnavailable) as caught:
        world.submitter(get_without_payloads=fault)(a_submission("k"))
    assert caught.value.kept is Kept.UNKNOWN
    assert str(caught.value) == (
        "a task with this id may exist, but the database did not give it back"
    )
    assert world.observer.problems == [("read the task", fault.error)]
    assert world.observer.task_ids_of_problems == [[keyed_task_id("local", "k")]]


def test_a_keys_task_that_is_gone_when_it_is_read_is_unknown() -> None:
    """It was there at the put."""
    world = a_world()

    class Gone(DoubledStore):
        def get_without_payloads(self, task_id: str) -> Task | None:
            return None

    world.store = Gone()
    with pytest.raises(SubmissionUnavailable) as caught:
        world.submitter()(a_submission("k"))
    assert (caught.value.kept, str(caught.value)) == (
        Kept.UNKNOWN,
        "a task with this id was there and is gone; submit it again",
    )
