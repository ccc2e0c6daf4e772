"""Places and summaries of an owner's tasks: what every store must answer."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest
from msgspec import structs

from chalicelib.adapters.clock import SystemClock
from chalicelib.domain.task import SEED_MAX, Task
from chalicelib.domain.task_filter import Position, TaskFilter
from chalicelib.entrypoints.http.answers import encode
from chalicelib.entrypoints.http.list_query import LIMIT_MAX
from chalicelib.entrypoints.http.schemas import TAGS_BYTES_MAX, TaskListView, TaskSummary
from chalicelib.entrypoints.http.views import shown
from chalicelib.executors.children.jobs import MESSAGE_CHARACTERS_MAX
from chalicelib.ports import TaskStore
from chalicelib.use_cases.list_tasks import ListTasks
from tests.contract.stored_tasks import a_real_one, bring_to, decide, new_task
from tests.support.evidence import FULL
from tests.support.in_memory import T0, without_payloads

EVERYTHING = TaskFilter()
LONGEST = "\x01"
#: As docs/security.md states it, and what Lambda takes ("Lambda quotas").
PAGE_BYTES_MAX = 2_300_000
LAMBDA_ANSWER_BYTES_MAX = 6_291_556
#: What takes hundreds of writes; the real store has it in `make prove`.
ON_FEW = pytest.mark.parametrize(
    "backend", ["memory", *([a_real_one] if FULL else [])], indirect=True
)
#: No test reads so long.
LATE = datetime(9999, 1, 1, tzinfo=UTC)


def an_owner() -> str:
    """Return an owner who has no tasks yet; the backend is every test's."""
    return f"owner-{uuid4()}"


def stored(store: TaskStore, owner: str, seconds: Sequence[float]) -> list[Task]:
    """Store a task for each of these times; return them newest first, as a list has them."""
    tasks = [
        structs.replace(new_task(), owner=owner, submitted_at=T0 + timedelta(seconds=second))
        for second in seconds
    ]
    for task in tasks:
        store.create_if_absent(task)
    return sorted(tasks, key=lambda task: (task.submitted_at, task.task_id), reverse=True)


def walk(
    store: TaskStore, owner: str, task_filter: TaskFilter = EVERYTHING, *, limit: int
) -> list[Position]:
    """Follow the places to their end; every step but the last one finds some."""
    found: list[Position] = []
    while True:
        after = found[-1] if found else None
        page = store.tasks_of(
            owner, task_filter=task_filter, after=after, limit=limit, start_deadline=LATE
        )
        assert page.positions or page.is_last
        found += page.positions
        if page.is_last:
            return found


@pytest.mark.parametrize("limit", [1, 2, 7, 100])
def test_places_run_from_the_newest_to_the_oldest_whatever_the_step(
    store: TaskStore, limit: int
) -> None:
    """Each once, equal times in the order of their ids, and no other owner's."""
    owner = an_owner()
    tasks = stored(store, owner, [0, 1, 1, 1, 2, 2, 3, 3, 3, 3, 3, 4.000001, 4.000002])
    stored(store, an_owner(), [0, 2, 5])
    assert [place.task_id for place in walk(store, owner, limit=limit)] == [
        task.task_id for task in tasks
    ]


def test_of_an_owner_without_tasks_there_is_nothing(store: TaskStore) -> None:
    """And nothing more to come."""
    page = store.tasks_of(
        an_owner(), task_filter=EVERYTHING, after=None, limit=10, start_deadline=LATE
    )
    assert (list(page.positions), page.is_last) == ([], True)


@pytest.mark.parametrize(
    ("after", "before", "seconds"),
    [(1, None, [1, 2, 3]), (None, 2, [0, 1]), (1, 3, [1, 2]), (2, 2, []), (5, None, [])],
)
def test_times_bound_the_places(
    store: TaskStore, after: int | None, before: int | None, seconds: list[int]
) -> None:
    """The first one inclusive, the second one exclusive."""
    owner = an_owner()
    tasks = stored(store, owner, [0, 1, 2, 3])
    task_filter = TaskFilter(
        submitted_after=None if after is None else T0 + timedelta(seconds=after),
        submitted_before=None if before is None else T0 + timedelta(seconds=before),
    )
    meant = [t.task_id for t in tasks if (t.submitted_at - T0).total_seconds() in seconds]
    assert [place.task_id for place in walk(store, owner, task_filter, limit=2)] == meant


def test_a_place_stays_while_its_task_goes_through_its_life(store: TaskStore) -> None:
    """Claimed and ended between two readings: at the same place, once."""
    owner = an_owner()
    tasks = stored(store, owner, [0, 1, 2])
    before = walk(store, owner, limit=10)
    for event in ("claim", "complete"):
        tasks[1] = store.apply(decide(event, tasks[1]))
    assert walk(store, owner, limit=10) == before


def test_summaries_are_the_tasks_without_circuit_and_result(store: TaskStore) -> None:
    """In any state; an id that is not there is left out."""
    tasks = [bring_to(state, store) for state in ("pending", "processing, live lease", "completed")]
    found = store.get_summaries(tasks[0].owner, [*(task.task_id for task in tasks), str(uuid4())])
    assert found.tasks == {task.task_id: without_payloads(task) for task in tasks}
    assert (found.unreadable, found.unprocessed) == (frozenset(), frozenset())


def one_of_the_largest(store: TaskStore, owner: str, second: int) -> str:
    """Store a failed task whose summary is as long as one can be, and return its id.

    A control character takes the most in JSON: seven bytes within the answer that Lambda carries.
    """
    names = [f"{number}{LONGEST * 127}" for number in range(TAGS_BYTES_MAX // 256)]
    task = new_task()
    task = structs.replace(
        task,
        owner=owner,
        correlation_id="c" * 128,
        submitted_at=T0 + timedelta(seconds=second),
        request=structs.replace(
            task.request, tags=dict.fromkeys(names, LONGEST * 128), seed=SEED_MAX
        ),
    )
    store.create_if_absent(task)
    failure = decide("fail", store.apply(decide("claim", task)))
    store.apply(structs.replace(failure, error_message=LONGEST * MESSAGE_CHARACTERS_MAX))
    return task.task_id


@ON_FEW
def test_a_page_of_the_largest_summaries_fits_an_answer_and_the_walk_goes_on(
    store: TaskStore, figures: Callable[[str], None]
) -> None:
    """A hundred with tags and messages at their limits; the rest is on the next page."""
    owner = an_owner()
    submitted = [one_of_the_largest(store, owner, second) for second in range(LIMIT_MAX + 5)]
    listing = ListTasks(store=store, clock=SystemClock(), begin_seconds_max=60)
    seen: list[str] = []
    sizes: list[int] = []
    after: Position | None = None
    while not sizes or after is not None:
        page = listing(owner=owner, task_filter=EVERYTHING, limit=LIMIT_MAX, after=after)
        after = page.next_position
        seen += [task.task_id for task in page.tasks]
        view = TaskListView(
            tasks=[shown(task, TaskSummary) for task in page.tasks], next_cursor="c" * 512
        )
        sizes.append(len(json.dumps({"body": encode(view)})))
    assert seen == submitted[::-1]
    assert max(sizes) <= PAGE_BYTES_MAX < LAMBDA_ANSWER_BYTES_MAX
    figures(f"the largest page of a list: {max(sizes):,} bytes in the answer that Lambda carries")


@ON_FEW
def test_a_hundred_summaries_are_read_at_once(store: TaskStore) -> None:
    """As many as one page may show."""
    owner = an_owner()
    tasks = stored(store, owner, range(100))
    found = store.get_summaries(owner, [task.task_id for task in tasks])
    assert found.tasks.keys() | found.unprocessed == {task.task_id for task in tasks}
