"""The whole service in this process: Chalice's test client in front, moto behind."""

from __future__ import annotations

import dataclasses
import json
import uuid
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest
from botocore.loaders import JSONFileLoader
from chalice.test import Client, HTTPResponse

import app as lambda_functions
from chalicelib import composition
from tests.support.lambda_context import Context
from tests.support.logged import Lines, logged_lines
from tests.support.new_process import as_in_a_new_process
from tools.backends import Backend, moto_backend

Logged = Lines
JSON = {"Content-Type": "application/json"}


@dataclasses.dataclass(frozen=True, slots=True)
class Answer:
    """An HTTP answer, its body parsed."""

    status: int
    headers: Mapping[str, str]
    body: Any

    @classmethod
    def of(cls, response: HTTPResponse) -> Answer:
        """Read what Chalice answered."""
        body = json.loads(response.body) if response.body else None
        return cls(response.status_code, response.headers, body)


def named(headers: Mapping[str, str]) -> dict[str, str]:
    """Return headers with hyphens, as they are sent."""
    return {name.replace("_", "-"): value for name, value in headers.items()}


class Api:
    """Calls the API as a client does, and the worker as Lambda does."""

    def __init__(self, client: Client, backend: Backend | None = None) -> None:
        self._client = client
        self._backend = backend

    @property
    def backend(self) -> Backend:
        """Table and queue behind the service, if it is not in memory."""
        assert self._backend is not None
        return self._backend

    def request(
        self,
        method: str,
        path: str,
        body: object = None,
        headers: Mapping[str, str] | None = None,
    ) -> Answer:
        """Send one request; a body that is not bytes is sent as JSON."""
        raw = body if isinstance(body, bytes) else json.dumps(body).encode()
        response = self._client.http.request(
            method, path, headers=dict(JSON if headers is None else headers), body=raw
        )
        return Answer.of(response)

    def event(self, event: Mapping[str, Any]) -> Answer:
        """Call the function as API Gateway does, with what the test client cannot send."""
        answer = lambda_functions.app(event, Context())
        headers = {n: v[-1] for n, v in (answer.get("multiValueHeaders") or {}).items()}
        return Answer(answer["statusCode"], answer["headers"] | headers, json.loads(answer["body"]))

    def post(self, body: object, path: str = "/tasks", **headers: str) -> Answer:
        """Submit a task; header names have underscores for hyphens."""
        return self.request("POST", path, body, {**JSON, **named(headers)})

    def post_batch(self, members: object, **headers: str) -> Answer:
        """Submit a batch."""
        return self.post({"tasks": members}, "/batches", **headers)

    def validate(self, circuit: str, **fields: object) -> Answer:
        """Ask what is known of a circuit."""
        return self.post({"circuit": circuit, **fields}, "/validations")

    def submit(self, circuit: str = "OPENQASM 3.0;") -> str:
        """Submit a task that must be accepted, and return its id."""
        answer = self.post({"circuit": circuit})
        assert answer.status == 202, answer.body
        return str(answer.body["task_id"])

    def get(self, task_id: str, **headers: str) -> Answer:
        """Read a task."""
        return self.request("GET", f"/tasks/{task_id}", headers=named(headers))

    def list_tasks(self, **parameters: object) -> Answer:
        """Ask for one page of the list."""
        query = urlencode({n: v for n, v in parameters.items() if v is not None}, True)
        return self.request("GET", f"/tasks?{query}" if query else "/tasks")

    def health(self) -> Answer:
        """Ask whether the service can work."""
        return self.request("GET", "/health")

    def cancel(self, task_id: str) -> Answer:
        """Cancel a task."""
        return self.request("POST", f"/tasks/{task_id}/cancel")

    def deliver(self, *, remaining_ms: int = 10_000) -> object:
        """Deliver what is in the queue to the worker, and delete it if the worker returns."""
        sqs, url = self.backend.sqs(), self.backend.queue_url
        received = sqs.receive_message(
            QueueUrl=url,
            MaxNumberOfMessages=10,
            MessageSystemAttributeNames=["ApproximateReceiveCount"],
        ).get("Messages", [])
        records = [
            {
                "messageId": message["MessageId"],
                "receiptHandle": message["ReceiptHandle"],
                "body": message["Body"],
                "attributes": message["Attributes"],
            }
            for message in received
        ]
        answer = lambda_functions.worker({"Records": records}, Context(remaining_ms))
        for message in received:
            sqs.delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])
        return answer

    def messages(self) -> int:
        """Count the messages in the queue, hidden ones included."""
        attributes = self.backend.sqs().get_queue_attributes(
            QueueUrl=self.backend.queue_url, AttributeNames=["All"]
        )["Attributes"]
        visible = int(attributes["ApproximateNumberOfMessages"])
        return visible + int(attributes["ApproximateNumberOfMessagesNotVisible"])

    def items(self) -> list[dict[str, Any]]:
        """Return all items of the table."""
        return list(self.backend.dynamodb().scan(TableName=self.backend.table_name)["Items"])


@pytest.fixture(scope="session", autouse=True)
def _botocore_parses_its_data_once() -> Iterator[None]:
    """Make clients cheap: each test builds its own, and botocore reads its JSON again for each."""
    load_file = JSONFileLoader.load_file
    loaded: dict[str, Any] = {}

    def load_once(self: JSONFileLoader, path: str) -> object:
        if path not in loaded:
            loaded[path] = load_file(self, path)
        return loaded[path]

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(JSONFileLoader, "load_file", load_once)
        yield


@pytest.fixture(scope="module")
def moto() -> Iterator[Backend]:
    """Make table and queues in moto, from the templates: most of what a test would take."""
    with moto_backend() as backend:
        yield backend


@pytest.fixture
def backend(moto: Backend, monkeypatch: pytest.MonkeyPatch) -> Backend:
    """Empty the table, make a queue for the test alone, and point the service to both."""
    moto.empty_table()
    queue = moto.sqs().create_queue(QueueName=f"queue-{uuid.uuid4()}")
    backend = dataclasses.replace(moto, queue_url=queue["QueueUrl"])
    for name, value in backend.environment.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("STAGE", "local")
    monkeypatch.setenv("BATCH_MEMBERS_AT_ONCE", "1")
    monkeypatch.setenv("EXECUTOR", "mock")
    # Of all that reaches AWS's own endpoints only moto may: it answers in this process.
    monkeypatch.setattr(composition, "check_runtime", lambda *_: None)
    monkeypatch.setenv("EXECUTION_CONCURRENCY", "1")  # moto is not safe under threads
    # A busy machine makes no batch and no list end early, and no call slow.
    monkeypatch.setenv("SLOW_CALL_MS", "60000")
    monkeypatch.setattr(composition, "BATCH_BEGIN_SECONDS_MAX", 600.0)
    monkeypatch.setattr(composition, "LIST_BEGIN_SECONDS_MAX", 600.0)
    return backend


@pytest.fixture
def logged() -> Iterator[Logged]:
    """Return a function that gives every line logged so far, parsed."""
    with logged_lines() as lines:
        yield lines


@pytest.fixture
def api(backend: Backend, tmp_path: Path) -> Iterator[Api]:
    """Return a client of a service that is built for this test alone."""
    # Without the project's configuration, whose environment Chalice would set over the test's.
    with (
        as_in_a_new_process(),
        Client(lambda_functions.app, project_dir=str(tmp_path)) as client,
    ):
        yield Api(client, backend)
