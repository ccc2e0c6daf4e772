"""The queue on SQS."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from chalicelib.adapters.aws_calls import AwsCalls
from chalicelib.adapters.aws_clients import make_client
from chalicelib.domain.message import TaskMessage
from chalicelib.errors import QueueUnavailable
from chalicelib.settings import Settings

if TYPE_CHECKING:
    from mypy_boto3_sqs import SQSClient


class SqsTaskQueue:
    """Sends to and settles deliveries of one SQS standard queue (`TaskQueue`)."""

    def __init__(self, settings: Settings) -> None:
        """Make the client, with its timeouts and its pool."""
        self._queue_url = settings.tasks_queue_url
        self._queue_name = settings.resource_name
        self.client: SQSClient = make_client(
            "sqs",
            connect_timeout_seconds=settings.queue_connect_timeout_seconds,
            read_timeout_seconds=settings.queue_read_timeout_seconds,
            pool_connections_max=settings.queue_pool_connections_max,
        )
        # What a call was for is a line already: a message was published, redelivered, acknowledged.
        self._calls = AwsCalls(
            self.client,
            service="sqs",
            slow_call_ms=settings.slow_call_ms,
            attempts_max=settings.queue_attempts_max,
            logs_success=False,
        )

    @property
    def _url(self) -> str:
        """The queue's URL: as it is set, or else looked up by name, once.

        Raises:
            QueueUnavailable: it cannot be looked up. Then nothing was sent.
        """
        if not self._queue_url:
            try:
                with self._calls.failing_as(QueueUnavailable):
                    found = self.client.get_queue_url(QueueName=self._queue_name)
            except QueueUnavailable as exc:
                raise QueueUnavailable(in_doubt=False) from exc
            self._queue_url = found["QueueUrl"]
        return self._queue_url

    def send(self, message: TaskMessage) -> str:
        """See `TaskQueue`."""
        url = self._url
        with self._calls.failing_as(QueueUnavailable):
            sent = self.client.send_message(QueueUrl=url, **_parameters(message))
        return str(sent["MessageId"])

    def send_batch(self, messages: Sequence[TaskMessage]) -> Sequence[str | None]:
        """See `TaskQueue`."""
        entries: Any = [
            {"Id": str(place), **_parameters(message)} for place, message in enumerate(messages)
        ]
        url = self._url
        with self._calls.failing_as(QueueUnavailable):
            answer = self.client.send_message_batch(QueueUrl=url, Entries=entries)
        ids = {taken["Id"]: taken["MessageId"] for taken in answer.get("Successful", [])}
        return [ids.get(entry["Id"]) for entry in entries]

    def redeliver(self, receipt_handle: str, *, visibility_timeout_seconds: int) -> None:
        """See `TaskQueue`."""
        url = self._url
        with self._calls.failing_as(QueueUnavailable):
            self.client.change_message_visibility(
                QueueUrl=url,
                ReceiptHandle=receipt_handle,
                VisibilityTimeout=visibility_timeout_seconds,
            )

    def acknowledge(self, receipt_handles: Sequence[str]) -> None:
        """See `TaskQueue`."""
        if not receipt_handles:
            return
        url = self._url
        with self._calls.failing_as(QueueUnavailable):
            answer = self.client.delete_message_batch(
                QueueUrl=url,
                Entries=[
                    {"Id": str(place), "ReceiptHandle": receipt_handle}
                    for place, receipt_handle in enumerate(receipt_handles)
                ],
            )
        if answer.get("Failed"):
            message = f"{len(answer['Failed'])} messages could not be deleted"
            raise QueueUnavailable(message)

    def ping(self) -> None:
        """See `TaskQueue`."""
        url = self._url
        with self._calls.failing_as(QueueUnavailable):
            self.client.get_queue_attributes(
                QueueUrl=url, AttributeNames=["ApproximateNumberOfMessages"]
            )


def _parameters(message: TaskMessage) -> Any:  # noqa: ANN401 - keywords of two methods
    """Return what is the same in a message sent alone and in one of a batch."""
    group = {} if message.group is None else {"MessageGroupId": message.group}
    return {"MessageBody": message.to_json(), **group}
