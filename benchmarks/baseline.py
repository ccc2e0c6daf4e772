"""What the handlers cost at least with the given parts: the baseline that a goal is held to.

The same calls, made through Chalice, PynamoDB and boto3 as the service must make them, the mock's
execution, and the lines that have to be logged, written by Powertools' logger. Nothing else: no
protocol, no doubt, no answer read back, no error handled. What a handler costs beyond this is the
service's own.
"""

from __future__ import annotations

import json
import uuid
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Annotated, Any, Final

import msgspec
from aws_lambda_powertools import Logger
from chalice.app import Chalice, Response
from msgspec import Meta
from pynamodb.connection.base import MetaTable
from pynamodb.connection.table import TableConnection

from benchmarks.events import Context
from benchmarks.stubbed import QUEUE_URL, StubbedAws
from chalicelib.adapters.aws_clients import make_client
from chalicelib.adapters.dynamodb.items import HistoryItem, TaskItem
from chalicelib.adapters.log_lines import LineFormatter
from chalicelib.domain import payloads
from chalicelib.domain.task import TaskRequest
from chalicelib.executors.mock import MockExecutor
from chalicelib.settings import Settings

_TABLE: Final = "quantum-tasks"
_DESCRIPTION: Final = {
    "TableName": _TABLE,
    "AttributeDefinitions": [{"AttributeName": "task_id", "AttributeType": "S"}],
    "KeySchema": [{"AttributeName": "task_id", "KeyType": "HASH"}],
}
_JSON: Final[dict[str, str | list[str]]] = {"Content-Type": "application/json"}


class _Body(msgspec.Struct, forbid_unknown_fields=True):
    circuit: Annotated[str, Meta(min_length=1)]
    shots: Annotated[int, Meta(ge=1, le=100_000)] = 1024
    tags: dict[Annotated[str, Meta(max_length=128)], Annotated[str, Meta(max_length=256)]] = {}


class _Message(msgspec.Struct):
    task_id: str
    correlation_id: str


class Baseline:
    """Three handlers of as little code as will do."""

    def __init__(
        self, aws: StubbedAws | None = None, *, table: str = _TABLE, queue_url: str = QUEUE_URL
    ) -> None:
        """Make the clients; a stub answers them, or what the SDK's variables point to."""
        self._logger = Logger(
            service="baseline", logger_formatter=LineFormatter(use_rfc3339=True, utc=True)
        )
        limits: Any = {
            "connect_timeout_seconds": 1,
            "read_timeout_seconds": 1,
            "pool_connections_max": 32,
        }
        dynamodb, self._sqs = make_client("dynamodb", **limits), make_client("sqs", **limits)
        if aws is not None:
            aws.attach(dynamodb, self._sqs)
        description = MetaTable({**_DESCRIPTION, "TableName": table})
        self._table = TableConnection(table, meta_table=description)
        self._table.connection._client = dynamodb  # noqa: SLF001 - as the service has to
        self._queue_url = queue_url
        names: dict[str, Any] = {
            "Meta": type("Meta", (), {"table_name": table}),
            "_connection": self._table,
        }
        self._items: type[TaskItem] = type("FloorItem", (TaskItem,), names)
        self._body = msgspec.json.Decoder(_Body)
        self._message = msgspec.json.Decoder(_Message)
        self._executor = MockExecutor(Settings(executor="mock"))
        self.app = Chalice("baseline")
        self.app.route("/tasks", methods=["POST"])(self._post)
        self.app.route("/tasks/{task_id}", methods=["GET"])(self._get)

    def post(self, event: Any) -> Callable[[], object]:  # noqa: ANN401 - API Gateway's event
        """Return a job that submits a task."""
        return lambda: self.app(event, Context())

    def worker(self, event: Any) -> Callable[[], object]:  # noqa: ANN401 - the queue's event
        """Return a job that executes one."""
        return lambda: self.work(event)

    get = post

    def _post(self) -> Response:
        http = self.app.current_request
        assert http is not None  # noqa: S101 - Chalice sets it before it calls a view
        request = self._body.decode(http.raw_body)
        task_id, now = str(uuid.uuid4()), datetime.now(UTC)
        entry = HistoryItem(event="submit", status="pending", at=now)  # type: ignore[no-untyped-call]
        self._items(
            task_id=task_id,
            schema_version=1,
            owner="local",
            correlation_id=task_id,
            request_fingerprint=task_id,
            circuit=payloads.pack(request.circuit),
            shots=request.shots,
            tags=request.tags,
            status="pending",
            attempt=0,
            submitted_at=now,
            history=[entry],
            sweeps=0,
            open_shard="open#0",
            due_at=now,
            owner_shard="local#0",
        ).save(condition=TaskItem.task_id.does_not_exist())
        self._log("dynamodb call", operation="PutItem", duration_ms=1.0)
        self._log("task submitted", task_id=task_id, new_status="pending")
        message = {
            "v": 1,
            "task_id": task_id,
            "correlation_id": task_id,
            "enqueued_at": now.isoformat(),
        }
        self._sqs.send_message(QueueUrl=self._queue_url, MessageBody=json.dumps(message))
        self._log("message published", task_id=task_id)
        document = {"task_id": task_id, "status": "pending", "submitted_at": now.isoformat()}
        return Response(json.dumps(document), _JSON, 202)

    def _get(self, task_id: str) -> Response:
        item = self._table.get_item(task_id, consistent_read=True)["Item"]
        self._log("dynamodb call", operation="GetItem", duration_ms=1.0)
        document = {name: next(iter(typed.values())) for name, typed in item.items()}
        return Response(json.dumps(document, default=str), _JSON, 200)

    def work(self, event: Any) -> None:  # noqa: ANN401 - the queue's event
        """Execute each message's task, one after the other."""
        for record in event["Records"]:
            self._work(record)

    def _work(self, record: Any) -> None:  # noqa: ANN401 - of the queue's event
        task_id = self._message.decode(record["body"]).task_id
        self._log("message consumed", task_id=task_id, receive_count=1)
        now, task = datetime.now(UTC), TaskItem
        claimed = self._table.update_item(
            task_id,
            actions=[
                task.history.set(task.history.append([_entry("claim", "processing", now)])),
                task.status.set("processing"),
                task.attempt.set(task.attempt + 1),
                task.started_at.set(task.started_at | now),
                task.lease_owner.set(str(uuid.uuid4())),
                task.lease_expires_at.set(now + timedelta(seconds=10)),
                task.due_at.set(now + timedelta(seconds=20)),
            ],
            condition=task.status.is_in("pending", "processing")
            & (task.attempt < 5)  # noqa: PLR2004 - the attempts
            & (task.lease_expires_at.does_not_exist() | (task.lease_expires_at <= now)),
            return_values="ALL_NEW",
        )["Attributes"]
        self._log("dynamodb call", operation="UpdateItem", duration_ms=1.0)
        self._log("task claimed", task_id=task_id, new_status="processing")
        request = TaskRequest(
            circuit=payloads.unpack(claimed["circuit"]["B"]),
            shots=int(claimed["shots"]["N"]),
            tags={},
        )
        result = self._executor.execute(request, time_limit_seconds=10)
        self._table.update_item(
            task_id,
            actions=[
                task.history.set(task.history.append([_entry("complete", "completed", now)])),
                task.status.set("completed"),
                task.result.set(json.dumps(result.counts).encode()),
                task.completed_at.set(now),
                *(
                    name.remove()
                    for name in (
                        *(task.lease_owner, task.lease_expires_at),
                        *(task.open_shard, task.due_at),
                    )
                ),
            ],
            condition=(task.status == "processing") & (task.attempt == 1),
        )
        self._log("dynamodb call", operation="UpdateItem", duration_ms=1.0)
        self._log("task completed", task_id=task_id, new_status="completed")
        self._log("message acknowledged", task_id=task_id)

    def _log(self, message: str, **keys: object) -> None:
        self._logger.info(message, extra=keys)


def _entry(event: str, status: str, at: datetime) -> HistoryItem:
    return HistoryItem(event=event, status=status, at=at)  # type: ignore[no-untyped-call]
