"""The main job: submit, process, find again after a restart."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys

import pytest

from infra.local.settings import ROOT
from infra.waiting import wait_for
from tests.acceptance.tasks import finished, read, statuses, submit, submit_concurrently
from tools.local_stage import Stage

pytestmark = pytest.mark.acceptance


def pasted(stage: Stage) -> str:
    """Run the printed command as a shell does, and return the answer's body."""
    line = next(line for line in stage.terminal().splitlines() if line.startswith("curl -s -i"))
    if shutil.which("curl") is None:  # what is tested is what the shell makes of the line
        line = f'curl() {{ "{sys.executable}" -m tests.support.curl "$@"; }}; {line}'
    shown = subprocess.run(
        ["sh", "-c", line],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
        env=stage.environment(),
    ).stdout
    assert " 202 " in shown.splitlines()[0], shown
    return shown.replace("\r", "").partition("\n\n")[2]


def test_the_printed_command_submits_a_circuit_that_completes(stage: Stage) -> None:
    """With an empty home: start, paste the printed line, read until completed."""
    stage.start()
    task = finished(stage.http, json.loads(pasted(stage))["task_id"])
    assert statuses(task) == ["pending", "processing", "completed"]
    times = [entry["transitioned_at"] for entry in task["status_history"]]
    assert times == sorted(times)
    for time in times:
        assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z", time)
    assert sum(task["result"]["counts"].values()) == task["shots"] == 1024
    assert all(len(bits) == 2 for bits in task["result"]["counts"])
    stage.stop()


def test_a_task_is_the_same_after_everything_was_stopped_and_started(stage: Stage) -> None:
    """What was stored before a stop reads the same, byte for byte, after the next start."""
    stage.start()
    task_id = submit(stage.http)
    finished(stage.http, task_id)
    before = stage.http.get(f"/tasks/{task_id}").json
    stage.stop()
    stage.start()
    after = stage.http.get(f"/tasks/{task_id}").json
    # The correlation id outside the task is the request's own.
    assert after == before
    stage.stop()


def test_tasks_wait_for_workers(stage: Stage) -> None:
    """Posted while no worker runs, tasks stay pending; workers that come complete them all."""
    stage.start(workers=0)
    replies = submit_concurrently([stage.port], count=50, clients=4)
    assert [reply.status for reply in replies] == [202] * 50
    ids = [reply.json["task_id"] for reply in replies]
    http = stage.http
    assert {read(http, task_id)["status"] for task_id in ids} == {"pending"}
    stage.attach_worker()
    stage.attach_worker()
    for task_id in ids:
        assert statuses(finished(http, task_id)) == ["pending", "processing", "completed"]
    wait_for(lambda: stage.messages() == 0, "the queue to be empty")
    assert stage.dead_letters() == 0
    stage.stop()


def test_unprocessed_messages_survive_a_restart(stage: Stage) -> None:
    """Messages that no worker has received are delivered after the next start."""
    stage.start(workers=0)
    ids = [submit(stage.http) for _ in range(5)]
    stage.stop()
    stage.start(workers=1)
    for task_id in ids:
        assert statuses(finished(stage.http, task_id)) == ["pending", "processing", "completed"]
    stage.stop()
