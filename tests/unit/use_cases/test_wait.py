"""Waiting for a task's end within a request."""

from __future__ import annotations

import pytest
from msgspec import structs

from chalicelib.domain.task import Task, TaskStatus
from chalicelib.domain.unreadable import TaskUnreadable
from chalicelib.errors import StoreUnavailable
from chalicelib.use_cases.wait import WaitForEnd
from tests.support.corrupting import stored_of
from tests.support.fakes import RecordingObserver
from tests.support.in_memory import FakeClock, InMemoryTaskStore, a_task, without_payloads

PENDING = a_task()
ENDED = without_payloads(structs.replace(PENDING, status=TaskStatus.COMPLETED))


class Looks(InMemoryTaskStore):
    """A store in which the task is, at each look, what a test says; the last goes on."""

    def __init__(self, *seen: Task | Exception | None) -> None:
        super().__init__()
        self.seen = list(seen)
        self.looks = 0

    def get_without_payloads(self, task_id: str) -> Task | None:
        """Look."""
        assert task_id == PENDING.task_id
        self.looks += 1
        seen = self.seen.pop(0) if len(self.seen) > 1 else self.seen[0]
        if isinstance(seen, Exception):
            raise seen
        return seen


class Pauses(FakeClock):
    """A clock that remembers for how long was waited."""

    def __init__(self) -> None:
        super().__init__()
        self.pauses: list[float] = []

    def sleep(self, seconds: float) -> None:
        """Let time pass."""
        self.pauses.append(seconds)
        self.advance(seconds)


def waited(
    store: Looks, task: Task = PENDING, *, seconds: int = 2, seconds_max: int = 2
) -> tuple[Task, list[float], RecordingObserver]:
    """Wait; return what was seen last, the pauses, and what was reported."""
    clock, observer = Pauses(), RecordingObserver()
    wait = WaitForEnd(store=store, clock=clock, observer=observer, seconds_max=seconds_max)
    return wait(task, seconds=seconds), clock.pauses, observer


def test_a_task_is_read_until_it_has_ended() -> None:
    """After 25 ms, and then after pauses that grow by half."""
    store = Looks(PENDING, PENDING, ENDED)
    task, pauses, _ = waited(store)
    assert (task, store.looks) == (ENDED, 3)
    assert pauses == pytest.approx([0.025, 0.0375, 0.05625])


@pytest.mark.parametrize(("seconds", "seconds_max"), [(2, 20), (20, 2), (2, 2)])
def test_a_wait_ends_with_its_time_and_the_services(seconds: int, seconds_max: int) -> None:
    """It costs twelve looks in two seconds, the last at their end."""
    store = Looks(PENDING)
    task, pauses, observer = waited(store, seconds=seconds, seconds_max=seconds_max)
    assert (task, store.looks, observer.problems) == (PENDING, 12, [])
    assert sum(pauses) == pytest.approx(2)
    assert max(pauses) == 0.25


@pytest.mark.parametrize(
    ("task", "seconds", "seconds_max"), [(ENDED, 2, 2), (PENDING, 0, 2), (PENDING, 2, 0)]
)
def test_nothing_is_read_where_there_is_nothing_to_wait_for(
    task: Task, seconds: int, seconds_max: int
) -> None:
    """It has ended, or no client waits."""
    store = Looks(ENDED)
    assert waited(store, task, seconds=seconds, seconds_max=seconds_max)[0] is task
    assert store.looks == 0


@pytest.mark.parametrize(
    "failure",
    [StoreUnavailable(), TaskUnreadable(stored_of(PENDING), applied=False), None],
    ids=["unavailable", "unreadable", "gone"],
)
def test_a_look_that_fails_ends_the_wait_with_what_was_known(failure: Exception | None) -> None:
    """The answer without it is still true; an operator is told of what failed."""
    processing = structs.replace(PENDING, status=TaskStatus.PROCESSING)
    store = Looks(processing, failure, ENDED)
    task, _, observer = waited(store)
    assert (task, store.looks) == (processing, 2)
    told = [] if failure is None else [("wait for the task", failure)]
    assert observer.problems == told
