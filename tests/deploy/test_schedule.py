"""The sweeper's schedule."""

from __future__ import annotations

import pytest

from infra.waiting import wait_for
from tests.deploy.deployed_stage import DeployedStage

pytestmark = pytest.mark.emulator


def test_the_schedule_runs_the_sweeper(stage: DeployedStage) -> None:
    """More sweeps come to their end than the tests have asked for."""

    def swept_by_itself() -> bool:
        swept = [line for line in stage.log_lines("sweeper") if '"message":"swept"' in line]
        return len(swept) > len(stage.sweeps)

    assert wait_for(swept_by_itself, "scheduled sweep", seconds_max=75)
