"""Whether a failed call may have been applied, told on real sockets."""

from __future__ import annotations

import json
import socketserver
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler

import pytest
from msgspec import structs

from chalicelib.adapters.dynamodb.store import DynamoDbTaskStore
from chalicelib.adapters.sqs_queue import SqsTaskQueue
from chalicelib.domain.message import TaskMessage
from chalicelib.errors import (
    QueueUnavailable,
    ServiceUnavailable,
    StoreUnavailable,
)
from chalicelib.ports import PutOutcome
from chalicelib.settings import Settings
from infra.local.supervisor.supervisor import free_port
from tests.support.backends import silent_port
from tests.support.in_memory import T0, a_task

SETTINGS = Settings(
    tasks_table_name="tasks",
    tasks_queue_url="http://127.0.0.1/000000000000/tasks",
    database_read_timeout_seconds=0.2,
    queue_read_timeout_seconds=0.2,
)
#: An HTTP status, an error code, and headers; 0 closes the connection without an answer.
Reply = tuple[int, str, *tuple[tuple[str, str], ...]]

OK: Reply = (200, "")
THROTTLED: Reply = (400, "ThrottlingException")
DENIED: Reply = (400, "AccessDeniedException")
SERVER_ERROR: Reply = (500, "InternalServerError")
CONDITION: Reply = (400, "ConditionalCheckFailedException")
LIMIT: Reply = (400, "LimitExceededException")
CLOSED: Reply = (0, "")


@pytest.fixture
def answering(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., None]]:
    """Return a function that lines up what an endpoint answers, one reply for each request."""
    replies: list[Reply] = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            self.rfile.read(int(self.headers["Content-Length"]))
            status, code, *headers = replies.pop(0)
            if status == 0:
                self.close_connection = True
                return
            body = json.dumps({"__type": f"com.amazonaws#{code}"} if code else {}).encode()
            self.send_response(status)
            self.send_header("Content-Length", str(len(body)))
            for name, value in headers:
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        monkeypatch.setenv("AWS_ENDPOINT_URL", f"http://127.0.0.1:{server.server_address[1]}")
        yield lambda *lined_up: replies.extend(lined_up)
        server.shutdown()
    assert replies == [], "fewer requests than replies"


@pytest.mark.parametrize(
    ("replies", "in_doubt"),
    [
        ((THROTTLED, THROTTLED), False),
        ((DENIED,), False),
        ((SERVER_ERROR, SERVER_ERROR), True),
        ((CLOSED, CLOSED), True),
        ((CLOSED, THROTTLED), True),
        ((SERVER_ERROR, DENIED), True),
        ((THROTTLED, CLOSED), True),
    ],
)
def test_a_call_is_refused_only_if_every_attempt_was(
    answering: Callable[..., None],
    replies: tuple[Reply, ...],
    in_doubt: bool,  # noqa: FBT001 - a case of the table
) -> None:
    """One lost reply among the SDK's attempts leaves the call in doubt."""
    store = DynamoDbTaskStore(SETTINGS)
    answering(*replies)
    with pytest.raises(StoreUnavailable) as caught:
        store.create_if_absent(a_task())
    assert caught.value.in_doubt == in_doubt


@pytest.mark.parametrize(
    ("replies", "outcome"),
    [
        ((OK,), PutOutcome.CREATED),
        ((THROTTLED, OK), PutOutcome.CREATED),
        ((CLOSED, OK), PutOutcome.CREATED_AFTER_DOUBT),
        ((SERVER_ERROR, OK), PutOutcome.CREATED_AFTER_DOUBT),
        ((CONDITION,), PutOutcome.EXISTED),
        ((CLOSED, CONDITION), PutOutcome.EXISTED),
    ],
)
def test_a_put_says_whether_an_attempt_may_still_arrive(
    answering: Callable[..., None], replies: tuple[Reply, ...], outcome: PutOutcome
) -> None:
    """The caller that deletes the task must know."""
    store = DynamoDbTaskStore(SETTINGS)
    answering(*replies)
    assert store.create_if_absent(a_task()) is outcome


def test_a_limit_after_a_lost_reply_is_doubt(answering: Callable[..., None]) -> None:
    """The attempt before may have been applied; no caller may be told that it was refused."""
    store = DynamoDbTaskStore(SETTINGS)
    answering(CLOSED, LIMIT)
    with pytest.raises(StoreUnavailable) as caught:
        store.create_if_absent(a_task())
    assert caught.value.in_doubt


def test_a_receipt_that_has_expired_is_no_bug(answering: Callable[..., None]) -> None:
    """A worker that was slow cannot hide its message any more, and must not break the batch."""
    queue = SqsTaskQueue(SETTINGS)
    answering((400, "InvalidParameterValue"))
    with pytest.raises(QueueUnavailable) as caught:
        queue.redeliver("stale", visibility_timeout_seconds=1)
    assert not caught.value.in_doubt


def _put(settings: Settings = SETTINGS) -> None:
    DynamoDbTaskStore(settings).create_if_absent(a_task())


def _send(settings: Settings = SETTINGS) -> None:
    message = TaskMessage(task_id="t", correlation_id="c", enqueued_at=T0)
    SqsTaskQueue(settings).send(message)


@pytest.mark.parametrize(
    ("service", "unavailable"), [("dynamodb", StoreUnavailable), ("sqs", QueueUnavailable)]
)
@pytest.mark.parametrize("silent", [True, False])
def test_an_endpoint_that_refuses_or_never_answers_is_unavailable(
    monkeypatch: pytest.MonkeyPatch,
    service: str,
    unavailable: type[ServiceUnavailable],
    silent: bool,  # noqa: FBT001 - a case of the table
) -> None:
    """A refused connection sent nothing; silence may mean anything."""
    with silent_port() as listening:
        port = listening if silent else free_port()
        monkeypatch.setenv(f"AWS_ENDPOINT_URL_{service.upper()}", f"http://127.0.0.1:{port}")
        call = _send if service == "sqs" else _put
        with pytest.raises(unavailable) as caught:
            call()
    assert caught.value.in_doubt == silent


@pytest.mark.parametrize("attempts", [1, 2, 4])
def test_a_call_is_tried_as_often_as_is_set(answering: Callable[..., None], attempts: int) -> None:
    """By the service's own retries: botocore makes none."""
    settings = {"database_attempts_max": attempts, "queue_attempts_max": attempts}
    answering(*[THROTTLED] * 2 * attempts)
    for call in (_put, _send):
        with pytest.raises(ServiceUnavailable):
            call(structs.replace(SETTINGS, **settings))
