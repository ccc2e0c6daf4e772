"""A long walk on a real index over HTTP, while others submit and tasks end.

`EVIDENCE=full`: 5,000 tasks of two owners, 500 more, and hundreds that end.
"""

from __future__ import annotations

import random
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Final
from uuid import UUID

import pytest
from msgspec import structs

from chalicelib.adapters.clock import SystemClock
from chalicelib.adapters.dynamodb.store import DynamoDbTaskStore
from chalicelib.domain.task import Task
from chalicelib.domain.task_filter import Position, TaskFilter
from chalicelib.use_cases.list_tasks import ListTasks
from tests.contract.stored_tasks import decide
from tests.support.evidence import FULL
from tests.support.in_memory import T0, a_task
from tools.backends import Backend

TASKS: Final = 5_000 if FULL else 120
MORE: Final = TASKS // 10
ENDING: Final = TASKS // 10
OWNERS: Final = ("walker-a", "walker-b")
PAGE: Final = 100 if FULL else 10
AT_ONCE: Final = 8

pytestmark = pytest.mark.emulator


def tasks_of_two(count: int, *, seed: int) -> list[Task]:
    """Return tasks, five of each time."""
    chance = random.Random(seed)  # noqa: S311 - repeatable
    return [
        structs.replace(
            a_task(str(UUID(int=chance.getrandbits(128), version=4))),
            owner=chance.choice(OWNERS),
            submitted_at=T0 + timedelta(seconds=seed * 10_000 + number // 5),
        )
        for number in range(count)
    ]


def pages(store: DynamoDbTaskStore, owner: str) -> Iterator[list[Task]]:
    """Read the list page by page."""
    after: Position | None = None
    while True:
        page = ListTasks(store=store, clock=SystemClock(), begin_seconds_max=60)(
            owner=owner, task_filter=TaskFilter(), limit=PAGE, after=after
        )
        assert len(page.tasks) <= PAGE
        assert not page.unreadable
        yield list(page.tasks)
        after = page.next_position
        if after is None:
            return


def on_many(work: Callable[[Task], object], tasks: list[Task]) -> None:
    """Do it for each of these, several at a time."""
    with ThreadPoolExecutor(AT_ONCE) as pool:
        list(pool.map(work, tasks))


def test_each_task_of_the_start_is_seen_once_while_others_come_and_end(
    real_backend: Backend, figures: Callable[[str], None]
) -> None:
    """In order, by its owner alone, with the state that it has by then."""
    store = DynamoDbTaskStore(real_backend.settings())
    before = tasks_of_two(TASKS, seed=1)
    on_many(store.create_if_absent, before)
    more = tasks_of_two(MORE, seed=2)
    ending = before[:: TASKS // ENDING]

    def end(task: Task) -> None:
        store.apply(decide("complete", store.apply(decide("claim", task))))

    others = [
        threading.Thread(target=on_many, args=(store.create_if_absent, more)),
        threading.Thread(target=on_many, args=(end, ending)),
    ]
    seen: dict[str, list[Task]] = {}
    count = 0
    for owner in OWNERS:
        seen[owner] = []
        for page in pages(store, owner):
            if count == 0:
                for other in others:
                    other.start()
            count += 1
            seen[owner] += page
    for other in others:
        other.join()
    for owner in OWNERS:
        shown = [(task.submitted_at, task.task_id) for task in seen[owner]]
        assert shown == sorted(shown, reverse=True)
        assert len(set(shown)) == len(shown)
        assert {task.owner for task in seen[owner]} == {owner}
        of_the_start = {task.task_id for task in before if task.owner == owner}
        assert of_the_start <= {task_id for _, task_id in shown}
    ended = sum(task.status.is_terminal for tasks in seen.values() for task in tasks)
    whole = [len([task for page in pages(store, owner) for task in page]) for owner in OWNERS]
    assert sum(whole) == TASKS + MORE
    figures(f"walk: {TASKS} tasks of two owners in {count} pages, {MORE} more came, {ended} ended")
