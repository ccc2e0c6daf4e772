"""What is logged of a call to database or queue, field by field, and what its failure becomes."""

from __future__ import annotations

import random
from types import SimpleNamespace
from typing import Any

import pytest
from botocore.exceptions import ClientError

from chalicelib.adapters import aws_calls
from chalicelib.errors import ConditionFailed, ServiceUnavailable, StoreFull, StoreUnavailable
from tests.support.logged import Lines
from tests.unit.adapters.endpoint import (
    FAILED,
    LOST,
    NEVER_SENT,
    OK,
    THROTTLED,
    Endpoint,
    Reply,
    refusal,
)


@pytest.fixture(autouse=True)
def _no_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(random, "uniform", lambda *_: 0.0)


@pytest.fixture
def database(lines: Lines) -> Endpoint:
    """Return a database."""
    return Endpoint(lines)


def test_a_call_that_went_well_is_one_short_line(database: Endpoint) -> None:
    """Which operation it was, how long it took and what it cost; not what is as always."""
    database.put((200, {"ConsumedCapacity": {"TableName": "tasks", "CapacityUnits": 1.5}}))
    (line,) = database.lines()
    assert line["duration_ms"] >= 0
    about = {name: line[name] for name in set(line) - {"timestamp", "duration_ms"}}
    assert about == {
        "level": "INFO",
        "message": "dynamodb call",
        "operation": "PutItem",
        "capacity_units": 1.5,
    }
    assert database.requests[0]["ReturnConsumedCapacity"] == "TOTAL"


@pytest.mark.parametrize(
    ("consumed", "units"),
    [
        ([{"CapacityUnits": 1.5}, {"CapacityUnits": 2}], 3.5),
        ([{"TableName": "tasks"}], 0),
        ([], 0),
    ],
)
def test_a_call_on_many_tables_costs_what_each_of_them_says(
    database: Endpoint, consumed: list[dict[str, Any]], units: float
) -> None:
    """A table that says nothing has cost nothing."""
    database.answer((200, {"ConsumedCapacity": consumed}))
    database.client.batch_get_item(RequestItems={"tasks": {"Keys": [{"task_id": {"S": "t"}}]}})
    (line,) = database.lines()
    assert (line["operation"], line["capacity_units"]) == ("BatchGetItem", units)


@pytest.mark.parametrize(("seconds", "slow"), [(0.125, False), (0.1251, True)])
def test_a_call_is_slow_past_its_limit(
    lines: Lines,
    monkeypatch: pytest.MonkeyPatch,
    seconds: float,
    slow: bool,  # noqa: FBT001 - a case of the table
) -> None:
    """Then its line is a warning, and says of which table."""
    database = Endpoint(lines, slow_call_ms=125.0)
    times = iter([0.0, seconds])
    monkeypatch.setattr(aws_calls, "time", SimpleNamespace(perf_counter=lambda: next(times)))
    database.put(OK)
    (line,) = lines()
    assert line["level"] == ("WARNING" if slow else "INFO")
    assert line["message"] == ("dynamodb call was slow" if slow else "dynamodb call")
    assert line.get("resource") == ("tasks" if slow else None)
    assert line["duration_ms"] == round(seconds * 1000, 1)


def test_calls_that_need_no_line_have_one_where_they_fail(lines: Lines) -> None:
    """Of the queue, which says what a call was for by itself."""
    queue = Endpoint(lines, "sqs", logs_success=False)
    url = "http://127.0.0.1/000000000000/tasks"
    queue.answer((200, {"MessageId": "m"}), refusal("InvalidParameterValue"))
    queue.client.send_message(QueueUrl=url, MessageBody="x")
    assert lines() == []
    with pytest.raises(ServiceUnavailable), queue.calls.failing_as(ServiceUnavailable):
        queue.client.send_message(QueueUrl=url, MessageBody="x")
    warning, line, error = lines()
    assert (warning["level"], line["level"], error["level"]) == ("WARNING", "INFO", "ERROR")
    for each in (warning, line):
        assert (each["operation"], each["resource"], each["error_code"]) == (
            "SendMessage",
            "tasks",
            "InvalidParameterValue",
        )


@pytest.mark.parametrize(
    ("reply", "may_be_applied", "code", "error"),
    [
        (THROTTLED, False, "ThrottlingException", "because"),
        (FAILED, True, "InternalServerError", "because"),
        (NEVER_SENT, False, None, str(NEVER_SENT)),
        (LOST, True, None, str(LOST)),
    ],
)
def test_an_attempt_that_failed_is_a_warning(
    database: Endpoint,
    reply: Reply,
    may_be_applied: bool,  # noqa: FBT001 - a case of the table
    code: str | None,
    error: str,
) -> None:
    """Which one, why, and whether it may have been applied; the call says how many there were."""
    database.put(reply, OK)
    (line,) = database.lines_of("WARNING")
    assert line["message"] == "dynamodb: attempt 1 of PutItem failed"
    assert (line["operation"], line["resource"], line["failed_attempt"]) == ("PutItem", "tasks", 1)
    assert line["may_be_applied"] is may_be_applied
    assert (line.get("error_code"), line["error"]) == (code, error)
    call = database.lines_of("INFO")[-1]
    assert (call["message"], call["attempts"]) == ("dynamodb call", 2)
    assert database.calls.succeeded_after_doubt() is may_be_applied


@pytest.mark.parametrize(
    ("reply", "times"), [(FAILED, 1), (LOST, 1), (NEVER_SENT, 1), (THROTTLED, 0)]
)
def test_it_is_said_once_that_a_service_can_be_reached_again(
    database: Endpoint, reply: Reply, times: int
) -> None:
    """One that throttles was reached all the time."""
    database.put(reply, OK)
    database.put(OK)
    again = [line for line in database.lines() if "again" in line["message"]]
    assert [line["message"] for line in again] == ["dynamodb can be reached again"] * times
    assert {line["level"] for line in again} <= {"INFO"}


def test_a_condition_that_did_not_hold_is_no_warning(database: Endpoint) -> None:
    """It is an answer; its line has its code and its table."""
    with pytest.raises(ConditionFailed):
        database.put(refusal("ConditionalCheckFailedException"))
    (line,) = database.lines()
    assert (line["level"], line["error_code"], line["resource"]) == (
        "INFO",
        "ConditionalCheckFailedException",
        "tasks",
    )
    assert "attempts" not in line


def test_a_failed_call_is_an_error_with_names_and_sizes(database: Endpoint) -> None:
    """An operator sees what was asked, and how large it was."""
    with pytest.raises(StoreUnavailable):
        database.put(LOST, FAILED, text={"S": "l" * 1_201}, bytes={"B": b"b"}, list={"L": []})
    (line,) = database.lines_of("ERROR")
    assert line["message"].startswith("dynamodb call failed: An error occurred")
    assert (line["operation"], line["resource"], line["attempts"]) == ("PutItem", "tasks", 2)
    assert line["may_be_applied"] is True
    assert line["exception_name"] == "InternalServerError"
    assert 0 <= line["duration_ms"] < 60_000
    assert line["parameters"]["TableName"] == "tasks"
    assert line["parameters"]["Item"] == {
        "task_id": {"S": "1 characters"},
        "text": {"S": "1,201 characters"},
        "bytes": {"B": "1 bytes"},
        "list": {"L": "0 entries"},
    }


@pytest.mark.parametrize(
    "code", ["LimitExceededException", "ItemCollectionSizeLimitExceededException"]
)
def test_a_limit_that_was_reached_is_a_full_store(database: Endpoint, code: str) -> None:
    """Where no attempt may have been applied."""
    with pytest.raises(StoreFull):
        database.put(refusal(code), *[refusal(code)] * (code == "LimitExceededException"))
    assert [line["may_be_applied"] for line in database.lines_of("ERROR")] == [False]


@pytest.mark.parametrize("code", ["ValidationException", "SerializationException"])
def test_a_bug_is_seen_as_one(database: Endpoint, code: str) -> None:
    """The request is wrong, so another try would fail too; it is logged all the same."""
    with pytest.raises(ClientError):
        database.put(refusal(code))
    assert len(database.lines_of("ERROR")) == 1


def test_what_failed_before_any_call_names_none(database: Endpoint) -> None:
    """Nothing was sent; what the call before it was is not said of it."""
    database.put(OK)
    with pytest.raises(StoreUnavailable) as caught, database.calls.failing_as(StoreUnavailable):
        raise NEVER_SENT
    assert not caught.value.in_doubt
    (line,) = database.lines_of("ERROR")
    assert (line["operation"], line["resource"], line["attempts"]) == ("none", "none", 0)
    assert (line["may_be_applied"], line["parameters"]) == (False, {})


def test_an_error_that_is_not_the_sdks_is_let_through(database: Endpoint) -> None:
    """Without a line: what raised it says it."""
    with pytest.raises(KeyError), database.calls.failing_as(StoreUnavailable):
        raise KeyError
    assert database.lines() == []


def test_an_error_of_the_sdk_is_found_in_whatever_wraps_it(database: Endpoint) -> None:
    """By `cause`, as PynamoDB has it, and by Python's own chain."""

    class WrappingError(Exception):
        cause: Exception = NEVER_SENT

    with pytest.raises(StoreUnavailable), database.calls.failing_as(StoreUnavailable):
        raise WrappingError
    with pytest.raises(StoreUnavailable), database.calls.failing_as(StoreUnavailable):
        raise ValueError from LOST
