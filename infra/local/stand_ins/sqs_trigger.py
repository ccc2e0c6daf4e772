"""The event-source poller: what Lambda's event source mapping does for a queue's function.

`python -m infra.local.stand_ins.sqs_trigger NAME DATA_DIR`, with `TASKS_QUEUE_URL` in the
environment. It receives in long polls, invokes the function with a batch, deletes what succeeded
and leaves what failed to its visibility timeout, which it never touches: when a message comes back
is for the service and the queue to say. One batch at a time, so one poller is one unit of the
function's concurrency.
"""

from __future__ import annotations

import dataclasses
import os
import random
import signal
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from infra.local.settings import REGION, function_timeout_seconds, number_from
from infra.local.stand_ins.lambda_runtime.invoker import Invoker
from infra.local.stand_ins.logs import part_logger
from infra.local.stand_ins.sqs_event import event_from, failed_message_ids, queue_arn

if TYPE_CHECKING:
    from mypy_boto3_sqs import SQSClient
    from mypy_boto3_sqs.type_defs import DeleteMessageBatchRequestEntryTypeDef, MessageTypeDef

#: Lambda waits up to 20 s; a stop has to wait for the poll to end, so here it is short. Empty
#: receives are free.
LONG_POLL_SECONDS = 1
#: SQS's and, without a batch window, Lambda's limit.
BATCH_SIZE_MAX = 10
#: First and longest pause while the queue cannot be reached.
BACKOFF_SECONDS_BASE = 0.2
BACKOFF_SECONDS_MAX = 5.0

logger = part_logger("poller")


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class EventSourceMapping:
    """The settings of an event source mapping."""

    queue_url: str
    batch_size: int = BATCH_SIZE_MAX
    #: `FunctionResponseTypes: [ReportBatchItemFailures]`
    reports_batch_item_failures: bool = False
    long_poll_seconds: int = LONG_POLL_SECONDS


def sqs_client(endpoint_url: str | None = None) -> SQSClient:
    """Make a client that tries once: this module does the retrying, and says so in the log."""
    client: SQSClient = boto3.Session().client(
        "sqs",
        endpoint_url=endpoint_url,
        region_name=REGION,
        config=Config(
            connect_timeout=2,
            read_timeout=LONG_POLL_SECONDS + 5,
            retries={"mode": "standard", "total_max_attempts": 1},
        ),
    )
    return client


class Poller:
    """Moves batches from one queue to one function, until told to stop."""

    def __init__(self, client: SQSClient, mapping: EventSourceMapping, invoker: Invoker) -> None:
        """Take the queue's client, the mapping and the function's execution environment."""
        self._client = client
        self._mapping = mapping
        self._invoker = invoker
        self._arn = queue_arn(mapping.queue_url)
        self._stopping = False
        self._failures_in_a_row = 0

    def stop(self) -> None:
        """Take no further batch; the one in hand is finished. Safe in a signal handler."""
        self._stopping = True

    def run(self) -> None:
        """Poll until stopped. An unreachable queue is waited for, however long.

        Nothing that a message holds ends the poller: it would meet that message again at each
        redelivery, and its neighbours would wait with it.
        """
        warm = self._invoker.warm_up()
        if warm.error is not None:
            logger.error("the function cannot be initialised", extra={"error": warm.error})
        while not self._stopping:
            try:
                messages = self.receive()
            except Exception as exc:  # noqa: BLE001  the SDK may not understand an answer
                self._back_off(exc)
                continue
            if messages:
                try:
                    self.process(messages)
                except Exception:
                    logger.exception(
                        "a batch cannot be delivered; it stays in the queue",
                        extra={"message_ids": [message.get("MessageId") for message in messages]},
                    )
        self._invoker.close()

    def process(self, messages: Sequence[MessageTypeDef]) -> frozenset[str]:
        """Invoke the function with a batch, delete the successes, return the failures' ids."""
        ids = [message["MessageId"] for message in messages]
        logger.debug("invoking", extra={"message_ids": ids})
        answer = self._invoker.invoke(event_from(messages, self._arn))
        failed = failed_message_ids(
            ids, answer, reports_batch_item_failures=self._mapping.reports_batch_item_failures
        )
        if answer.error is not None:
            answer.log_error(logger, batch=len(ids), message_ids=ids)
        self._delete([message for message in messages if message["MessageId"] not in failed])
        return failed

    def receive(self) -> Sequence[MessageTypeDef]:
        """Take one batch, waiting for it up to the long poll's end."""
        response = self._client.receive_message(
            QueueUrl=self._mapping.queue_url,
            MaxNumberOfMessages=self._mapping.batch_size,
            WaitTimeSeconds=self._mapping.long_poll_seconds,
            MessageSystemAttributeNames=["All"],
        )
        if self._failures_in_a_row:
            logger.info("queue reachable again", extra={"attempts": self._failures_in_a_row})
            self._failures_in_a_row = 0
        return response.get("Messages", [])

    def _back_off(self, error: Exception) -> None:
        """Wait, longer each time and never in step with the other pollers."""
        ceiling = min(
            BACKOFF_SECONDS_MAX, BACKOFF_SECONDS_BASE * 2 ** min(self._failures_in_a_row, 16)
        )
        seconds = random.uniform(ceiling / 2, ceiling)  # noqa: S311  jitter
        if self._failures_in_a_row == 0:
            logger.error(
                "queue unreachable: %s", error, extra={"queue_url": self._mapping.queue_url}
            )
        self._failures_in_a_row += 1
        logger.warning(
            "receiving again in %.1f s", seconds, extra={"attempt": self._failures_in_a_row}
        )
        pause(seconds, lambda: self._stopping)

    def _delete(self, messages: Sequence[MessageTypeDef]) -> None:
        """Delete in one call. A message that stays comes again, which the service must bear."""
        if not messages:
            return
        entries: list[DeleteMessageBatchRequestEntryTypeDef] = [
            {"Id": str(number), "ReceiptHandle": message["ReceiptHandle"]}
            for number, message in enumerate(messages)
        ]
        try:
            answer = self._client.delete_message_batch(
                QueueUrl=self._mapping.queue_url, Entries=entries
            )
        except (BotoCoreError, ClientError) as exc:
            ids = [message["MessageId"] for message in messages]
            logger.warning("deleting failed: %s", exc, extra={"message_ids": ids})
            return
        for failure in answer.get("Failed", []):
            about = {"message_id": messages[int(failure["Id"])]["MessageId"]}
            logger.warning("not deleted: %s", failure.get("Message"), extra=about)


def pause(seconds: float, stopping: Callable[[], bool]) -> None:
    """Sleep, but not past a stop.

    Not an Event: setting one in a signal handler can deadlock with waiting for it.
    """
    deadline = time.monotonic() + seconds
    while not stopping() and (remaining := deadline - time.monotonic()) > 0:
        time.sleep(min(remaining, 0.1))


def stop_on_sigterm(stop: Callable[[], None]) -> None:
    """Turn SIGTERM into an orderly end."""

    def handle(_number: int, _frame: object) -> None:
        stop()

    signal.signal(signal.SIGTERM, handle)


def main(environment: Mapping[str, str] = os.environ) -> int:
    """Run one poller for the worker function."""
    mapping = EventSourceMapping(
        queue_url=environment["TASKS_QUEUE_URL"],
        batch_size=number_from(
            environment, "BATCH_SIZE", BATCH_SIZE_MAX, least=1, most=BATCH_SIZE_MAX
        ),
        reports_batch_item_failures=(
            environment.get("REPORT_BATCH_ITEM_FAILURES") or "false"
        ).lower()
        == "true",
    )
    invoker = Invoker(
        environment.get("WORKER_HANDLER") or "app.worker",
        function_name="quantum-tasks-local-worker",
        timeout_seconds=function_timeout_seconds(environment),
    )
    poller = Poller(sqs_client(), mapping, invoker)
    stop_on_sigterm(poller.stop)
    logger.info("polling", extra={"queue_url": mapping.queue_url, "batch_size": mapping.batch_size})
    poller.run()
    return 0


if __name__ == "__main__":
    sys.exit(main())
