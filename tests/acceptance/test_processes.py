"""The processes as such: they are found by their ids, started again, and stopped in order."""

from __future__ import annotations

import signal
import socket

import pytest

from infra.local.supervisor.pid_files import is_our_process, living_processes
from infra.waiting import wait_for
from tests.acceptance.tasks import finished, read, statuses, submit, submit_concurrently
from tools.local_stage import Stage

pytestmark = pytest.mark.acceptance


def restarted(stage: Stage, process: str, killed: int) -> int:
    """Wait until a process runs again, and return its new process id."""

    def look() -> int:
        pid = living_processes(stage.data_dir).get(process, killed)
        return pid if pid != killed else 0

    return wait_for(look, f"{process} to run again")


def test_what_dies_is_started_again_and_nothing_is_lost(stage: Stage, other_stage: Stage) -> None:
    """A kill -9 of API and worker: said loudly, started again, every accepted task completes.

    A second run, a taken port and a reset are refused with one clear line each, and harm nothing.
    A stage that is given this one's endpoint starts no emulator of its own, and shares its tasks.
    """
    stage.start(workers=1)
    replies = submit_concurrently([stage.port], count=30, clients=2)
    killed = {process: stage.signal(process, signal.SIGKILL) for process in ("worker-1", "api")}
    for process, pid in killed.items():
        restarted(stage, process, pid)
        assert f"{process:<10} | !!! DIED by signal 9" in stage.terminal()
    wait_for(lambda: _answers(stage), "the API to answer")
    for command, variables, message in (
        ("run", {}, "error: already running with DATA_DIR="),
        ("api", {}, f"error: port {stage.port} is taken"),
        ("reset", {"YES": "1"}, "error: it runs; stop it first: make stop"),
        ("run", {"PORT": "none"}, "error: PORT must be an integer"),
    ):
        assert stage.command(command, **variables).wait(60) == 1
        assert message in stage.terminal()
    assert "Traceback" not in stage.terminal()
    stage.forget_ended()
    other_stage.start(workers=0, AWS_ENDPOINT_URL=stage.endpoint_url)
    assert living_processes(other_stage.data_dir).keys() == {"api", "sweeper"}
    for reply in replies:
        assert statuses(finished(other_stage.http, reply.json["task_id"]))[-1] == "completed"
    other_stage.stop()
    stage.stop()


def _answers(stage: Stage) -> bool:
    try:
        return stage.http.get("/health").status == 200
    except OSError:
        return False


def test_after_the_supervisor_was_killed_all_is_found_by_the_pid_files(stage: Stage) -> None:
    """What it left is stopped by the next start, and by a stop; the data is there until a reset."""
    stage.start(workers=1)
    task_id = submit(stage.http)
    finished(stage.http, task_id)
    left = living_processes(stage.data_dir)
    assert left.keys() == {"api", "worker-1", "sweeper", "emulator"}
    stage.crash_supervisor()
    stage.start(workers=1)
    assert not any(is_our_process(pid, name, stage.data_dir) for name, pid in left.items())
    again = living_processes(stage.data_dir)
    assert again.keys() == left.keys()
    stage.crash_supervisor()
    assert stage.command("stop").wait(60) == 0
    assert not any(is_our_process(pid, name, stage.data_dir) for name, pid in again.items())
    assert list((stage.data_dir / "run").glob("*.pid")) == []
    assert stage.command("reset").wait(60) == 1
    assert "nothing deleted" in stage.terminal()
    stage.forget_ended()
    stage.start(workers=0)
    assert read(stage.http, task_id)["status"] == "completed"
    stage.stop()
    assert stage.command("reset", YES="1").wait(60) == 0
    stage.forget_ended()
    stage.start(workers=0)
    assert stage.http.get(f"/tasks/{task_id}").status == 404
    stage.stop()


def test_a_port_that_another_process_has(stage: Stage) -> None:
    """It is named, and nothing is started."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = str(taken.getsockname()[1])
        assert stage.command("run", PORT=port).wait(60) == 1
        assert f"error: port {port} is taken" in stage.terminal()
        assert stage.command("run", EMULATOR_PORT=port).wait(60) == 1
        assert f"error: port {port} is taken (EMULATOR_PORT)" in stage.terminal()
    assert living_processes(stage.data_dir) == {}


def test_attaching_to_nothing_is_refused(stage: Stage) -> None:
    """It says how to start one."""
    for command in ("api", "worker"):
        assert stage.command(command).wait(60) == 1
    assert stage.terminal().count("start it with: make run") == 2
    assert stage.command("stop").wait(60) == 0
    assert "nothing runs" in stage.terminal()
