"""What the event source mapping tells the function, and how it understands the answer."""

from __future__ import annotations

from typing import Any

import pytest

from infra.local.stand_ins.lambda_runtime.invoker import Answer
from infra.local.stand_ins.sqs_event import event_from, failed_message_ids, queue_arn

IDS = ("a", "b", "c")
ALL = frozenset(IDS)
NONE: frozenset[str] = frozenset()


def reported(*identifiers: object) -> dict[str, Any]:
    """Write a report of failures."""
    return {"batchItemFailures": [{"itemIdentifier": item} for item in identifiers]}


@pytest.mark.parametrize(
    ("result", "failed"),
    [
        (None, NONE),
        ({}, NONE),
        ({"batchItemFailures": None}, NONE),
        (reported(), NONE),
        (reported("b"), {"b"}),
        (reported("a", "b", "c"), ALL),
        (reported("b", "b"), {"b"}),
        (reported("b", ""), ALL),
        (reported("b", None), ALL),
        (reported("unknown"), ALL),
        (reported(5), ALL),
        ({"batchItemFailures": [{"itemId": "b"}]}, ALL),
        ({"batchItemFailures": ["b"]}, ALL),
        ({"batchItemFailures": "b"}, ALL),
        ("done", ALL),
        (["b"], ALL),
        (7, ALL),
    ],
)
def test_a_mapping_that_reports_failures_follows_awss_rules(
    result: object, failed: frozenset[str]
) -> None:
    """AWS Lambda guide: what counts as success, as partial and as complete failure."""
    answer = Answer(result=result)
    assert failed_message_ids(IDS, answer, reports_batch_item_failures=True) == failed


@pytest.mark.parametrize("result", [None, {}, reported("b"), reported("unknown"), "done", 7])
def test_a_mapping_that_does_not_report_takes_every_return_for_success(result: object) -> None:
    """The trap of this stack: a report that is not read deletes what it names."""
    answer = Answer(result=result)
    assert failed_message_ids(IDS, answer, reports_batch_item_failures=False) == NONE


@pytest.mark.parametrize("reports", [True, False])
def test_an_error_fails_the_whole_batch(reports: bool) -> None:  # noqa: FBT001 - a case
    """With or without reports: an exception, a crash and a timeout are errors alike."""
    answer = Answer(error={"errorType": "RuntimeError"})
    assert failed_message_ids(IDS, answer, reports_batch_item_failures=reports) == ALL


def test_the_arn_comes_from_the_url() -> None:
    """At any endpoint, also one behind a path."""
    url = "http://127.0.0.1:4566/000000000000/quantum-tasks-local"
    assert queue_arn(url) == "arn:aws:sqs:us-east-1:000000000000:quantum-tasks-local"
    assert queue_arn(url.replace("4566/", "4566/queue/us-east-1/")) == queue_arn(url)


def test_the_event_has_awss_form() -> None:
    """Every key as the Lambda guide's example event spells it."""
    message = {
        "MessageId": "059f36b4-87a3-44ab-83d2-661975830a7d",
        "ReceiptHandle": "AQEBwJnKyrHigUMZj6rYigCgxlaS3SLy0a",
        "Body": "Test message.",
        "Attributes": {
            "ApproximateReceiveCount": "1",
            "SentTimestamp": "1545082649183",
            "SenderId": "AIDAIENQZJOLO23YVJ4VO",
            "ApproximateFirstReceiveTimestamp": "1545082649185",
        },
        "MD5OfBody": "e4e68fb7bd0e697a0ae8f1bb342846b3",
    }
    arn = "arn:aws:sqs:us-east-1:000000000000:my-queue"
    assert event_from([message], arn) == {
        "Records": [
            {
                "messageId": "059f36b4-87a3-44ab-83d2-661975830a7d",
                "receiptHandle": "AQEBwJnKyrHigUMZj6rYigCgxlaS3SLy0a",
                "body": "Test message.",
                "attributes": message["Attributes"],
                "messageAttributes": {},
                "md5OfBody": "e4e68fb7bd0e697a0ae8f1bb342846b3",
                "eventSource": "aws:sqs",
                "eventSourceARN": arn,
                "awsRegion": "us-east-1",
            }
        ]
    }
