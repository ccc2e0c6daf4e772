"""One page of a list in bounded time, on the real store and in virtual time."""

from __future__ import annotations

from datetime import timedelta
from types import SimpleNamespace
from typing import Any

import pytest

from chalicelib.adapters.dynamodb.items import OWNER_SHARDS
from chalicelib.adapters.dynamodb.store import DynamoDbTaskStore
from chalicelib.composition import LIST_BEGIN_SECONDS_MAX
from chalicelib.domain.task_filter import TaskFilter
from chalicelib.errors import StoreUnavailable
from chalicelib.settings import Settings
from chalicelib.use_cases.list_tasks import ListTasks, TaskPage
from infra.doctor.rules.functions import GATEWAY_SECONDS_MAX, api_seconds_max
from tests.support.in_memory import T0, FakeClock

#: The longest that a call takes and still succeeds.
SLOW = Settings().database_call_seconds_max
#: Ids in each shard, of different times, so that a page has far more places than it shows.
ENTRIES = 400


class SlowDatabase:
    """Answers every call of a store's client in place of the wire, and takes its time for each."""

    def __init__(self, *, query_seconds: float, read_seconds: float) -> None:
        self.clock = FakeClock()
        self.store = DynamoDbTaskStore(Settings(tasks_table_name="t"), now=self.clock.now)
        self.calls: list[str] = []
        self._seconds = {"Query": query_seconds, "BatchGetItem": read_seconds}
        self.store.client.meta.events.register("before-call.dynamodb.*", self._answer)

    def list(self) -> TaskPage:
        """Read a page by a tag, which no task has."""
        listing = ListTasks(
            store=self.store, clock=self.clock, begin_seconds_max=LIST_BEGIN_SECONDS_MAX
        )
        return listing(
            owner="o", task_filter=TaskFilter(tags=frozenset({"a:b"})), limit=100, after=None
        )

    def _answer(self, model: Any, **_: object) -> tuple[object, dict[str, Any]]:  # noqa: ANN401 - botocore's
        self.calls.append(model.name)
        self.clock.advance(self._seconds[model.name])
        items = [
            {
                "submitted_at": {"S": f"2026-01-01T00:00:00.{len(self.calls)}{number:05}+0000"},
                "task_id": {"S": f"{len(self.calls)}-{number}"},
            }
            for number in range(ENTRIES, 0, -1)
        ]
        found: dict[str, Any] = {"Responses": {}}
        if model.name == "Query":
            found = {"Items": items}
        return SimpleNamespace(status_code=200), found


def test_shards_that_are_slow_and_succeed_end_in_time() -> None:
    """Not in as many calls as a page may need: the gateway would have given up."""
    database = SlowDatabase(query_seconds=SLOW, read_seconds=SLOW)
    with pytest.raises(StoreUnavailable) as caught:
        database.list()
    assert not caught.value.in_doubt
    assert database.calls == ["Query"] * 3
    assert database.clock.now() - T0 <= timedelta(seconds=LIST_BEGIN_SECONDS_MAX + SLOW)


def test_batch_reads_that_are_slow_and_succeed_make_a_short_page() -> None:
    """It goes on behind what was read: a client that follows it comes to the end."""
    database = SlowDatabase(query_seconds=0, read_seconds=SLOW)
    page = database.list()
    assert database.calls == ["Query"] * OWNER_SHARDS + ["BatchGetItem"] * 3
    assert page.next_position is not None
    assert page.next_position.task_id == "4-101"
    assert database.clock.now() - T0 <= timedelta(seconds=LIST_BEGIN_SECONDS_MAX + SLOW)


def test_the_longest_list_is_counted_in_the_apis_timeout() -> None:
    """Where the database's calls may be long, so may be its last read."""
    assert LIST_BEGIN_SECONDS_MAX + SLOW <= api_seconds_max(Settings()) < GATEWAY_SECONDS_MAX
    slower = Settings(database_read_timeout_seconds=20, database_attempts_max=1)
    assert api_seconds_max(slower) >= LIST_BEGIN_SECONDS_MAX + slower.database_call_seconds_max
