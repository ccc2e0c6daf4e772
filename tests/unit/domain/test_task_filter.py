"""Which tasks a filter means, and how places of a list compare."""

from __future__ import annotations

from typing import Any

import pytest
from msgspec import structs

from chalicelib.domain.task import TaskStatus
from chalicelib.domain.task_filter import Position, TaskFilter
from tests.support.in_memory import T0, a_request, a_task

TASK = structs.replace(
    a_task(request=a_request(tags={"a": "b", "c": "d"})), status=TaskStatus.FAILED
)


@pytest.mark.parametrize(
    ("asked", "matches"),
    [
        ({}, True),
        ({"statuses": {TaskStatus.FAILED}}, True),
        ({"statuses": {TaskStatus.FAILED, TaskStatus.PENDING}}, True),
        ({"statuses": {TaskStatus.PENDING}}, False),
        ({"tags": {"a:b"}}, True),
        ({"tags": {"a:b", "c:d"}}, True),
        ({"tags": {"a:b", "c:e"}}, False),
        ({"tags": {"a:"}}, False),
        ({"statuses": {TaskStatus.FAILED}, "tags": {"a:d"}}, False),
        ({"statuses": {TaskStatus.PENDING}, "tags": {"a:b"}}, False),
    ],
)
def test_a_task_matches_with_any_of_the_statuses_and_all_of_the_tags(
    asked: dict[str, Any],
    matches: bool,  # noqa: FBT001 - a case of the table
) -> None:
    """What is empty filters nothing, and then the index alone tells which tasks are meant."""
    sets: dict[str, Any] = {name: frozenset(values) for name, values in asked.items()}
    task_filter = TaskFilter(**sets)
    assert task_filter.matches(TASK) is matches
    assert task_filter.needs_tasks is bool(asked)


def test_times_are_the_indexs_to_compare() -> None:
    """A filter by time alone needs no task, and matches each."""
    task_filter = TaskFilter(submitted_after=T0, submitted_before=T0)
    assert task_filter.needs_tasks is False
    assert task_filter.matches(TASK)


def test_places_compare_by_time_and_then_by_id() -> None:
    """From the oldest up."""
    places = [
        Position(submitted_at=at, task_id=name) for at in ("2026", "2027") for name in ("a", "b")
    ]
    third, first, last, second = places[2], places[0], places[3], places[1]
    assert sorted([third, first, last, second]) == places
