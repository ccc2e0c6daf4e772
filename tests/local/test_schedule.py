"""The schedule: the function is invoked again and again, one run at a time."""

from __future__ import annotations

import os
import subprocess
import sys

from infra.local.settings import ROOT
from infra.waiting import wait_for
from tests.local.conftest import FAKE_APP, Record
from tests.support.processes import is_running, started


def test_the_sweeper_runs_on_its_schedule_until_stopped(record: Record) -> None:
    """With EventBridge's event, in a warm sandbox that goes with it."""
    with started(
        *(sys.executable, "-m", "infra.local.stand_ins.schedule", "sweeper", "/nowhere"),
        cwd=ROOT,
        env=os.environ
        | {"SWEEPER_HANDLER": f"{FAKE_APP}.sweeper", "SWEEP_INTERVAL_SECONDS": "0.05"},
        stdin=subprocess.DEVNULL,
    ) as process:
        wait_for(lambda: len(record.lines()) >= 3, "three runs")
        process.terminate()
        assert process.wait(30) == 0
    lines = record.lines()
    assert {line["event"]["detail-type"] for line in lines} == {"Scheduled Event"}
    assert len({line["event"]["id"] for line in lines}) == len(lines)
    [sandbox] = {line["pid"] for line in lines}
    wait_for(lambda: not is_running(sandbox), "the sandbox to end")
