"""How a shard of the index is read: bounded calls, and entries of one time together."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from chalicelib.adapters.dynamodb.index_reader import TooManyTies, read_index, until_deadline
from chalicelib.adapters.dynamodb.items import owner_shards
from chalicelib.domain.task_filter import Position, TaskFilter
from chalicelib.errors import StoreUnavailable
from tests.support.in_memory import T0

OWNER = "me"


def at(seconds: float) -> datetime:
    """Return a time."""
    return datetime(2026, 1, 1, tzinfo=UTC) + timedelta(seconds=seconds)


def stored(seconds: float) -> str:
    """Return it as the index has it."""
    return at(seconds).strftime("%Y-%m-%dT%H:%M:%S.%f+0000")


class Index:
    """The first shard's entries, read as DynamoDB's `Query` reads them; the others are empty."""

    def __init__(self, *entries: tuple[float, str], page_max: int = 1_000) -> None:
        self.entries = sorted(((stored(seconds), name) for seconds, name in entries), reverse=True)
        self.page_max = page_max
        self.asked: list[dict[str, Any]] = []

    def query(self, **arguments: Any) -> dict[str, Any]:  # noqa: ANN401 - as DynamoDB has them
        """Answer one call; no call of the shards that are empty is kept."""
        values = arguments["ExpressionAttributeValues"]
        if values[":shard"]["S"] != owner_shards(OWNER)[0]:
            return {"Items": []}
        self.asked.append(arguments)
        low, high = values[":low"]["S"], values[":high"]["S"]
        found = [entry for entry in self.entries if low <= entry[0] <= high]
        taken = found[: arguments.get("Limit", self.page_max)]
        items = [{"submitted_at": {"S": when}, "task_id": {"S": name}} for when, name in taken]
        rest = {"LastEvaluatedKey": {"task_id": items[-1]}} if len(taken) < len(found) else {}
        return {"Items": items, **rest}

    def read(self, *, limit: int, after: Position | None = None, **bounds: Any) -> Any:  # noqa: ANN401
        """Read a stretch of the list."""
        task_filter = TaskFilter(**bounds)
        return read_index(self.query, OWNER, task_filter=task_filter, after=after, limit=limit)


def test_a_page_is_asked_for_with_its_limit_and_ties_without() -> None:
    """What is older than the oldest time of a page counts on the next one."""
    index = Index((1, "a"), (2, "b"), (3, "c"))
    page = index.read(limit=2)
    assert [position.task_id for position in page.positions] == ["c"]
    assert not page.is_last
    assert [asked.get("Limit") for asked in index.asked] == [2]
    ties = Index((1, "a"), (1, "b"), (1, "c"))
    page = ties.read(limit=2)
    assert [position.task_id for position in page.positions] == ["c", "b", "a"]
    assert ["Limit" in asked for asked in ties.asked] == [True, False]
    assert ties.read(limit=4).is_last


def test_more_ties_than_one_call_returns_are_an_error_with_their_number() -> None:
    """No order is promised among them, so none may be left out."""
    index = Index(*[(1, f"{number:02}") for number in range(12)], page_max=11)
    with pytest.raises(TooManyTies, match=f"^11 tasks and more were submitted at {stored(1)[:19]}"):
        index.read(limit=2)


def test_no_query_is_begun_after_its_time() -> None:
    """At the time itself it is."""
    index = Index((1, "a"))
    times = iter([T0, T0 + timedelta(microseconds=1)])
    query = until_deadline(index.query, lambda: next(times), T0)
    asked = {
        "ExpressionAttributeValues": {
            ":shard": {"S": owner_shards(OWNER)[0]},
            ":low": {"S": " "},
            ":high": {"S": "~"},
        }
    }
    assert len(query(**asked)["Items"]) == 1
    with pytest.raises(StoreUnavailable):
        query(**asked)
