"""The whole service in this process: Chalice's test client in front, moto behind."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
from botocore.loaders import JSONFileLoader
from chalice.test import Client, HTTPResponse

import app as lambda_functions
from chalicelib import composition
from tests.support.backends import Backend, moto_backend
from tests.support.lambda_context import Context
from tests.support.logged import Lines, logged_lines
from tests.support.new_process import as_in_a_new_process

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


class Api:
    """Calls the API as a client does, and the worker as Lambda does."""

    def __init__(self, client: Client, backend: Backend) -> None:
        self._client = client
        self.backend = backend

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

    def post(self, body: object, **headers: str) -> Answer:
        """Submit a task; header names have underscores for hyphens."""
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        return self.request("POST", "/tasks", body, {**JSON, **named})

    def submit(self, circuit: str = "OPENQASM 3.0;") -> str:
        """Submit a task that must be accepted, and return its id."""
        answer = self.post({"circuit": circuit})
        assert answer.status == 202, answer.body
        return str(answer.body["task_id"])

    def get(self, task_id: str, **headers: str) -> Answer:
        """Read a task."""
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        return self.request("GET", f"/tasks/{task_id}", headers=named)

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


@pytest.fixture
def backend(monkeypatch: pytest.MonkeyPatch) -> Iterator[Backend]:
    """Make table and queues in moto, and point the service to them."""
    with moto_backend() as backend:
        for name, value in backend.environment.items():
            monkeypatch.setenv(name, value)
        monkeypatch.setenv("STAGE", "local")
        monkeypatch.setenv("BATCH_MEMBERS_AT_ONCE", "1")
        monkeypatch.setenv("EXECUTOR", "mock")
        # Of all that reaches AWS's own endpoints only moto may: it answers in this process.
        monkeypatch.setattr(composition, "check_runtime", lambda *_: None)
        monkeypatch.setenv("EXECUTION_CONCURRENCY", "1")  # moto is not safe under threads
        yield backend


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
