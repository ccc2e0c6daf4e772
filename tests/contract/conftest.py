"""Each contract test runs on the fake in memory, on moto, and on MiniStack."""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from uuid import uuid4

import pytest
from msgspec import structs

from chalicelib.adapters.dynamodb.store import DynamoDbTaskStore
from chalicelib.adapters.sqs_queue import SqsTaskQueue
from chalicelib.domain.message import Delivery, TaskMessage
from chalicelib.ports import TaskQueue, TaskStore
from tests.support import external_backends
from tests.support.backends import REAL_BACKEND
from tests.support.backends import dynamodb_local as aws_dynamodb_local
from tests.support.backends import endpoint as a_running_endpoint
from tests.support.in_memory import FakeClock, InMemoryTaskQueue, InMemoryTaskStore
from tools.backends import ENDPOINT_URL, Backend, emulator, moto_backend

#: Elsewhere (`make test-endpoint`, `make test-dynamodb-local`) there is one, and no fake.
BACKENDS = [
    *(["memory", "moto"] if REAL_BACKEND == "ministack" else []),
    pytest.param(REAL_BACKEND, marks=pytest.mark.emulator),
]


@pytest.fixture(scope="session")
def ministack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Backend]:
    """Run one MiniStack for all contract tests."""
    with emulator(tmp_path_factory.mktemp("ministack")) as backend:
        yield backend


@pytest.fixture(scope="package")
def endpoint() -> Iterator[Backend]:
    """Use the endpoint that `make test-endpoint` was given."""
    with a_running_endpoint(str(ENDPOINT_URL)) as backend:
        yield backend


@pytest.fixture(scope="session")
def dynamodb_local() -> Iterator[Backend]:
    """Run the DynamoDB Local that `make test-dynamodb-local` was given."""
    with aws_dynamodb_local(Path(str(external_backends.DYNAMODB_LOCAL_DIR))) as backend:
        yield backend


@pytest.fixture(scope="module")
def moto() -> Iterator[Backend]:
    """Answer from memory what goes to AWS's own addresses; other endpoints are not touched."""
    with moto_backend() as backend:
        yield backend


@pytest.fixture(params=BACKENDS)
def backend(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Backend | None:
    """Return where table and queue are, or None for the fakes."""
    if request.param == "memory":
        return None
    backend: Backend = request.getfixturevalue(request.param)
    for name, value in backend.environment.items():
        monkeypatch.setenv(name, value)
    return backend


@pytest.fixture
def store(backend: Backend | None) -> TaskStore:
    """Return the store under test. Tests use ids of their own, so they may share it."""
    return InMemoryTaskStore() if backend is None else _store_on(backend)


@functools.cache
def _store_on(backend: Backend) -> TaskStore:
    return DynamoDbTaskStore(backend.settings())


@dataclasses.dataclass(frozen=True, slots=True)
class QueueUnderTest:
    """A queue, and its other end: what Lambda does with a real one."""

    queue: TaskQueue
    #: Receive what becomes visible within so many seconds, at least one message if there is any.
    receive: Callable[[float], list[Delivery]]


@pytest.fixture
def queue(backend: Backend | None) -> Iterator[QueueUnderTest]:
    """Return the queue under test, a new one."""
    if backend is None:
        yield _queue_in_memory()
        return
    client = backend.sqs()
    url = client.create_queue(
        QueueName=f"contract-{uuid4()}", Attributes={"VisibilityTimeout": "60"}
    )["QueueUrl"]

    def receive(within_seconds: float) -> list[Delivery]:
        answer = client.receive_message(
            QueueUrl=url,
            MaxNumberOfMessages=10,
            WaitTimeSeconds=int(within_seconds),
            MessageSystemAttributeNames=["ApproximateReceiveCount"],
        )
        return [
            Delivery(
                message=TaskMessage.from_json(message["Body"]),
                message_id=message["MessageId"],
                receipt_handle=message["ReceiptHandle"],
                receive_count=int(message["Attributes"]["ApproximateReceiveCount"]),
            )
            for message in answer.get("Messages", [])
        ]

    yield QueueUnderTest(
        SqsTaskQueue(structs.replace(backend.settings(), tasks_queue_url=url)), receive
    )
    client.delete_queue(QueueUrl=url)


def _queue_in_memory() -> QueueUnderTest:
    clock = FakeClock()
    queue = InMemoryTaskQueue(clock)

    def receive(within_seconds: float) -> list[Delivery]:
        until = clock.now() + timedelta(seconds=within_seconds)
        while not (deliveries := queue.receive()) and clock.now() < until:
            clock.advance(0.1)
        return deliveries

    return QueueUnderTest(queue, receive)


@pytest.fixture
def real_backend(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Backend:
    """Return the real one alone: moto is not safe under threads."""
    backend: Backend = request.getfixturevalue(REAL_BACKEND)
    for name, value in backend.environment.items():
        monkeypatch.setenv(name, value)
    return backend
