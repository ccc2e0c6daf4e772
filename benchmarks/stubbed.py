"""AWS's side of the wire, answered in this process: what is left is the handlers' own time.

An answer is sent where botocore would send the request, after it was serialised and signed and
before it is parsed, so everything but the network is measured.
"""

from __future__ import annotations

import base64
import hashlib
import io
import json
import os
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, Final

from botocore.awsrequest import AWSResponse

if TYPE_CHECKING:
    from chalicelib.composition import Service

QUEUE_URL: Final = "https://sqs.us-east-1.amazonaws.com/123456789012/quantum-tasks"
#: What a Lambda function finds in its environment.
ENVIRONMENT: Final = {
    "AWS_ACCESS_KEY_ID": "AKIDEXAMPLE",
    "AWS_SECRET_ACCESS_KEY": "x" * 40,
    "AWS_SESSION_TOKEN": "t" * 300,
    "AWS_DEFAULT_REGION": "us-east-1",
    "AWS_REGION": "us-east-1",
    "STAGE": "local",
    "LOG_LEVEL": "INFO",
    "EXECUTOR": "mock",
    "TASKS_TABLE_NAME": "quantum-tasks",
    "TASKS_QUEUE_URL": QUEUE_URL,
}
_CAPACITY: Final = {"TableName": "quantum-tasks", "CapacityUnits": 1.0}


def built_service() -> Service:
    """Build this process's service from its environment, and use it from now on.

    Not `get_service`: on the local stage that refuses AWS's own endpoints, which are what a stub
    in this process answers.
    """
    from chalicelib import composition  # noqa: PLC0415 - the environment comes first
    from chalicelib.settings import Settings  # noqa: PLC0415

    settings = Settings.from_environment(os.environ)
    service = composition.build(settings, composition.build_ports(settings))
    composition.override_service(service)
    return service


class StubbedAws:
    """Answers the calls of the clients that it is attached to, and remembers what was asked."""

    def __init__(self) -> None:
        self.remembers = True
        #: The last request of each operation and kind, as the client was given it.
        self.requests: dict[str, dict[str, Any]] = {}
        #: The operations in the order in which they were called.
        self.calls: list[str] = []
        self._answers: dict[str, bytes] = {}

    def attach(self, *clients: Any) -> None:  # noqa: ANN401 - botocore clients
        """Answer for these clients from now on."""
        for client in clients:
            service = client.meta.service_model.service_name
            client.meta.events.register_first(f"before-send.{service}", self._answer)

    def answer(self, kind: str, content: dict[str, Any]) -> None:
        """Answer requests of this kind so from now on."""
        self._answers[kind] = json.dumps({**content, "ConsumedCapacity": _CAPACITY}).encode()

    def _answer(self, request: Any, **_: object) -> AWSResponse:  # noqa: ANN401
        target = request.headers["X-Amz-Target"]
        operation = (target.decode() if isinstance(target, bytes) else target).rpartition(".")[2]
        kind = _kind_of(operation, request.body)
        if self.remembers:
            self.requests[kind] = _parameters(json.loads(request.body))
            self.calls.append(operation)
        content = self._answers.get(kind) or _default_answer(operation, request.body)
        headers: Any = {"content-type": "application/x-amz-json-1.0", "x-amzn-requestid": "R"}
        return AWSResponse(request.url, 200, headers, _Body(content))


class _Body(io.BytesIO):
    def stream(self, *_: object, **__: object) -> Iterator[bytes]:
        yield self.read()


def _kind_of(operation: str, body: bytes) -> str:
    """Tell a claim from what ends an attempt: it is the one that counts attempts up."""
    if operation == "UpdateItem":
        return "claim" if b"lease_expires_at" in body and b'"complete"' not in body else "settle"
    return operation


def _default_answer(operation: str, body: bytes) -> bytes:
    if operation == "SendMessage":  # the SDK compares the sum with its own
        sent = hashlib.md5(json.loads(body)["MessageBody"].encode()).hexdigest()  # noqa: S324
        return json.dumps({"MD5OfMessageBody": sent, "MessageId": "m" * 36}).encode()
    return json.dumps({"ConsumedCapacity": _CAPACITY}).encode()


def _parameters(value: Any) -> Any:  # noqa: ANN401 - any JSON
    """Return a request as a caller gives it to the client: bytes are not text there."""
    if isinstance(value, dict):
        if value.keys() == {"B"}:
            return {"B": base64.b64decode(value["B"])}
        return {name: _parameters(part) for name, part in value.items()}
    return [_parameters(part) for part in value] if isinstance(value, list) else value
