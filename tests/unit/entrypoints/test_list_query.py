"""The query of `GET /tasks`: what is taken, to the character, and cursors that stay good.

What is refused stands in `tests/functional/test_bad_input.py`.
"""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from chalicelib.domain.task import TaskStatus
from chalicelib.domain.task_filter import Position, TaskFilter
from chalicelib.entrypoints.http.list_query import ListQuery, cursor_of, parse_list_query

ID = "00000000-0000-4000-8000-000000000001"
AT = "2026-01-01T12:00:00.000000+00:00"
#: Given to a client by an earlier version of this service, for the list without filters.
OLD_CURSOR = (
    "WzEsIjI2YzA0OTJhMzVmMzBjN2EiLCIyMDI2LTAxLTAxVDEyOjAwOjAwLjAwMDAwMCswMDowMCIsIjAwMDAwMDAwLT"
    "AwMDAtNDAwMC04MDAwLTAwMDAwMDAwMDAwMSJd"
)


def parsed(**given: str | list[str]) -> ListQuery:
    """Read a query."""
    return parse_list_query(
        {name: value if isinstance(value, list) else [value] for name, value in given.items()}
    )


def test_a_query_without_parameters_asks_for_the_first_twenty() -> None:
    """As docs/api.md says."""
    assert parsed() == ListQuery(task_filter=TaskFilter(), limit=20, after=None)


def test_a_cursor_that_was_given_out_is_good_after_an_upgrade() -> None:
    """Its form is a promise: a client may be in the middle of a list."""
    position = Position(submitted_at=AT, task_id=ID)
    assert parsed(cursor=OLD_CURSOR).after == position
    assert cursor_of(position, TaskFilter()) == OLD_CURSOR


def test_each_filter_binds_a_cursor() -> None:
    """With any other value of one of them the cursor is of another list; their order is not."""
    position = Position(submitted_at=AT, task_id=ID)
    at = datetime(2026, 1, 1, tzinfo=UTC)
    filters = [
        TaskFilter(),
        TaskFilter(statuses=frozenset([TaskStatus.PENDING])),
        TaskFilter(tags=frozenset(["a:b"])),
        TaskFilter(submitted_after=at),
        TaskFilter(submitted_before=at),
    ]
    assert len({cursor_of(position, task_filter) for task_filter in filters}) == len(filters)
    ordered = cursor_of(position, parsed(tag=["a:1", "b:2", "c:3"]).task_filter)
    assert parsed(tag=["c:3", "a:1", "b:2"], cursor=ordered).after == position


def test_the_longest_cursor_is_taken() -> None:
    """512 characters."""
    longest = cursor_of(Position(submitted_at=AT, task_id="x" * 324), TaskFilter())
    assert len(longest) == 512
    assert parsed(cursor=longest).after is not None


@pytest.mark.parametrize(("text", "limit"), [("1", 1), ("100", 100), ("007", 7)])
def test_a_limit_is_an_integer_from_1_to_100(text: str, limit: int) -> None:
    """Both bounds are usable."""
    assert parsed(limit=text).limit == limit


def test_a_tag_may_have_the_longest_name_and_value_that_a_task_may_have() -> None:
    """128 and 256 characters, and ten of them; a tag may hold colons, and no value."""
    longest = f"{'n' * 128}:{'v' * 256}"
    assert parsed(tag=longest).task_filter.tags == {longest}
    assert parsed(tag=["a:", "a:b:c"]).task_filter.tags == {"a:", "a:b:c"}
    assert len(parsed(tag=[f"a:{number}" for number in range(10)]).task_filter.tags) == 10


@pytest.mark.parametrize(
    "text",
    [
        *("2026-01-01T12:00:00Z", "2026-01-01t12:00:00z", "2026-01-01T12:00:00.000000Z"),
        "2026-01-01T14:00:00+02:00",
    ],
)
def test_a_time_is_read_as_rfc_3339_has_it(text: str) -> None:
    """In either case, with a fraction or an offset; it is kept in UTC."""
    at = datetime(2026, 1, 1, 12, tzinfo=UTC)
    task_filter = parsed(submitted_after=text, submitted_before=text).task_filter
    assert (task_filter.submitted_after, task_filter.submitted_before) == (at, at)
    assert str(task_filter.submitted_after) == str(at)


def test_statuses_are_alternatives_separated_by_commas() -> None:
    """Each is one of the task's."""
    asked = parsed(status="pending,failed").task_filter.statuses
    assert asked == {TaskStatus.PENDING, TaskStatus.FAILED}
