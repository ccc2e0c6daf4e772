"""Walking a list while tasks arrive, end, disappear and become corrupt; an index orders ties.

What must hold: each task that was in the index when the walk began, and stays, is seen once;
nothing is seen twice, out of order, or by another owner; and a page reads no more than its bounds.
"""

from __future__ import annotations

import dataclasses
import random
from collections import Counter
from datetime import datetime, timedelta

from hypothesis import Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    precondition,
    rule,
    run_state_machine_as_test,
)
from msgspec import structs

from chalicelib.adapters.dynamodb.items import OWNER_SHARDS
from chalicelib.domain.task import Task, TaskStatus
from chalicelib.domain.task_filter import Position, TaskFilter
from chalicelib.errors import StoreUnavailable
from chalicelib.ports import IndexPage
from chalicelib.use_cases.list_tasks import BATCH_READS_MAX, BATCH_TASKS_MAX, ListTasks
from tests.proof.stateful.sharded_store import EVERY_ENTRY, ShardedStore
from tests.support.in_memory import T0, FakeClock, a_task

OWNERS = ("alice", "bob")
TAGS: tuple[dict[str, str], ...] = ({}, {"team": "a"}, {"team": "b"}, {"team": "a", "run": "1"})


@dataclasses.dataclass
class Walk:
    """A walk that is under way."""

    owner: str
    task_filter: TaskFilter
    limit: int
    expected: set[str]
    seen: list[Position] = dataclasses.field(default_factory=list)
    after: Position | None = None


class Listing(RuleBasedStateMachine):
    """Owners' tasks come and go while one of the owners walks the list."""

    def __init__(self) -> None:
        super().__init__()
        self.chance = random.Random(7)  # noqa: S311 - a test's
        self.store = ShardedStore(self.chance)
        self.number = 0
        self.walk: Walk | None = None

    @initialize(counts=st.lists(st.integers(1, 30), min_size=2, max_size=6))
    def begin_with_tasks(self, counts: list[int]) -> None:
        """Store tasks of both owners, or a walk would mostly have nothing to show."""
        for second, count in enumerate(counts):
            for owner in OWNERS:
                self.submit(owner=owner, second=second, count=count)

    @rule(owner=st.sampled_from(OWNERS), second=st.integers(0, 6), count=st.integers(1, 30))
    def submit(self, owner: str, second: int, count: int) -> None:
        """Store tasks, many of them with the same time."""
        for _ in range(count):
            self.number += 1
            task_id = f"{self.chance.getrandbits(60):015x}-{self.number:04x}"
            at = T0 + timedelta(seconds=second, microseconds=self.chance.choice([0, 0, 0, 1]))
            task = a_task(task_id)
            request = structs.replace(task.request, tags=self.chance.choice(TAGS))
            self.store.tasks[task_id] = structs.replace(
                task, owner=owner, submitted_at=at, request=request
            )

    @rule(count=st.integers(1, 10), status=st.sampled_from([*TaskStatus]))
    def change(self, count: int, status: TaskStatus) -> None:
        """Give some tasks another status; a walk that filters by it need not show them."""
        for task_id in self._some(count):
            task = self.store.tasks[task_id]
            self.store.tasks[task_id] = structs.replace(task, status=status)
            if self.walk is not None and self.walk.task_filter.statuses:
                self.walk.expected.discard(task_id)

    @rule(count=st.integers(1, 5))
    def withdraw(self, count: int) -> None:
        """Delete some tasks."""
        for task_id in self._some(count):
            del self.store.tasks[task_id]
            if self.walk is not None:
                self.walk.expected.discard(task_id)

    @rule(count=st.integers(1, 5))
    def make_corrupt(self, count: int) -> None:
        """Make some items unreadable; they are listed all the same, by their ids."""
        self.store.unreadable |= set(self._some(count))

    @rule(busy=st.sampled_from([0.0, 0.0, 0.1, 0.5]))
    def be_busy(self, busy: float) -> None:
        """Let reads leave out some keys."""
        self.store.busy = busy

    @precondition(lambda self: self.walk is None)
    @rule(
        owner=st.sampled_from(OWNERS),
        limit=st.sampled_from([1, 2, 7, 20, 100]),
        statuses=st.sampled_from([(), (TaskStatus.PENDING,), (TaskStatus.FAILED,)]),
        tags=st.sampled_from([(), (), (), ("team:a",), ("team:a", "run:1")]),
        low=st.none() | st.integers(0, 6),
        high=st.none() | st.integers(0, 6),
    )
    def begin(
        self,
        owner: str,
        limit: int,
        statuses: tuple[TaskStatus, ...],
        tags: tuple[str, ...],
        low: int | None,
        high: int | None,
    ) -> None:
        """Begin a walk, and note what it must show."""
        task_filter = TaskFilter(
            statuses=frozenset(statuses),
            tags=frozenset(tags),
            submitted_after=None if low is None else T0 + timedelta(seconds=low),
            submitted_before=None if high is None else T0 + timedelta(seconds=high),
        )
        self.walk = Walk(owner, task_filter, limit, set())
        self.walk.expected = {i for i, task in self.store.tasks.items() if self._is_meant(task)}

    @precondition(lambda self: self.walk is not None)
    @rule(pages=st.integers(1, 4))
    def go_on(self, pages: int) -> None:
        """Read some pages; at the end of the list, compare."""
        for _ in range(pages):
            if self.walk is None or not self._read_a_page(self.walk):
                return

    def teardown(self) -> None:
        """Walk to the end in any case."""
        self.store.busy = 0.0
        while self.walk is not None:
            self._read_a_page(self.walk)

    def _read_a_page(self, walk: Walk) -> bool:
        self.store.entries_read = self.store.batch_reads = 0
        ties = max(Counter(t.submitted_at for t in self.store.tasks.values()).values(), default=0)
        try:
            page = ListTasks(store=self.store, clock=FakeClock(), begin_seconds_max=6)(
                owner=walk.owner, task_filter=walk.task_filter, limit=walk.limit, after=walk.after
            )
        except StoreUnavailable:
            return False
        assert self.store.batch_reads <= BATCH_READS_MAX
        assert self.store.entries_read <= OWNER_SHARDS * (2 * BATCH_TASKS_MAX + ties)
        assert len(page.tasks) + len(page.unreadable) <= walk.limit
        for task in page.tasks:
            assert task.owner == walk.owner
            assert walk.task_filter.matches(task)
            assert not task.request.circuit
        shown = [task.task_id for task in page.tasks] + list(page.unreadable)
        places = sorted((ShardedStore.entry(self.store.tasks[i])[0] for i in shown), reverse=True)
        assert all(walk.after is None or place < walk.after for place in places)
        in_order = [task.task_id for task in page.tasks]
        assert in_order == [p.task_id for p in places if p.task_id in set(in_order)]
        assert len({p.task_id for p in (*walk.seen, *places)}) == len(walk.seen) + len(places)
        walk.seen += places
        assert page.next_position != walk.after or page.next_position is None
        walk.after = page.next_position
        if walk.after is None:
            missing = walk.expected - {place.task_id for place in walk.seen}
            assert not missing
            self.walk = None
            return False
        return True

    def _is_meant(self, task: Task) -> bool:
        walk = self.walk
        assert walk is not None
        low, high = walk.task_filter.submitted_after, walk.task_filter.submitted_before
        return (
            task.owner == walk.owner
            and (low is None or task.submitted_at >= low)
            and (high is None or task.submitted_at < high)
            and walk.task_filter.matches(task)
        )

    def _some(self, count: int) -> list[str]:
        ids = sorted(self.store.tasks)
        return self.chance.sample(ids, min(count, len(ids)))


class CutListing(Listing):
    """Queries end before their limit, as those of a megabyte do."""

    @rule(entries=st.sampled_from([1, 3, 30, EVERY_ENTRY]))
    def be_cut(self, entries: int) -> None:
        """Choose after how many entries."""
        self.store.entries_a_call = entries


def test_a_walk_shows_each_task_once_whatever_happens_meanwhile() -> None:
    """The promise of `GET /tasks`, under whatever comes."""
    run_state_machine_as_test(Listing)


def test_a_walk_goes_on_behind_pages_that_are_cut_by_bytes() -> None:
    """Without hole or repeat, wherever a query or a batch read ends."""
    run_state_machine_as_test(CutListing)


def test_the_machine_finds_a_cut_between_equal_times() -> None:
    """A store that takes a cut group as whole loses tasks, and is seen to."""

    class CutsTies(ShardedStore):
        def tasks_of(
            self,
            owner: str,
            *,
            task_filter: TaskFilter,
            after: Position | None,
            limit: int,
            start_deadline: datetime,
        ) -> IndexPage:
            page = super().tasks_of(
                owner,
                task_filter=task_filter,
                after=after,
                limit=limit,
                start_deadline=start_deadline,
            )
            return IndexPage(positions=page.positions[: limit // 2 or 1], is_last=page.is_last)

    class Broken(Listing):
        def __init__(self) -> None:
            super().__init__()
            self.store = CutsTies(self.chance)

    try:
        run_state_machine_as_test(
            Broken, settings=settings(phases=[Phase.generate], max_examples=100)
        )
    except (AssertionError, ExceptionGroup):
        return
    raise RuntimeError("a list with holes was not noticed")
