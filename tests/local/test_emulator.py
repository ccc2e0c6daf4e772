"""The emulator loses little when it is killed, and nothing when it is asked to stop."""

from __future__ import annotations

import contextlib
import itertools
import json
import sqlite3
import subprocess
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from infra.local.emulator.pieces import DYNAMODB_PARTS
from infra.local.emulator.saved_state import DATABASE
from infra.local.settings import EMULATOR_PYTHON
from infra.local.supervisor.stack import deploy_all
from infra.waiting import wait_for
from tests.local.emulator_process import EmulatorProcess
from tests.support.saved_state import saved_text

pytestmark = pytest.mark.emulator

TABLE = "quantum-tasks-local"


@pytest.fixture
def emulator(tmp_path: Path) -> Iterator[EmulatorProcess]:
    """Give an emulator of the test's own, with table and queues."""
    emulator = EmulatorProcess(tmp_path)
    emulator.start()
    deploy_all(emulator.endpoint_url)
    yield emulator
    emulator.close()


def queue_url(emulator: EmulatorProcess) -> str:
    """Find the tasks' queue."""
    return emulator.sqs.get_queue_url(QueueName=TABLE)["QueueUrl"]


def put(emulator: EmulatorProcess, number: int) -> None:
    """Put an item that both indexes have."""
    emulator.dynamodb.put_item(
        TableName=TABLE,
        Item={
            "task_id": {"S": f"task-{number:06}"},
            "open_shard": {"S": "open-0"},
            "due_at": {"S": f"{number:06}"},
            "owner_shard": {"S": "local-0"},
            "submitted_at": {"S": f"{number:06}"},
            "circuit": {"B": bytes([number % 256]) * 100},
        },
    )


def task_ids(emulator: EmulatorProcess, index: str, shard: tuple[str, str]) -> list[str]:
    """Read an index in its order."""
    pages = emulator.dynamodb.get_paginator("query").paginate(
        TableName=TABLE,
        IndexName=index,
        KeyConditionExpression="#shard = :shard",
        ExpressionAttributeNames={"#shard": shard[0]},
        ExpressionAttributeValues={":shard": {"S": shard[1]}},
    )
    return [item["task_id"]["S"] for page in pages for item in page["Items"]]


def saved(emulator: EmulatorProcess) -> str:
    """Read what is on disk."""
    return saved_text(emulator.state)


class Load(threading.Thread):
    """Puts an item and then sends its message, one after another, until the emulator is gone."""

    def __init__(self, emulator: EmulatorProcess) -> None:
        super().__init__(daemon=True)
        self._emulator = emulator
        self._queue_url = queue_url(emulator)
        self.done = 0
        self.ended_by: Exception | None = None

    def run(self) -> None:
        """Go on until a call fails."""
        try:
            for number in itertools.count():
                put(self._emulator, number)
                self._emulator.sqs.send_message(
                    QueueUrl=self._queue_url, MessageBody=f"{number:06}"
                )
                self.done = number
        except Exception as exc:  # noqa: BLE001 - botocore has many ways to say that it is gone
            self.ended_by = exc


def test_a_kill_under_load_loses_the_last_moments_and_tears_nothing(
    emulator: EmulatorProcess,
) -> None:
    """What comes back is one instant: at least what was on disk, no message without its item."""
    load = Load(emulator)
    load.start()
    wait_for(lambda: load.done >= 200, "some load")
    wait_for(lambda: "task-000200" in saved(emulator), "that load to be on disk")
    emulator.kill()
    load.join(30)
    assert load.ended_by is not None
    emulator.start()

    ids = task_ids(emulator, "open_tasks", ("open_shard", "open-0"))
    assert ids == [f"task-{number:06}" for number in range(len(ids))]
    assert len(ids) > 200
    assert task_ids(emulator, "tasks_by_owner", ("owner_shard", "local-0")) == ids
    attributes = emulator.sqs.get_queue_attributes(
        QueueUrl=queue_url(emulator), AttributeNames=["ApproximateNumberOfMessages"]
    )["Attributes"]
    messages = int(attributes["ApproximateNumberOfMessages"])
    assert len(ids) - messages in {0, 1}
    deploy_all(emulator.endpoint_url)  # the stacks are there, and nothing is made again
    assert task_ids(emulator, "open_tasks", ("open_shard", "open-0")) == ids


def test_a_stop_saves_what_no_timer_has(tmp_path: Path) -> None:
    """SIGTERM goes by the same atomic way, and nothing is missing afterwards."""
    emulator = EmulatorProcess(tmp_path, autosave_seconds=3600)
    try:
        emulator.start()
        deploy_all(emulator.endpoint_url)
        put(emulator, 1)
        assert saved(emulator) == ""
        emulator.stop()
        assert "task-000001" in saved(emulator)
        emulator.start()
        assert task_ids(emulator, "open_tasks", ("open_shard", "open-0")) == ["task-000001"]
    finally:
        emulator.close()


def _writes(emulator: EmulatorProcess) -> tuple[int, int]:
    """Return what every commit changes: the log that SQLite writes ahead."""
    status = (emulator.state / f"{DATABASE}-wal").stat()
    return status.st_size, status.st_mtime_ns


def _writes_later(emulator: EmulatorProcess) -> tuple[int, int]:
    threading.Event().wait(2 * emulator.autosave_seconds)
    return _writes(emulator)


def test_only_what_changed_is_written(emulator: EmulatorProcess) -> None:
    """What is saved costs the next save nothing; reading, and waiting, leave the disk alone."""
    for number in range(100):
        put(emulator, number)
    wait_for(lambda: "task-000099" in saved(emulator), "them to be on disk")
    wait_for(lambda: _writes(emulator) == _writes_later(emulator), "no write to follow")
    before = places(emulator)
    written = _writes(emulator)
    task_ids(emulator, "open_tasks", ("open_shard", "open-0"))
    assert _writes_later(emulator) == written
    put(emulator, 50)
    put(emulator, 100)
    wait_for(lambda: "task-000100" in saved(emulator), "the change to be on disk")
    after = places(emulator)
    assert after[: len(before)] == before
    assert len(after) == len(before) + 1


def places(emulator: EmulatorProcess) -> list[tuple[int, str]]:
    """Read which row is whose: a row that was written over keeps its place."""
    path = emulator.state / DATABASE
    with contextlib.closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as database:
        return database.execute("SELECT place, key FROM state ORDER BY place").fetchall()


def test_what_was_deleted_or_in_flight_is_so_after_a_kill(emulator: EmulatorProcess) -> None:
    """Visibility, receive count and receipt handle are as they were before the kill."""
    url, sqs = queue_url(emulator), emulator.sqs
    for number in range(3):
        put(emulator, number)
        sqs.send_message(QueueUrl=url, MessageBody=f"message-{number}")
    wait_for(lambda: "message-2" in saved(emulator), "them to be on disk")
    emulator.dynamodb.delete_item(TableName=TABLE, Key={"task_id": {"S": "task-000001"}})
    gone, hidden = (
        sqs.receive_message(QueueUrl=url, VisibilityTimeout=600)["Messages"][0] for _ in range(2)
    )
    sqs.delete_message(QueueUrl=url, ReceiptHandle=gone["ReceiptHandle"])
    put(emulator, 7)
    wait_for(lambda: "task-000007" in saved(emulator), "all that to be on disk")
    emulator.kill()
    emulator.start()
    ids = task_ids(emulator, "open_tasks", ("open_shard", "open-0"))
    assert ids == ["task-000000", "task-000002", "task-000007"]
    [visible] = sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10)["Messages"]
    assert visible["Body"] == "message-2"
    sqs.change_message_visibility(
        QueueUrl=url, ReceiptHandle=hidden["ReceiptHandle"], VisibilityTimeout=0
    )
    [again] = sqs.receive_message(
        QueueUrl=url, MaxNumberOfMessages=10, MessageSystemAttributeNames=["All"]
    )["Messages"]
    assert (again["Body"], again["Attributes"]["ApproximateReceiveCount"]) == ("message-1", "2")


def test_damaged_state_is_an_error_and_a_state_has_one_emulator(emulator: EmulatorProcess) -> None:
    """It says what is damaged, and what to do; a second emulator ends and the first goes on."""
    assert emulator.spawn().wait(30) == 1
    assert "another emulator uses" in emulator.log
    put(emulator, 1)
    emulator.stop()
    with contextlib.closing(sqlite3.connect(emulator.state / DATABASE)) as database, database:
        database.execute("UPDATE state SET value = '{}' WHERE key LIKE '%task-000001%'")
    assert emulator.spawn().wait(30) == 1
    assert "is not what was written; `make reset` starts empty" in emulator.log
    assert "task-000001" in emulator.log


def test_every_part_of_dynamodb_is_saved(tmp_path: Path) -> None:
    """A MiniStack that keeps more than this project saves would lose it silently."""
    program = (
        "import json; from ministack.services import dynamodb\n"
        "print(json.dumps([*dynamodb.get_state()]))"
    )
    answer = subprocess.run(
        [EMULATOR_PYTHON, "-c", program],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=True,
    )
    assert set(json.loads(answer.stdout.splitlines()[-1])) == {"tables", *DYNAMODB_PARTS}
