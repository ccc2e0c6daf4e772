"""An emulator for the tests that need one, started once."""

from __future__ import annotations

import json
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from tests.local.emulator_process import EmulatorProcess
from tests.local.served_api import ServedApi

if TYPE_CHECKING:
    from mypy_boto3_sqs import SQSClient

FAKE_APP = "tests.local.fake_app"


@pytest.fixture(scope="session")
def emulator(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EmulatorProcess]:
    """Give a running emulator that all tests share; each takes names of its own."""
    emulator = EmulatorProcess(tmp_path_factory.mktemp("emulator"))
    emulator.start()
    try:
        yield emulator
    finally:
        emulator.close()


@pytest.fixture
def record(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Record:
    """Give the file in which the fake functions note what they were called with."""
    path = tmp_path / "record.jsonl"
    monkeypatch.setenv("FAKE_RECORD", str(path))
    return Record(path)


class Record:
    """What the fake functions have noted."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def lines(self) -> list[dict[str, Any]]:
        """Give the notes so far."""
        if not self.path.exists():
            return []
        return [json.loads(line) for line in self.path.read_text().splitlines()]


class Queue:
    """A queue of a test's own."""

    def __init__(self, sqs: SQSClient, *, visibility_timeout_seconds: int = 60) -> None:
        self.sqs = sqs
        self.url = sqs.create_queue(
            QueueName=f"test-{uuid.uuid4()}",
            Attributes={"VisibilityTimeout": str(visibility_timeout_seconds)},
        )["QueueUrl"]

    def send(self, **body: object) -> str:
        """Send a message for the fake worker and return its id."""
        sent = self.sqs.send_message(QueueUrl=self.url, MessageBody=json.dumps(body))
        return sent["MessageId"]

    def counts(self) -> tuple[int, int]:
        """Count the visible messages and the ones in flight."""
        names = ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"]
        found = self.sqs.get_queue_attributes(QueueUrl=self.url, AttributeNames=["All"])
        visible, in_flight = (int(found["Attributes"][name]) for name in names)  # type: ignore[index]
        return visible, in_flight


@pytest.fixture(scope="module")
def served() -> Iterator[ServedApi]:
    """Serve the fake app from this process."""
    served = ServedApi()
    yield served
    served.close()


@pytest.fixture
def queue(emulator: EmulatorProcess) -> Queue:
    """Give an empty queue."""
    return Queue(emulator.sqs)
