"""The worker's entrypoint: one SQS event in, every record handled, none lost at its end.

A batch that has failures can end in two ways. Returning `batchItemFailures` is the better one,
but only where the event source mapping has `ReportBatchItemFailures`: without it Lambda ignores
the answer and deletes the failed messages with the others, and a function cannot see which it is.
So, unless the setting says that the flag has been seen, the successes are deleted here and the
batch is failed by raising. That is slower and never loses anything.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

import msgspec

from chalicelib.adapters.telemetry import log_context, logger
from chalicelib.composition import Service
from chalicelib.domain.message import Acknowledge, Delivery, Disposition, Redeliver, TaskMessage
from chalicelib.entrypoints.lambda_context import LambdaContext
from chalicelib.errors import QueueUnavailable
from chalicelib.threads import map_in_threads

#: Invocations at the same time, of one batch each. Without a limit Lambda throttles them where the
#: account's concurrency ends, and each throttled batch burns a receive.
WORKERS_MAX: Final = 50
#: A message that cannot be read is hidden for this long, so that it soon reaches the
#: dead-letter queue, where it is kept for inspection.
_POISON_HIDDEN_SECONDS = 1


class BatchFailed(RuntimeError):
    """Some messages of the batch must be delivered again; the others are deleted already."""


class _Handled(msgspec.Struct, frozen=True):
    message_id: str
    receipt_handle: str
    disposition: Disposition


def handle_batch(
    service: Service, event: Mapping[str, Any], context: LambdaContext
) -> dict[str, Any] | None:
    """Handle the records of one event, some at the same time.

    Raises:
        BatchFailed: some records failed and partial batch responses are off.
    """
    records: Sequence[Mapping[str, Any]] = event["Records"]

    def seconds_left() -> float:
        return context.get_remaining_time_in_millis() / 1000

    def handle(record: Mapping[str, Any]) -> _Handled:
        return _handle_record(service, record, seconds_left)

    with log_context(function_request_id=context.aws_request_id):
        width = service.settings.execution_concurrency
        return _end_batch(service, map_in_threads(handle, records, width=width))


def _handle_record(
    service: Service, record: Mapping[str, Any], seconds_left: Callable[[], float]
) -> _Handled:
    """Handle one record: whatever happens to it, its neighbours go on."""
    message_id, receipt_handle = record["messageId"], record["receiptHandle"]
    try:
        delivery = _to_delivery(record)
    except Exception:  # noqa: BLE001 - the record boundary
        logger.exception(
            "message cannot be read",
            extra={"message_id": message_id, "body": str(record.get("body"))[:200]},
        )
        unreadable = Redeliver("message cannot be read", _POISON_HIDDEN_SECONDS)
        _redeliver(service, receipt_handle, unreadable)
        return _Handled(message_id, receipt_handle, unreadable)
    message = delivery.message
    with log_context(task_id=message.task_id, correlation_id=message.correlation_id):
        service.ports.observer.consumed(delivery)
        disposition = _execute(service, delivery, seconds_left)
        _report(service, delivery, disposition)
        if isinstance(disposition, Redeliver):
            _redeliver(service, receipt_handle, disposition)
    return _Handled(message_id, receipt_handle, disposition)


def _execute(
    service: Service, delivery: Delivery, seconds_left: Callable[[], float]
) -> Disposition:
    try:
        return service.execute(delivery, seconds_left=seconds_left)
    except Exception as exc:  # noqa: BLE001 - the record boundary: a bug fails one delivery only
        service.ports.observer.problem(
            "handle the delivery", exc, task_ids=[delivery.message.task_id]
        )
        return Redeliver("an unexpected error", None)


def _to_delivery(record: Mapping[str, Any]) -> Delivery:
    return Delivery(
        message=TaskMessage.from_json(record["body"]),
        message_id=record["messageId"],
        receipt_handle=record["receiptHandle"],
        receive_count=int(record["attributes"]["ApproximateReceiveCount"]),
    )


def _report(service: Service, delivery: Delivery, disposition: Disposition) -> None:
    observer = service.ports.observer
    if isinstance(disposition, Acknowledge):
        observer.acknowledged(delivery, reason=disposition.reason)
    else:
        observer.redelivered(
            delivery, reason=disposition.reason, delay_seconds=disposition.delay_seconds
        )


def _redeliver(service: Service, receipt_handle: str, redelivered: Redeliver) -> None:
    """Set when the message comes back. If that fails, the queue's own timeout brings it back."""
    if redelivered.delay_seconds is None:
        return
    try:
        service.ports.queue.redeliver(
            receipt_handle, visibility_timeout_seconds=redelivered.delay_seconds
        )
    except QueueUnavailable as exc:
        service.ports.observer.problem("redeliver the message", exc)


def _end_batch(service: Service, handled: Sequence[_Handled]) -> dict[str, Any] | None:
    failed = [record.message_id for record in handled if isinstance(record.disposition, Redeliver)]
    if service.settings.partial_batch_responses:
        return {"batchItemFailures": [{"itemIdentifier": message_id} for message_id in failed]}
    if not failed:
        return None
    done = [
        record.receipt_handle for record in handled if isinstance(record.disposition, Acknowledge)
    ]
    try:
        service.ports.queue.acknowledge(done)
    except QueueUnavailable as exc:
        # They come back and are found to be duplicates.
        service.ports.observer.problem("acknowledge the others", exc)
    message = f"{len(failed)} of {len(handled)} messages must be delivered again"
    raise BatchFailed(message)
