"""One test for each logging rule: what a person who looks into a running stage can rely on."""

from __future__ import annotations

import collections
import json
import logging
import random

import pytest

from chalicelib import composition
from chalicelib.adapters import telemetry
from chalicelib.entrypoints.sweeper import handle_schedule
from chalicelib.entrypoints.worker import BatchFailed
from tests.functional.conftest import JSON, Api, Logged
from tests.support.circuits import LARGE
from tests.support.events import REQUEST_ID, post_event
from tests.support.lambda_context import Context


def test_every_publish_and_consume_says_whose_message_it_was(api: Api, logged: Logged) -> None:
    """Task id, message id and receive count follow a message through the queue."""
    task_id = api.submit()
    api.deliver()
    by_message = {line["message"]: line for line in logged()}
    published, consumed = by_message["message published"], by_message["message consumed"]
    assert published["task_id"] == consumed["task_id"] == task_id
    assert published["message_id"] == consumed["message_id"]
    assert consumed["receive_count"] == 1
    assert by_message["message acknowledged"]["receive_count"] == 1


def test_the_correlation_id_is_on_every_line_about_a_task(api: Api, logged: Logged) -> None:
    """From the API through the queue to the worker, database calls included."""
    api.post({"circuit": "x"}, X_Correlation_ID="follow-me")
    api.deliver()
    lines = logged()
    assert len(lines) > 8
    assert {line.get("correlation_id") for line in lines} == {"follow-me"}


def test_lines_of_calls_made_at_the_same_time_carry_the_ids_too(api: Api, logged: Logged) -> None:
    """Pieces of a large circuit, members of a batch, both questions of a health check."""
    digits = random.Random(1).randbytes(700_000).hex()  # noqa: S311 - no secret
    large = {"circuit": f"OPENQASM 3.0;\n// {digits}"}
    accepted = api.post(large, X_Correlation_ID="follow-me")
    before = len(logged())
    api.deliver()
    delivered = logged()[before:]
    assert {line["task_id"] for line in delivered} == {accepted.body["task_id"]}
    named = {**JSON, "X-Correlation-ID": "follow-me"}
    api.request("POST", "/batches", {"tasks": [large, {"circuit": "x"}]}, named)
    api.request("GET", "/health", headers=named)
    lines = [line for line in logged() if line["message"].startswith("dynamodb call")]
    operations = collections.Counter(line["operation"] for line in lines)
    assert operations["PutItem"] >= 7, "two tasks with three pieces each, and a small one"
    assert {line.get("correlation_id") for line in lines} == {"follow-me"}


def test_a_warning_says_where_it_was_said_and_other_lines_are_short(
    api: Api, logged: Logged, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What all lines share is most of what a log costs, and is wanted where something is wrong."""
    monkeypatch.setenv("SLOW_CALL_MS", "0")
    api.submit()
    slow = [line for line in logged() if line["level"] == "WARNING"]
    assert {line["location"].partition(":")[0] for line in slow} == {"_on_end"}
    short = [line for line in logged() if line["level"] == "INFO"]
    assert short
    assert all("location" not in line for line in short)


def test_a_delivery_that_fails_says_why_and_when_it_comes_back(
    api: Api, logged: Logged, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A person can tell a retry from a lost message."""
    monkeypatch.setenv("MOCK_TRANSIENT_FAILURE_RATE", "1")
    task_id = api.submit()
    with pytest.raises(BatchFailed):
        api.deliver()
    (redelivered,) = [line for line in logged() if line["message"] == "message redelivered"]
    assert (redelivered["task_id"], redelivered["level"]) == (task_id, "WARNING")
    assert redelivered["delay_seconds"] >= 1
    assert "set to fail this attempt" in redelivered["reason"]
    (watched,) = redelivered["_aws"]["CloudWatchMetrics"]
    assert watched["Namespace"] == "QuantumTasks"
    assert [metric["Name"] for metric in watched["Metrics"]] == ["redelivered"]
    assert (redelivered["redelivered"], redelivered["service"]) == (1, "quantum-tasks")


def test_lambdas_request_id_is_said_once_for_each_delivery_and_sweep(
    api: Api, logged: Logged
) -> None:
    """Lambda's own lines about an invocation have it too, so that one leads to the other."""
    api.submit()
    before = len(logged())
    api.deliver()
    handle_schedule(composition.get_service(), Context())
    saying = [line for line in logged()[before:] if "function_request_id" in line]
    assert [line["message"] for line in saying] == ["message consumed", "swept"]
    assert {line["function_request_id"] for line in saying} == {Context().aws_request_id}


def test_lambdas_request_id_is_in_every_warning_and_error(
    api: Api, logged: Logged, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each must lead to its invocation by itself."""
    monkeypatch.setenv("SLOW_CALL_MS", "0")
    monkeypatch.setenv("MOCK_TRANSIENT_FAILURE_RATE", "1")
    api.submit()
    before = len(logged())
    with pytest.raises(BatchFailed):
        api.deliver()
    handle_schedule(composition.get_service(), Context())
    told = [line for line in logged()[before:] if line["level"] != "INFO"]
    assert {"message redelivered", "dynamodb call was slow"} <= {line["message"] for line in told}
    assert {line.get("function_request_id") for line in told} == {Context().aws_request_id}


@pytest.mark.parametrize("given", [None, "mine"])
def test_a_requests_id_is_its_correlation_id_or_stands_next_to_the_clients(
    api: Api, logged: Logged, given: str | None
) -> None:
    """The gateway's access log and its refusals carry it; no line says it twice."""
    headers = {} if given is None else {"X-Correlation-ID": [given]}
    answer = api.event(post_event('{"circuit": "x"}', headers=headers))
    assert len(api.items()) == 1
    assert answer.headers["X-Correlation-ID"] == (given or REQUEST_ID)
    ids = {(line["correlation_id"], line.get("request_id")) for line in logged()}
    assert ids == {(REQUEST_ID, None) if given is None else (given, REQUEST_ID)}


def test_an_id_in_a_message_that_is_none_disturbs_nothing(api: Api, logged: Logged) -> None:
    """Its message is redelivered and said to be unreadable; its neighbour is executed."""
    task_id = api.submit()
    ids = {"task_id": task_id, "correlation_id": "c"}
    texts = ("\ud800", "a b", "", "x" * 129, "\x1b[2J", "ψ")
    wrong = [{**ids, field: text} for field in ids for text in texts]
    for batch in (wrong[:6], wrong[6:]):
        for given in batch:
            body = json.dumps({"v": 1, **given, "enqueued_at": "2026-01-01T00:00:00+00:00"})
            api.backend.sqs().send_message(QueueUrl=api.backend.queue_url, MessageBody=body)
        with pytest.raises(BatchFailed):
            api.deliver()
    lines = [line for line in logged() if line["message"] == "message cannot be read"]
    assert len({line["message_id"] for line in lines}) == len(wrong)
    assert api.get(task_id).body["status"] == "completed"


@pytest.mark.parametrize("level", [logging.INFO, logging.ERROR])
def test_no_text_loses_a_log_line(level: int) -> None:
    """Half of a surrogate pair has no UTF-8: it is escaped, so that the line can be written.

    The line is formatted and not logged: pytest's own processes could not hand it on either.
    """
    record = logging.LogRecord("name", level, "path", 1, "half of a pair: \ud800", None, None)
    record.__dict__["ψ"] = "⟨φ| \udfff"
    written = telemetry.logger.registered_formatter.format(record).encode()
    line = json.loads(written)
    assert line["message"] == "half of a pair: \ud800"
    assert line["ψ"] == "⟨φ| \udfff"


def test_calls_for_large_circuits_and_lists_say_what_they_cost_too(
    api: Api, logged: Logged
) -> None:
    """Pieces, queries of an index and reads of many items."""
    api.get(api.submit(LARGE))
    api.list_tasks()
    calls = [line for line in logged() if line["message"].startswith("dynamodb call")]
    operations = {call["operation"] for call in calls}
    assert operations == {"PutItem", "GetItem", "Query", "BatchGetItem"}
    assert len(calls) > 6
    assert [call for call in calls if "capacity_units" not in call] == []


def test_a_task_is_counted_and_timed_with_its_stage(api: Api, logged: Logged) -> None:
    """CloudWatch makes metrics of these lines; the stage is a dimension of each."""
    api.submit()
    api.deliver()
    emitted: set[str] = set()
    for line in logged():
        for directive in line.get("_aws", {}).get("CloudWatchMetrics", ()):
            assert directive["Dimensions"] == [["stage", "service"]]
            assert (line["stage"], line["service"]) == ("local", "quantum-tasks")
            emitted |= {metric["Name"] for metric in directive["Metrics"]}
    assert emitted == {"submitted", "queue_wait_ms", "completed", "execution_ms"}
