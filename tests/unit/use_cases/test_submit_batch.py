"""Submitting many tasks: bounds on what begins, and the truth about what did not."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

import pytest

from chalicelib.domain.task import Task
from chalicelib.errors import InvalidRequest, Kept, StoreUnavailable, SubmissionUnavailable
from chalicelib.ports import KeptCircuit, PutOutcome
from chalicelib.use_cases.submit import Submission, Submitted, keyed_task_id
from chalicelib.use_cases.submit_batch import MemberResult, SubmitBatch
from tests.support import world as worlds
from tests.support.in_memory import FakeClock, InMemoryTaskStore
from tests.support.meeting import Meeting


def a_submission(number: int, key: str | None = None, index: int | None = None) -> Submission:
    """Return a member."""
    return worlds.a_submission(key, f"// {number}", owner="alice", batch_index=index)


class World(worlds.World):
    """A batch and what is around it."""

    def __init__(self, store: InMemoryTaskStore | None = None, *, at_once: int = 1) -> None:
        super().__init__(store=store, tasks=0)
        self.at_once = at_once
        self.contexts: list[int] = []

    def submit(self, *members: Submission | InvalidRequest) -> list[MemberResult]:
        """Submit a batch."""
        batch = SubmitBatch(
            submit=self.submitter(),
            clock=self.clock,
            observer=self.observer,
            members_at_once=self.at_once,
            begin_seconds_max=6,
        )
        return batch(members, context=self._context)

    @contextlib.contextmanager
    def _context(self, index: int) -> Iterator[None]:
        self.contexts.append(index)
        yield


class SlowStore(InMemoryTaskStore):
    """Each put takes two seconds of the test's clock."""

    clock: FakeClock

    def create_if_absent(self, task: Task, kept: KeptCircuit | None = None) -> PutOutcome:
        """Let time pass, and store."""
        self.clock.advance(2)
        return super().create_if_absent(task, kept)


class FailingStore(InMemoryTaskStore):
    """Fails from the third put on."""

    puts = 0

    def create_if_absent(self, task: Task, kept: KeptCircuit | None = None) -> PutOutcome:
        """Store two, then refuse."""
        self.puts += 1
        if self.puts > 2:
            raise StoreUnavailable
        return super().create_if_absent(task, kept)


def test_each_member_is_a_submission_in_its_own_context() -> None:
    """In the order given."""
    world = World()
    outcomes = world.submit(*(a_submission(number) for number in range(5)))
    circuits = [o.task.request.circuit for o in outcomes if isinstance(o, Submitted)]
    assert circuits == [f"// {number}" for number in range(5)]
    assert world.contexts == list(range(5))


def test_a_member_with_the_batchs_key_has_the_id_of_its_place() -> None:
    """So that the batch repeated finds each of its tasks."""
    world = World()
    outcomes = world.submit(*(a_submission(number, "key", number) for number in range(3)))
    ids = [outcome.task.task_id for outcome in outcomes if isinstance(outcome, Submitted)]
    assert ids == [keyed_task_id("alice", "key", number) for number in range(3)]


def test_a_member_that_is_wrong_is_answered_with_its_error() -> None:
    """The others are submitted."""
    error = InvalidRequest()
    outcomes = World().submit(a_submission(0), error, a_submission(2))
    assert outcomes[1] is error
    assert [isinstance(outcome, Submitted) for outcome in outcomes] == [True, False, True]


def test_no_member_begins_after_the_bound() -> None:
    """Six seconds are three slow members; the fourth begins at the bound, the fifth after it."""
    store = SlowStore()
    world = World(store)
    store.clock = world.clock
    outcomes = world.submit(*(a_submission(number) for number in range(6)))
    assert [isinstance(outcome, Submitted) for outcome in outcomes] == [True] * 4 + [False] * 2
    assert [o.kept for o in outcomes if isinstance(o, SubmissionUnavailable)] == [Kept.NO] * 2
    assert len(store.tasks) == 4


def test_after_an_outage_no_member_makes_a_call() -> None:
    """A batch through an outage takes no longer than a single task."""
    store = FailingStore()
    outcomes = World(store).submit(*(a_submission(number) for number in range(6)))
    assert store.puts == 3
    kept = [o.kept for o in outcomes if isinstance(o, SubmissionUnavailable)]
    assert kept == [Kept.NO] * 4
    assert str(outcomes[5]) == (
        "the service is too busy or unavailable; the task was not begun, submit it again"
    )


@pytest.mark.parametrize("index", [None, 5])
def test_a_member_with_a_key_that_did_not_begin_may_exist(index: int | None) -> None:
    """An earlier request may have made it: the answer says where to look."""
    store = FailingStore()
    members = [a_submission(number) for number in range(5)]
    outcome = World(store).submit(*members, a_submission(5, "key", index))[5]
    assert isinstance(outcome, SubmissionUnavailable)
    assert outcome.kept is Kept.UNKNOWN
    assert outcome.task_id == keyed_task_id("alice", "key", index)
    assert str(outcome) == (
        "the service is too busy or unavailable; an earlier request with this key may have made "
        "the task, repeat the request to find out"
    )


def test_an_unexpected_error_is_its_members_alone() -> None:
    """A bug in one submission takes no other with it."""

    class BrokenStore(InMemoryTaskStore):
        def create_if_absent(self, task: Task, kept: KeptCircuit | None = None) -> PutOutcome:
            if task.request.circuit == "// 1":
                raise ZeroDivisionError
            return super().create_if_absent(task, kept)

    outcomes = World(BrokenStore()).submit(*(a_submission(number) for number in range(3)))
    assert [type(outcome) for outcome in outcomes] == [Submitted, ZeroDivisionError, Submitted]


@pytest.mark.parametrize("at_once", [2, 4])
def test_members_are_under_way_side_by_side_up_to_the_bound(at_once: int) -> None:
    """Of eight: each waits until so many are there, and no other comes."""
    meeting = Meeting(at_once)

    class Meets(InMemoryTaskStore):
        def create_if_absent(self, task: Task, kept: KeptCircuit | None = None) -> PutOutcome:
            meeting.visit()
            return super().create_if_absent(task, kept)

    world = World(Meets(), at_once=at_once)
    outcomes = world.submit(*(a_submission(number) for number in range(8)))
    assert all(isinstance(outcome, Submitted) for outcome in outcomes)
    assert meeting.most == at_once
