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
from tests.acceptance.tasks import finished, read, statuses, submit_concurrently
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


def test_tasks_wait_for_workers_through_a_restart_and_stay_as_they_ended(stage: Stage) -> None:
    """With an empty home: the printed line and fifty more, a stop, workers, and a stop again."""
    stage.start(workers=0)
    printed = json.loads(pasted(stage))["task_id"]
    replies = submit_concurrently([stage.port], count=50, clients=4)
    assert [reply.status for reply in replies] == [202] * 50
    ids = [printed, *(reply.json["task_id"] for reply in replies)]
    assert {read(stage.http, task_id)["status"] for task_id in ids} == {"pending"}
    stage.stop()

    stage.start(workers=1)
    stage.attach_worker()
    for task_id in ids:
        ended = finished(stage.http, task_id)
        # On a busy machine the sweeper notes a task that has waited longer than its grace.
        assert [s for s in statuses(ended) if s != "pending"] == ["processing", "completed"]
        assert ended["attempt"] == 1
    wait_for(lambda: stage.messages() == 0, "the queue to be empty")
    assert stage.dead_letters() == 0
    task = read(stage.http, printed)
    times = [entry["transitioned_at"] for entry in task["status_history"]]
    assert times == sorted(times)
    for time in times:
        assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z", time)
    assert sum(task["result"]["counts"].values()) == task["shots"] == 1024
    assert all(len(bits) == 2 for bits in task["result"]["counts"])
    stage.stop()

    stage.start(workers=0)
    # The correlation id outside the task is the request's own.
    assert read(stage.http, printed) == task
    stage.stop()
