"""A task that cannot be read: what its owner is told, and that a thousand hold up no other."""

from __future__ import annotations

import json
import zlib
from collections.abc import Iterator
from datetime import timedelta
from uuid import UUID

import pytest

from chalicelib.adapters.dynamodb.items import OPEN_SHARDS
from chalicelib.domain.task import Task
from infra.audit.audit import Tolerance, audit
from infra.audit.reading import Located, Reader
from tests.functional.conftest import Api, Logged
from tests.functional.problems import assert_problem
from tests.support.backends import Backend, moto_backend
from tests.support.on_one_store import GRACE_SECONDS, OnOneStore
from tests.support.spoiling import KINDS, OF_THE_CIRCUIT, OF_THE_CONDITIONS, OF_THE_INDEX

UNREADABLE, MALFORMED, HEALTHY = 1_000, 50, 300
#: What is spoilt in addition to the 50 with a malformed due time. moto cannot compare a text with a
#: number, which DynamoDB can.
OTHER_KINDS = [
    kind for kind in KINDS if kind not in OF_THE_INDEX and kind != "an attempt that is a text"
]


def _spoil(api: Api, task_id: str, kind: str) -> None:
    client, table = api.backend.dynamodb(), api.backend.table_name
    item = client.get_item(TableName=table, Key={"task_id": {"S": task_id}})["Item"]
    KINDS[kind](item)
    client.put_item(TableName=table, Item=item)


@pytest.mark.parametrize("kind", KINDS)
def test_reading_it_is_a_problem_of_its_own_type(api: Api, kind: str) -> None:
    """The document names the task and what is wrong with it."""
    task_id = api.submit()
    _spoil(api, task_id, kind)
    answer = api.get(task_id)
    assert_problem(answer, 500, "/problems/task-unreadable", task_id, "cannot be read")
    assert answer.body["task_id"] == task_id


def test_cancelling_it_says_that_it_was_cancelled(api: Api) -> None:
    """It cannot be shown, and that is said too; a second time is the same."""
    task_id = api.submit()
    _spoil(api, task_id, "a circuit's item that is gone")
    for _ in range(2):
        answer = api.cancel(task_id)
        assert answer.status == 200
        assert (answer.body["task_id"], answer.body["status"]) == (task_id, "cancelled")
        assert answer.body["message"].startswith("the task is cancelled; it cannot be shown: ")


def test_it_is_logged_and_counted(
    api: Api, logged: Logged, capsys: pytest.CaptureFixture[str]
) -> None:
    """The line has the task's id and the reason; the metric is what the alarm watches."""
    task_id = api.submit()
    _spoil(api, task_id, "an unknown event")
    api.get(task_id)
    (line,) = [line for line in logged() if line["message"].startswith("task cannot be read")]
    assert (line["task_id"], line["level"]) == (task_id, "ERROR")
    assert "pause" in line["message"]
    metrics = [json.loads(text) for text in capsys.readouterr().out.splitlines() if "_aws" in text]
    assert [metric["unreadable"] for metric in metrics if "unreadable" in metric] == [1]


@pytest.fixture(scope="module")
def crowded() -> Iterator[tuple[Backend, list[Task], list[Task]]]:
    """Return a table with 1,000 spoilt tasks due in one shard, and 300 healthy ones behind them."""
    with moto_backend() as backend:
        world = OnOneStore(backend)
        ids = (
            task_id
            for task_id in (str(UUID(int=number, version=4)) for number in range(100_000))
            if zlib.crc32(task_id.encode()) % OPEN_SHARDS == 0
        )
        spoilt = [world.put(next(ids)) for _ in range(UNREADABLE)]
        kinds = [*OF_THE_INDEX] * MALFORMED
        for number, task in enumerate(spoilt):
            malformed = number < MALFORMED
            kind = kinds[number] if malformed else OTHER_KINDS[number % len(OTHER_KINDS)]
            world.spoil(task.task_id, KINDS[kind])
        world.clock.advance(1)
        yield backend, spoilt, [world.put(next(ids)) for _ in range(HEALTHY)]


def test_a_thousand_of_them_in_one_shard_hold_up_no_healthy_task(
    crowded: tuple[Backend, list[Task], list[Task]],
) -> None:
    """The audit names exactly them; all healthy tasks complete within twice the grace."""
    backend, spoilt, healthy = crowded
    world = OnOneStore(backend)
    world.clock.advance(GRACE_SECONDS + 2)
    reader = Reader(
        Located(
            table_name=backend.table_name, queue_url=backend.queue_url, dead_letter_queue_url=None
        )
    )
    verdict = audit(reader, Tolerance(skew=timedelta(1), overdue=timedelta(100_000)))
    named = {line.partition(":")[0] for line in verdict.violations}
    assert named == {task.task_id for task in spoilt}
    assert verdict.violations_in_all == UNREADABLE
    runs = 0
    while any(world.status(task.task_id) != "completed" for task in healthy):
        world.sweep()
        runs += 1
        while world.deliver():
            pass
        world.clock.advance(60)
        assert runs <= 2
    assert len(world.executor.executed) == HEALTHY
    assert {*OF_THE_CIRCUIT, *OF_THE_CONDITIONS} <= {*KINDS}
