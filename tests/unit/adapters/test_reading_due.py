"""How the index of open tasks is read: every shard, page by page, no further than asked for."""

from __future__ import annotations

from datetime import timedelta
from types import SimpleNamespace
from typing import Any

import pytest

from chalicelib.adapters.dynamodb.items import open_shards
from chalicelib.adapters.dynamodb.store import DynamoDbTaskStore
from chalicelib.settings import Settings
from tests.support.in_memory import T0

STORED, LATE = "2026-01-01T12:00:00.000001+0000", "2026-01-02T12:00:00.000001+0000"


class Index:
    """Answers a store's queries: one shard has tasks, two on a page."""

    def __init__(self, shard: str, tasks: int) -> None:
        self.store = DynamoDbTaskStore(Settings(tasks_table_name="tasks"))
        self.asked: list[dict[str, Any]] = []
        self._shard = shard
        self._tasks = tasks
        self.store.client.meta.events.register(
            "provide-client-params.dynamodb.Query", lambda params, **_: self.asked.append(params)
        )
        self.store.client.meta.events.register("before-call.dynamodb.Query", self._answer)

    def due(self, limit: int) -> list[str]:
        """Read what is due."""
        return list(self.store.due(T0, limit=limit, implausible_after=T0 + timedelta(days=1)))

    def _answer(self, **_: object) -> tuple[object, dict[str, Any]]:
        asked = self.asked[-1]
        values = sorted(str(value) for value in asked["ExpressionAttributeValues"].values())
        found: dict[str, Any] = {"Items": []}
        if any(self._shard in value for value in values) and any(STORED in v for v in values):
            begin = int(asked.get("ExclusiveStartKey", {"task_id": {"S": "0"}})["task_id"]["S"])
            end = min(begin + 2, begin + asked["Limit"], self._tasks)
            found["Items"] = [{"task_id": {"S": f"task-{n}"}} for n in range(begin, end)]
            if end < self._tasks:
                found["LastEvaluatedKey"] = {"task_id": {"S": str(end)}}
        return SimpleNamespace(status_code=200), found


def shards_of(asked: list[dict[str, Any]]) -> list[str]:
    """Return the shards that were asked for."""
    return [
        value["S"]
        for each in asked
        for value in each["ExpressionAttributeValues"].values()
        if value["S"].startswith("open#")
    ]


def test_every_shard_is_asked_for_what_is_due_and_for_what_is_due_implausibly_late() -> None:
    """In one index."""
    index = Index("open#3", 0)
    assert index.due(limit=10) == []
    assert sorted(shards_of(index.asked)) == sorted(2 * open_shards())
    assert {each["IndexName"] for each in index.asked} == {"open_tasks"}
    times = {
        (value["S"], "<=" in each["KeyConditionExpression"])
        for each in index.asked
        for value in each["ExpressionAttributeValues"].values()
        if value["S"].startswith("2026")
    }
    assert {time for time, _ in times} == {STORED, LATE}


def test_the_shards_are_read_in_another_order_each_time() -> None:
    """So that what is due in the last of them is not left out for good."""
    index = Index("open#3", 0)
    orders = set()
    for _ in range(8):
        index.asked.clear()
        index.due(limit=10)
        orders.add(tuple(shards_of(index.asked)))
    assert len(orders) > 1


@pytest.mark.parametrize(
    ("limit", "limits"), [(10, [10, 8, 6]), (5, [5, 3, 1]), (4, [4, 2]), (1, [1])]
)
def test_a_shard_is_read_page_by_page_up_to_the_limit(limit: int, limits: list[int]) -> None:
    """Each call goes on behind the page before, and asks for no more than is still wanted."""
    index = Index("open#3", 5)
    found = index.due(limit=limit)
    assert found == [f"task-{number}" for number in range(min(limit, 5))]
    pages = [
        each
        for each in index.asked
        if STORED in str(each["ExpressionAttributeValues"]) and shards_of([each]) == ["open#3"]
    ]
    assert [each["Limit"] for each in pages] == limits
    starts = [each.get("ExclusiveStartKey", {}).get("task_id", {}).get("S") for each in pages]
    assert starts == [None, "2", "4"][: len(limits)]


def test_what_one_shard_has_counts_in_the_limit_of_the_others() -> None:
    """And where nothing more is wanted, nothing more is asked for."""
    index = Index("open#3", 5)
    index.due(limit=2)
    position = shards_of(index.asked).index("open#3")
    assert {each["Limit"] for each in index.asked} == {2}
    assert len(index.asked) == position + 1
