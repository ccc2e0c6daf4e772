"""The query of `GET /tasks`: bounds to the character, and cursors that stay good."""

from __future__ import annotations

import base64
from datetime import UTC, datetime
from typing import Any

import msgspec
import pytest

from chalicelib.domain.task import TaskStatus
from chalicelib.domain.task_filter import Position, TaskFilter
from chalicelib.entrypoints.http.paging import ListQuery, cursor_of, parse_list_query
from chalicelib.errors import InvalidRequest

ID = "00000000-0000-4000-8000-000000000001"
AT = "2026-01-01T12:00:00.000000+00:00"
#: Given to a client by an earlier version of this service, for the list without filters.
OLD_CURSOR = (
    "WzEsIjI2YzA0OTJhMzVmMzBjN2EiLCIyMDI2LTAxLTAxVDEyOjAwOjAwLjAwMDAwMCswMDowMCIsIjAwMDAwMDAwLT"
    "AwMDAtNDAwMC04MDAwLTAwMDAwMDAwMDAwMSJd"
)
FILTERS_OF_IT = "26c0492a35f30c7a"


def parsed(**given: str | list[str]) -> ListQuery:
    """Read a query."""
    return parse_list_query(
        {name: value if isinstance(value, list) else [value] for name, value in given.items()}
    )


def refused(**given: str | list[str]) -> list[str]:
    """Return what is said against a query."""
    with pytest.raises(InvalidRequest) as caught:
        parsed(**given)
    return [f"{error.field} {error.message}" for error in caught.value.errors]


def encoded(*parts: Any) -> str:  # noqa: ANN401 - JSON
    """Return what looks like a cursor."""
    return base64.urlsafe_b64encode(msgspec.json.encode(parts)).decode().rstrip("=")


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


@pytest.mark.parametrize(
    ("cursor", "said"),
    [
        (encoded(2, FILTERS_OF_IT, AT, ID), "is from another version of the service; begin again"),
        (encoded(0, FILTERS_OF_IT, AT, ID), "is from another version of the service; begin again"),
        (encoded(1, "0" * 16, AT, ID), "belongs to other filters; give those that it came with"),
        (encoded(1, FILTERS_OF_IT, "", ID), "must be a next_cursor of an earlier answer"),
        (encoded(1, FILTERS_OF_IT, AT), "must be a next_cursor of an earlier answer"),
        (encoded(1, FILTERS_OF_IT, AT, ID, 1), "must be a next_cursor of an earlier answer"),
        (encoded(1, FILTERS_OF_IT, AT, "x" * 346), "must be a next_cursor of an earlier answer"),
    ],
)
def test_a_cursor_that_is_none_says_what_to_do(cursor: str, said: str) -> None:
    """The list begins again where the form has changed."""
    (error,) = refused(cursor=cursor)
    assert error.startswith(f'cursor {said}; it was "')


def test_a_cursor_has_at_most_512_characters() -> None:
    """A longer one is refused before it is decoded."""
    longest = encoded(1, FILTERS_OF_IT, AT, "x" * 324)
    assert len(longest) == 512
    assert parsed(cursor=longest).after is not None
    assert refused(cursor=encoded(1, FILTERS_OF_IT, AT, "x" * 325))


@pytest.mark.parametrize(("text", "limit"), [("1", 1), ("100", 100), ("007", 7)])
def test_a_limit_is_an_integer_from_1_to_100(text: str, limit: int) -> None:
    """Both bounds are usable."""
    assert parsed(limit=text).limit == limit


@pytest.mark.parametrize("text", ["0", "101", "0001", "1.0", "+1", "", "१"])
def test_what_is_no_limit_is_refused(text: str) -> None:
    """With the bounds and the text."""
    (error,) = refused(limit=text)
    assert error.startswith("limit must be an integer from 1 to 100; it was ")


def test_a_tag_may_have_the_longest_name_and_value_that_a_task_may_have() -> None:
    """128 and 256 characters, and ten of them; a tag may hold colons, and no value."""
    longest = f"{'n' * 128}:{'v' * 256}"
    assert parsed(tag=longest).task_filter.tags == {longest}
    assert parsed(tag=["a:", "a:b:c"]).task_filter.tags == {"a:", "a:b:c"}
    (error,) = refused(tag=f"{longest}v")
    assert error.startswith("tag must be name:value, at most 128 and 256 characters; it was ")
    ten = [f"a:{number}" for number in range(10)]
    assert len(parsed(tag=ten).task_filter.tags) == 10
    assert refused(tag=[*ten, "a:10"]) == ["tag must be given at most 10 times, not 11"]


@pytest.mark.parametrize(
    "text",
    [
        "2026-01-01T12:00:00Z",
        "2026-01-01t12:00:00z",
        "2026-01-01T12:00:00.000000Z",
        "2026-01-01T14:00:00+02:00",
    ],
)
def test_a_time_is_read_as_rfc_3339_has_it(text: str) -> None:
    """In either case, with a fraction or an offset; it is kept in UTC."""
    at = datetime(2026, 1, 1, 12, tzinfo=UTC)
    task_filter = parsed(submitted_after=text, submitted_before=text).task_filter
    assert (task_filter.submitted_after, task_filter.submitted_before) == (at, at)
    assert str(task_filter.submitted_after) == str(at)


@pytest.mark.parametrize(
    "text",
    [
        "2026-01-01T12:00:00",
        "2026-01-01",
        "2026-01-01T12:00:00.Z",
        "2026-01-01T12:00:00.1234567890Z",
        "2026-01-01 12:00:00Z",
        "2026-02-30T12:00:00Z",
        "0001-01-01T00:00:00+01:00",
    ],
)
def test_what_is_no_time_is_refused(text: str) -> None:
    """With an example, also where only the calendar is against it."""
    (error,) = refused(submitted_after=text)
    assert "submitted_after must be a time as RFC 3339 has it, such as 2026-01-01T12:00" in error


def test_parameters_are_given_once_and_the_first_twenty_errors_are_named() -> None:
    """All that are wrong at once, with the names of those that there are."""
    assert refused(limit=["1", "2"]) == ["limit must be given once, not 2 times"]
    errors = refused(**{f"p{number:02}": "x" for number in range(21)})
    assert len(errors) == 20
    assert errors[0] == (
        '"p00" is not a parameter; the parameters are '
        "cursor, limit, status, submitted_after, submitted_before, tag"
    )


def test_statuses_are_alternatives_separated_by_commas() -> None:
    """One that is none is refused with all that there are."""
    asked = parsed(status="pending,failed").task_filter.statuses
    assert asked == {TaskStatus.PENDING, TaskStatus.FAILED}
    (error,) = refused(status="pending,")
    assert error.startswith("status must be a list of pending, processing, completed, failed, ")
