"""No line holds what a user sent, whichever call fails."""

from __future__ import annotations

import json
import random
from typing import Any

import pytest

from chalicelib.errors import StoreUnavailable
from tests.support.logged import logged_lines
from tests.unit.adapters.endpoint import ENDPOINT, FAILED, Endpoint

MARK = "a-mark-of-a-user"
USERS: dict[str, Any] = {
    "S": MARK,
    "B": MARK.encode(),
    "L": [{"S": MARK}],
    "M": {MARK: {"S": MARK}},
}
#: Each kind of call, with a user's contents wherever they can stand.
CALLS: list[tuple[str, str, dict[str, Any]]] = [
    ("dynamodb", "put_item", {"Item": {"task_id": {"S": "t"}, "tags": {"S": MARK}}}),
    *(("dynamodb", "put_item", {"Item": {"tags": {kind: USERS[kind]}}}) for kind in USERS),
    (
        *("dynamodb", "update_item"),
        {"Key": {"task_id": {"S": "t"}}, "ExpressionAttributeValues": {":0": {"S": MARK}}},
    ),
    ("dynamodb", "get_item", {"Key": {"task_id": {"S": "t"}}}),
    ("dynamodb", "delete_item", {"Key": {"task_id": {"S": "t"}}}),
    (
        *("dynamodb", "query"),
        {"KeyConditionExpression": "a = :a", "ExpressionAttributeValues": {":a": {"S": MARK}}},
    ),
    ("sqs", "send_message", {"MessageBody": MARK, "MessageGroupId": MARK}),
    (
        *("sqs", "send_message_batch"),
        {"Entries": [{"Id": "0", "MessageBody": MARK, "MessageGroupId": MARK}]},
    ),
]


@pytest.mark.parametrize(("service", "operation", "parameters"), CALLS)
def test_a_failed_calls_lines_hold_nothing_of_a_user(
    monkeypatch: pytest.MonkeyPatch, service: str, operation: str, parameters: dict[str, Any]
) -> None:
    """Neither circuit nor tags nor owner: names and sizes, and what the service made itself."""
    monkeypatch.setattr(random, "uniform", lambda *_: 0.0)  # no pause between tries
    where = {"TableName": "tasks"} if service == "dynamodb" else {"QueueUrl": f"{ENDPOINT}/1/tasks"}
    with logged_lines() as lines:
        endpoint = Endpoint(lines, service)
        endpoint.answer(FAILED, FAILED)
        with pytest.raises(StoreUnavailable), endpoint.calls.failing_as(StoreUnavailable):
            getattr(endpoint.client, operation)(**where, **parameters)
        assert MARK not in json.dumps(lines())
        (line,) = endpoint.lines_of("ERROR")
    assert where.items() <= line["parameters"].items()
