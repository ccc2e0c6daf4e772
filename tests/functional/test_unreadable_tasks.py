"""A task that cannot be read: what its owner is told."""

from __future__ import annotations

import json

import pytest

from tests.functional.conftest import Api, Logged
from tests.functional.problems import assert_problem
from tests.support.corrupting import KINDS


def _make_corrupt(api: Api, task_id: str, kind: str) -> None:
    client, table = api.backend.dynamodb(), api.backend.table_name
    item = client.get_item(TableName=table, Key={"task_id": {"S": task_id}})["Item"]
    KINDS[kind](item)
    client.put_item(TableName=table, Item=item)


def test_reading_it_is_a_problem_of_its_own_type(api: Api) -> None:
    """The document names the task and what is wrong with it."""
    for kind in KINDS:
        task_id = api.submit()
        _make_corrupt(api, task_id, kind)
        answer = api.get(task_id)
        assert_problem(answer, 500, "/problems/task-unreadable", task_id, "cannot be read")
        assert answer.body["task_id"] == task_id, kind


def test_cancelling_it_says_that_it_was_cancelled(api: Api) -> None:
    """It cannot be shown, and that is said too; a second time is the same."""
    task_id = api.submit()
    _make_corrupt(api, task_id, "a circuit's item that is gone")
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
    _make_corrupt(api, task_id, "an unknown event")
    api.get(task_id)
    (line,) = [line for line in logged() if line["message"].startswith("task cannot be read")]
    assert (line["task_id"], line["level"]) == (task_id, "ERROR")
    assert "pause" in line["message"]
    metrics = [json.loads(text) for text in capsys.readouterr().out.splitlines() if "_aws" in text]
    assert [metric["unreadable"] for metric in metrics if "unreadable" in metric] == [1]
