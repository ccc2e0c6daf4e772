"""What is lost while it is worked on comes back: a worker that dies, a message that is gone.

One stage for all of them, with executions of 4 s; what waits for the sweeper waits at once.
"""

from __future__ import annotations

import dataclasses
import signal
from collections.abc import Iterator
from datetime import datetime
from functools import partial
from typing import Any

import pytest

from infra.waiting import wait_for
from tests.acceptance.tasks import finished, read, statuses, submit
from tools.local_stage import TABLE, Stage

pytestmark = pytest.mark.acceptance

EXECUTION_SECONDS = 4.0
#: As stage `local` has it, in `.chalice/config.json`.
SWEEP_GRACE_SECONDS = 15.0
WORKERS = ("worker-1", "worker-2")


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Scene:
    """A stage on which two tasks have met with an accident."""

    stage: Stage
    #: Its message was deleted before any worker received it.
    without_message: str
    #: Its worker was killed in the middle of the execution.
    without_worker: str
    killed: str
    survivor: str


@pytest.fixture(scope="module")
def scene(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Scene]:
    """Do the damage. Attached workers are not started again."""
    stage = Stage(tmp_path_factory.mktemp("recovery") / "data")
    try:
        stage.start(workers=0, MOCK_EXECUTION_SECONDS=str(EXECUTION_SECONDS))
        without_message = submit(stage.http)
        take_away_the_message(stage, without_message)
        for worker in WORKERS:
            stage.attach_worker(MOCK_EXECUTION_SECONDS=str(EXECUTION_SECONDS))
            wait_for(partial(logged, stage, worker, "polling"), f"{worker} to run")
        without_worker = submit(stage.http)
        killed = wait_for(lambda: claimant(stage, without_worker), "a worker to claim the task")
        assert killed is not None
        stage.signal(killed, signal.SIGKILL)
        assert read(stage.http, without_worker)["status"] == "processing"
        yield Scene(
            stage=stage,
            without_message=without_message,
            without_worker=without_worker,
            killed=killed,
            survivor=next(worker for worker in WORKERS if worker != killed),
        )
    finally:
        stage.close()


def take_away_the_message(stage: Stage, task_id: str) -> None:
    """Receive and delete, behind the service's back."""
    sqs = stage.sqs
    url = sqs.get_queue_url(QueueName=TABLE)["QueueUrl"]
    (message,) = sqs.receive_message(QueueUrl=url, WaitTimeSeconds=5)["Messages"]
    assert task_id in message["Body"]
    sqs.delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])
    assert stage.messages() == 0


def logged(stage: Stage, part: str, message: str, task_id: str | None = None) -> list[Any]:
    """Give the log entries with this message, about this task."""
    return [entry for entry in stage.log_entries(part) if is_about(entry, message, task_id)]


def is_about(entry: dict[str, Any], message: str, task_id: str | None) -> bool:
    """Tell whether a log entry has this message and is about this task."""
    return entry.get("message") == message and task_id in (None, entry.get("task_id"))


def claimant(stage: Stage, task_id: str) -> str | None:
    """Name the worker that has claimed a task."""
    found = (worker for worker in WORKERS if logged(stage, worker, "task claimed", task_id))
    return next(found, None)


def test_a_worker_that_completes_a_cancelled_task_writes_nothing(scene: Scene) -> None:
    """The task stays to the byte what the cancel made it, and its message is done with."""
    stage = scene.stage
    task_id = submit(stage.http)
    wait_for(lambda: read(stage.http, task_id)["status"] == "processing", "it to be executed")
    reply = stage.http.post(f"/tasks/{task_id}/cancel", {})
    assert (reply.status, reply.json["status"]) == (200, "cancelled")
    cancelled = read(stage.http, task_id)

    def acknowledged() -> list[Any]:
        return logged(stage, scene.survivor, "message acknowledged", task_id)

    (entry,) = wait_for(acknowledged, "the worker to have finished")
    assert entry["reason"] == "the task is cancelled already"
    assert read(stage.http, task_id) == cancelled
    assert statuses(cancelled) == ["pending", "processing", "cancelled"]
    assert (cancelled["result"], cancelled["attempt"]) == (None, 1)
    assert logged(stage, scene.survivor, "task completed", task_id) == []


def test_a_task_whose_message_is_gone_is_brought_back(scene: Scene) -> None:
    """After its grace the sweeper sends it again, and says so in log, metric and history."""
    stage, task_id = scene.stage, scene.without_message
    task = finished(stage.http, task_id)
    assert statuses(task) == ["pending", "pending", "processing", "completed"]
    assert task["attempt"] == 1
    sweep = task["status_history"][1]
    assert sweep["notes"] == "sweep 1: never claimed; its message is sent again"
    sent, swept = task["submitted_at"], sweep["transitioned_at"]
    waited = (datetime.fromisoformat(swept) - datetime.fromisoformat(sent)).total_seconds()
    assert waited >= SWEEP_GRACE_SECONDS

    entries = stage.log_entries("sweeper")
    (note,) = (entry for entry in entries if is_about(entry, "task swept", task_id))
    (message,) = (entry for entry in entries if is_about(entry, "message published", task_id))
    assert note["notes"] == sweep["notes"]
    place = entries.index(note)
    assert (note["stage"], note["swept"]) == ("local", 1)
    assert note["_aws"]["CloudWatchMetrics"][0]["Namespace"] == "QuantumTasks"
    assert place < entries.index(message)


def test_a_task_whose_worker_was_killed_is_completed_by_another(scene: Scene) -> None:
    """Attempt 2 takes over, and the history says why."""
    stage, task_id = scene.stage, scene.without_worker
    task = finished(stage.http, task_id)
    assert task["status"] == "completed"
    assert task["attempt"] == 2
    notes = [(e["status"], e["attempt"], e["notes"]) for e in task["status_history"]]
    expired = "the lease of attempt 1 has expired"
    assert notes == [
        ("pending", 0, None),
        ("processing", 1, None),
        ("processing", 1, f"sweep 1: {expired}; its message is sent again"),
        ("processing", 2, "attempt 2: took over, the lease of attempt 1 had expired"),
        ("completed", 2, None),
    ]
    assert len(logged(stage, scene.killed, "task claimed", task_id)) == 1
    assert logged(stage, scene.killed, "task completed", task_id) == []
    assert len(logged(stage, scene.survivor, "task completed", task_id)) == 1
    assert sum(task["result"]["counts"].values()) == task["shots"]
