"""Queue or database unreachable: quick and truthful refusals, and recovery without a hand."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator

import pytest

from infra.local.supervisor.supervisor import free_port
from infra.waiting import wait_for
from tests.acceptance.tasks import finished, submit
from tests.support.backends import silent_port
from tests.support.saved_state import saved_text
from tools.http_client import Http, Reply
from tools.local_stage import BELL_STATE, Stage

pytestmark = pytest.mark.acceptance

#: The issue's own bound on a refusal.
REFUSAL_SECONDS_MAX = 3.0
PARTS = ("api", "worker-1", "worker-2")


@pytest.fixture(name="silent_port")
def _silent_port() -> Iterator[int]:
    """Give a port that accepts connections and never answers."""
    with silent_port() as port:
        yield port


def check_refusal(reply: Reply) -> None:
    """It is a problem document, in time."""
    assert reply.status == 503, reply
    assert reply.headers["content-type"] == "application/problem+json"
    assert reply.headers["retry-after"]
    document = reply.json
    assert {"type", "title", "status", "detail", "correlation_id"} <= document.keys()
    assert document["status"] == 503
    assert reply.seconds < REFUSAL_SECONDS_MAX


def check_unavailable(stage: Stage, task_id: str) -> None:
    """Without the database nothing can be read or kept, and the API says so."""
    http = Http(stage.port)
    check_refusal(http.post("/tasks", {"circuit": BELL_STATE}))
    check_refusal(http.get(f"/tasks/{task_id}"))
    health = http.get("/health")
    assert health.status == 503
    assert health.json["status"] == "unavailable"
    assert health.seconds < REFUSAL_SECONDS_MAX
    http.close()


def check_works_again(stage: Stage, earlier: str) -> None:
    """A new task completes, an earlier one is there, and health is what it was."""

    def is_healthy() -> bool:
        reply = stage.http.get("/health")
        return reply.status == 200 and reply.json["status"] == "healthy"

    wait_for(is_healthy, "the API to be healthy again")
    finished(stage.http, submit(stage.http))
    assert finished(stage.http, earlier)["status"] == "completed"


def check_queue_outage(stage: Stage, port: int) -> None:
    """An API whose queue is out of reach keeps nothing, and goes on reading."""
    earlier = submit(stage.http)
    finished(stage.http, earlier)
    before = stage.items()
    http = Http(port)
    reply = http.post("/tasks", {"circuit": BELL_STATE})
    check_refusal(reply)
    assert reply.json["kept"] == "no"
    assert stage.items() == before
    assert http.get(f"/tasks/{earlier}").json["status"] == "completed"
    health = http.get("/health")
    assert (health.status, health.json["status"]) == (200, "degraded")
    assert health.seconds < REFUSAL_SECONDS_MAX
    http.close()


def test_a_queue_that_refuses_connections(stage: Stage) -> None:
    """With the queue's endpoint closed: POST 503 and nothing kept, reads as ever."""
    stage.start()
    closed = f"http://127.0.0.1:{free_port()}"
    check_queue_outage(stage, stage.attach_api(AWS_ENDPOINT_URL_SQS=closed))
    stage.stop()


def test_a_queue_that_never_answers(stage: Stage, silent_port: int) -> None:
    """With a queue that accepts and says nothing: the same, and still within 3 s."""
    stage.start()
    silent = f"http://127.0.0.1:{silent_port}"
    check_queue_outage(stage, stage.attach_api(AWS_ENDPOINT_URL_SQS=silent))
    stage.stop()


def test_a_worker_waits_for_its_queue(stage: Stage) -> None:
    """A worker that cannot reach the queue says so, tries again ever later, and lives."""
    stage.start(workers=0)
    stage.attach_worker(AWS_ENDPOINT_URL_SQS=f"http://127.0.0.1:{free_port()}")
    pid = wait_for(lambda: _pid(stage, "worker-1"), "the worker to run")
    wait_for(lambda: _retries(stage) >= 3, "three retries in the log")
    assert stage.pid("worker-1") == pid
    assert stage.log("worker-1").count("queue unreachable") == 1
    stage.stop()


def _pid(stage: Stage, part: str) -> int | None:
    path = stage.data_dir / "run" / f"{part}.pid"
    return int(path.read_text()) if path.exists() else None


def _retries(stage: Stage) -> int:
    path = stage.data_dir / "log" / "worker-1.log"
    return path.read_text().count("receiving again in") if path.exists() else 0


def test_a_paused_backend(stage: Stage) -> None:
    """While the emulator is stopped: 503 within 3 s. When it goes on, so does everything."""
    stage.start()
    pids = {part: stage.pid(part) for part in PARTS}
    earlier = submit(stage.http)
    finished(stage.http, earlier)
    stage.signal("emulator", signal.SIGSTOP)
    check_unavailable(stage, earlier)
    stage.signal("emulator", signal.SIGCONT)
    check_works_again(stage, earlier)
    assert {part: stage.pid(part) for part in PARTS} == pids
    stage.stop()


def test_a_killed_backend(stage: Stage) -> None:
    """After a kill -9 of the emulator: 503 within 3 s, then it is started again and all is well.

    The supervisor is paused meanwhile, so that the outage lasts as long as the test looks.
    """
    stage.start()
    pids = {part: stage.pid(part) for part in PARTS}
    earlier = submit(stage.http)
    finished(stage.http, earlier)
    wait_for(lambda: _is_saved(stage, earlier), "the task to be on disk")
    supervisor = stage.signal("supervisor", signal.SIGSTOP)
    killed = stage.signal("emulator", signal.SIGKILL)
    check_unavailable(stage, earlier)
    os.kill(supervisor, signal.SIGCONT)
    check_works_again(stage, earlier)
    assert {part: stage.pid(part) for part in PARTS} == pids
    assert stage.pid("emulator") != killed
    assert "!!! DIED by signal 9" in stage.terminal()
    stage.stop()


def _is_saved(stage: Stage, task_id: str) -> bool:
    """Whether the completed task is on disk."""
    lines = saved_text(stage.data_dir / "emulator").splitlines()
    return any(task_id in line and '"completed"' in line for line in lines)
