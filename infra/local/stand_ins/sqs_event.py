"""What Lambda's SQS event source mapping hands to a function, and how it reads the answer.

Pure: no I/O. Source: AWS Lambda guide, "Using Lambda with Amazon SQS" (the event's form) and
"Handling errors for an SQS event source" (which answers count as success and which fail the whole
batch).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Protocol
from urllib.parse import urlsplit

from infra.local.settings import REGION


class Invocation(Protocol):
    """How an invocation ended."""

    @property
    def result(self) -> Any:  # noqa: ANN401  whatever the handler returned
        """What the handler returned."""

    @property
    def error(self) -> Mapping[str, Any] | None:
        """Why it did not return."""


def queue_arn(queue_url: str) -> str:
    """Derive the queue's ARN from its URL, `…/account/name`."""
    account, _, name = urlsplit(queue_url).path.strip("/").rpartition("/")
    return f"arn:aws:sqs:{REGION}:{account.rpartition('/')[2]}:{name}"


def event_from(messages: Iterable[Mapping[str, Any]], arn: str) -> dict[str, Any]:
    """Build the event from messages as ReceiveMessage gives them."""
    return {"Records": [_record(message, arn) for message in messages]}


def _record(message: Mapping[str, Any], arn: str) -> dict[str, Any]:
    """Build one record. The service's messages have no attributes of their own."""
    return {
        "messageId": message["MessageId"],
        "receiptHandle": message["ReceiptHandle"],
        "body": message["Body"],
        "attributes": dict(message.get("Attributes", {})),
        "messageAttributes": {},
        "md5OfBody": message["MD5OfBody"],
        "eventSource": "aws:sqs",
        "eventSourceARN": arn,
        "awsRegion": REGION,
    }


def failed_message_ids(
    message_ids: Sequence[str], invocation: Invocation, *, reports_batch_item_failures: bool
) -> frozenset[str]:
    """Which messages stay in the queue.

    Without `ReportBatchItemFailures` on the mapping, a return is success whatever was returned:
    this is how the messages named in an ignored `batchItemFailures` are lost.
    """
    everything = frozenset(message_ids)
    if invocation.error is not None:
        return everything
    if not reports_batch_item_failures or invocation.result is None:
        return frozenset()
    named = _named_failures(invocation.result)
    # An identifier that is missing, empty or unknown means that the function's report cannot be
    # trusted.
    return everything if named is None or not named <= everything else frozenset(map(str, named))


def _named_failures(result: object) -> frozenset[object] | None:
    """Give the reported identifiers; `None` for a report that is not of the right form."""
    if not isinstance(result, Mapping):
        return None
    failures = result.get("batchItemFailures")
    if failures is None:
        return frozenset()
    if not isinstance(failures, list) or not all(
        isinstance(failure, Mapping) for failure in failures
    ):
        return None
    identifiers = [failure.get("itemIdentifier") for failure in failures]
    return frozenset(identifiers) if all(isinstance(item, str) for item in identifiers) else None
