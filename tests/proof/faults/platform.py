"""What Lambda does: it hands messages to a worker, and starts the sweeper."""

from __future__ import annotations

import contextlib
import io
import types
from collections.abc import Callable, Mapping
from typing import Any, Final

import boto3

from chalicelib.composition import Service
from chalicelib.entrypoints.sweeper import handle_schedule
from chalicelib.entrypoints.worker import BatchFailed, handle_batch
from chalicelib.errors import QueueUnavailable, ServiceUnavailable, StoreFull
from infra.local.stand_ins.sqs_event import event_from, failed_message_ids, queue_arn
from tests.proof.faults.backend import SimulatedBackend
from tests.proof.faults.judge import Judge
from tests.proof.faults.process import UNIT_TASKS

#: What an invocation may take, and what an execution may.
INVOCATION_SECONDS: Final = 10.0


class Platform:
    """Lambda's poller and its schedule."""

    def __init__(
        self, backend: SimulatedBackend, judge: Judge, service: Callable[[], Service]
    ) -> None:
        self._backend = backend
        self._judge = judge
        #: The process as it is now: one that died is replaced.
        self._service = service
        #: Whether function and mapping end a batch with failures by reporting them.
        self.partial_batches = False
        #: The bodies of messages by the handles under which they were received.
        self.receipts: dict[str, str] = {}
        #: What this run of the sweeper has sent; the SDK's repetitions are the same body.
        self.swept: set[str] = set()
        self.poller = boto3.client("sqs")
        backend.connect(self.poller)

    def deliver(
        self,
        *,
        service: Service | None = None,
        seconds: float = INVOCATION_SECONDS,
        messages_max: int = 10,
    ) -> None:
        """Receive what is visible and hand it to a worker, as Lambda's poller does."""
        url = self._backend.queue_url
        messages = self.poller.receive_message(
            QueueUrl=url,
            MaxNumberOfMessages=messages_max,
            WaitTimeSeconds=0,
            AttributeNames=["All"],
        ).get("Messages", [])
        if not messages:
            return
        self.receipts |= {m["ReceiptHandle"]: m["Body"] for m in messages}
        invocation = self._invoke(event_from(messages, queue_arn(url)), service, seconds)
        failed = failed_message_ids(
            [m["MessageId"] for m in messages],
            invocation,
            reports_batch_item_failures=self.partial_batches,
        )
        for message in messages:
            if message["MessageId"] not in failed:
                self._judge.judge_deletion(message["Body"], self._backend.table.items)
                with contextlib.suppress(self.poller.exceptions.ReceiptHandleIsInvalid):
                    self.poller.delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])

    def _invoke(self, event: dict[str, Any], service: Service | None, seconds: float) -> Any:  # noqa: ANN401
        context = types.SimpleNamespace(
            aws_request_id="faults", get_remaining_time_in_millis=lambda: int(seconds * 1000)
        )
        result: Any = None
        error: Mapping[str, Any] | None = None
        try:
            result = handle_batch(service or self._service(), event, context)
        except BatchFailed:
            error = {"errorType": "BatchFailed"}
        except Exception as exc:  # noqa: BLE001 - it is what is looked for
            error = {"errorType": type(exc).__name__}
            self._judge.demand(False, f"5: the batch broke off with {exc!r}")
        return types.SimpleNamespace(result=result, error=error)

    def sweep(self, *, service: Service | None = None) -> None:
        """Run the sweeper once."""
        context = types.SimpleNamespace(
            aws_request_id="faults", get_remaining_time_in_millis=lambda: 60_000
        )
        notes = self._sweeps()
        self.swept.clear()
        dead = False
        try:
            with contextlib.redirect_stdout(io.StringIO()):  # its metrics
                handle_schedule(service or self._service(), context)
        except QueueUnavailable:
            dead = not self.swept
        except (ServiceUnavailable, StoreFull):
            pass
        except Exception as exc:  # noqa: BLE001 - it is what is looked for
            self._judge.demand(False, f"5: the sweep ended with {exc!r}")
        finally:
            noted = self._sweeps() - notes
            self._judge.demand(
                len(self.swept) <= noted, "10: the sweeper sent more than it had noted"
            )
            self._judge.demand(
                not dead or noted <= UNIT_TASKS, "10: a dead queue leaves more than a unit's notes"
            )

    def _sweeps(self) -> int:
        return sum(task.sweeps for task in self._backend.table.tasks)
