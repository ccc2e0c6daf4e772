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
PARTS = ("api", "worker-1")


@pytest.fixture(scope="module")
def stage(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    """Run a stage with one worker, which comes through all of this."""
    stage = Stage(tmp_path_factory.mktemp("outages") / "data")
    try:
        yield stage.start(workers=1)
    finally:
        stage.close()


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


def test_a_queue_that_refuses_connections_or_never_answers(stage: Stage) -> None:
    """POST 503 within 3 s and nothing kept, reads as ever."""
    earlier = submit(stage.http)
    finished(stage.http, earlier)
    before = stage.items()
    with silent_port() as silent:
        for port in (free_port(), silent):
            http = Http(stage.attach_api(AWS_ENDPOINT_URL_SQS=f"http://127.0.0.1:{port}"))
            reply = http.post("/tasks", {"circuit": BELL_STATE})
            check_refusal(reply)
            assert reply.json["kept"] == "no"
            assert http.get(f"/tasks/{earlier}").json["status"] == "completed"
            health = http.get("/health")
            assert (health.status, health.json["status"]) == (200, "degraded")
            assert health.seconds < REFUSAL_SECONDS_MAX
            http.close()
    assert stage.items() == before


def test_a_worker_waits_for_its_queue(stage: Stage) -> None:
    """A worker that cannot reach the queue says so, tries again ever later, and lives."""
    stage.attach_worker(AWS_ENDPOINT_URL_SQS=f"http://127.0.0.1:{free_port()}")
    pid = wait_for(lambda: _pid(stage, "worker-2"), "the worker to run")
    wait_for(lambda: _retries(stage, "worker-2") >= 3, "three retries in the log")
    assert stage.pid("worker-2") == pid
    assert stage.log("worker-2").count("queue unreachable") == 1


def _pid(stage: Stage, part: str) -> int | None:
    path = stage.data_dir / "run" / f"{part}.pid"
    written = path.read_text() if path.exists() else ""  # the name is taken before it is written
    return int(written) if written else None


def _retries(stage: Stage, part: str) -> int:
    path = stage.data_dir / "log" / f"{part}.log"
    return path.read_text().count("receiving again in") if path.exists() else 0


def test_a_backend_that_is_paused_and_then_killed(stage: Stage) -> None:
    """503 within 3 s while it is away; when it is there again, so is everything.

    The supervisor is paused too where it would start the killed one again: the outage lasts as long
    as the test looks.
    """
    pids = {part: stage.pid(part) for part in PARTS}
    earlier = submit(stage.http)
    finished(stage.http, earlier)
    wait_for(lambda: _is_saved(stage, earlier), "the task to be on disk")
    stage.signal("emulator", signal.SIGSTOP)
    check_unavailable(stage, earlier)
    stage.signal("emulator", signal.SIGCONT)
    check_works_again(stage, earlier)
    supervisor = stage.signal("supervisor", signal.SIGSTOP)
    killed = stage.signal("emulator", signal.SIGKILL)
    check_unavailable(stage, earlier)
    os.kill(supervisor, signal.SIGCONT)
    check_works_again(stage, earlier)
    assert {part: stage.pid(part) for part in PARTS} == pids
    assert stage.pid("emulator") != killed
    assert "!!! DIED by signal 9" in stage.terminal()


def _is_saved(stage: Stage, task_id: str) -> bool:
    """Whether the completed task is on disk."""
    lines = saved_text(stage.data_dir / "emulator").splitlines()
    return any(task_id in line and '"completed"' in line for line in lines)
