"""What stands on a page of a list, and where the next one begins."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import Any, cast

import pytest

from chalicelib.domain.task import TaskStatus
from chalicelib.domain.task_filter import Position, TaskFilter
from chalicelib.errors import StoreUnavailable
from chalicelib.ports import IndexPage, Summaries, TaskStore
from chalicelib.use_cases.list_tasks import ListTasks, TaskPage
from tests.support.in_memory import FakeClock, a_task

NAMES = "edcba"


def place(name: str) -> Position:
    """Return a task's place."""
    return Position(submitted_at=f"2026-01-01T00:00:0{ord(name) - 96}", task_id=name)


class Listed:
    """A store whose index has five tasks; some cannot be read, or not now, or are another's."""

    def __init__(self, *, unreadable: str = "", busy: str = "", of_another: str = "") -> None:
        self.unreadable, self.busy, self.of_another = unreadable, busy, of_another
        self.is_last = True
        self.clock = FakeClock()
        self.asked: list[dict[str, Any]] = []
        self.index_seconds = 0.0

    def tasks_of(self, _owner: str, **asked: Any) -> IndexPage:  # noqa: ANN401 - as the port has it
        """Return the places behind the one that is given."""
        self.asked.append(asked)
        self.clock.advance(self.index_seconds)
        after = asked["after"]
        positions = [place(name) for name in NAMES if after is None or place(name) < after]
        return IndexPage(positions=positions, is_last=self.is_last)

    def get_summaries(self, owner: str, task_ids: Sequence[str]) -> Summaries:
        """Return what can be read."""
        return Summaries(
            tasks={
                name: a_task(name, owner="bob" if name in self.of_another else owner)
                for name in task_ids
                if name not in self.unreadable + self.busy
            },
            unreadable=frozenset(set(task_ids) & set(self.unreadable)),
            unprocessed=frozenset(set(task_ids) & set(self.busy)),
        )

    def page(self, *, limit: int = 5, after: str = "", **asked: Any) -> TaskPage:  # noqa: ANN401
        """Read one page."""
        listing = ListTasks(store=cast("TaskStore", self), clock=self.clock, begin_seconds_max=6)
        return listing(
            owner="me",
            task_filter=TaskFilter(**asked),
            limit=limit,
            after=place(after) if after else None,
        )


def names(page: TaskPage) -> str:
    """Return the tasks of a page."""
    return "".join(task.task_id for task in page.tasks)


def test_an_unreadable_task_is_named_and_takes_its_place() -> None:
    """It counts in the page's limit, so that an answer stays bounded."""
    page = Listed(unreadable="db").page(limit=3)
    assert (names(page), list(page.unreadable), page.next_position) == ("ec", ["d"], place("c"))
    page = Listed(unreadable="db").page(limit=3, after="c")
    assert (names(page), list(page.unreadable), page.next_position) == ("a", ["b"], None)


def test_a_page_ends_before_what_was_not_read() -> None:
    """The next one begins with it; a page of nothing would not go on."""
    page = Listed(busy="c").page()
    assert (names(page), page.next_position) == ("ed", place("d"))
    page = Listed(busy="d").page(limit=3)
    assert (names(page), page.next_position) == ("e", place("e"))
    with pytest.raises(StoreUnavailable):
        Listed(busy="c").page(after="d")


def test_a_page_takes_its_limit_and_says_whether_there_is_more() -> None:
    """The last place of the index ends the list, if there is nothing behind it."""
    assert Listed().page(limit=4).next_position == place("b")
    assert Listed().page(limit=5).next_position is None
    more = Listed()
    more.is_last = False
    assert more.page(limit=5).next_position == place("a")
    empty = Listed().page(after="a")
    assert (names(empty), empty.next_position) == ("", None)


def test_what_is_anothers_or_filtered_takes_no_place_and_is_passed_by() -> None:
    """By owner, and by status."""
    page = Listed(of_another="d").page(limit=3)
    assert (names(page), page.next_position) == ("ecb", place("b"))
    none = Listed().page(statuses=frozenset([TaskStatus.FAILED]))
    assert (names(none), none.next_position) == ("", None)
    assert none.unreadable == []


def test_the_index_is_asked_for_a_page_or_where_tasks_are_filtered_for_a_whole_read() -> None:
    """A filter's page may need many tasks; a whole read is of a hundred."""
    listed = Listed()
    listed.page(limit=3, after="d")
    listed.page(limit=3, statuses=frozenset([TaskStatus.FAILED]))
    listed.page(limit=3, tags=frozenset(["a:b"]))
    plain, by_status, by_tag = listed.asked
    assert [asked["limit"] for asked in listed.asked] == [3, 100, 100]
    assert plain["after"] == place("d")
    assert plain["start_deadline"] == listed.clock.now() + timedelta(seconds=6)
    assert by_status["task_filter"] == TaskFilter(statuses=frozenset([TaskStatus.FAILED]))
    assert by_tag["task_filter"] == TaskFilter(tags=frozenset(["a:b"]))


def test_tasks_are_read_up_to_the_bound_in_time_and_no_later() -> None:
    """Exactly then a read begins; a moment later it does not, and there is no page."""
    listed = Listed()
    listed.index_seconds = 6
    assert names(listed.page()) == NAMES
    late = Listed()
    late.index_seconds = 6.001
    with pytest.raises(StoreUnavailable):
        late.page()
