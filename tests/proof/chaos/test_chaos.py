"""A short run of what `make chaos` does for minutes."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from pathlib import Path
from typing import Final

import pytest

from tests.proof.chaos import report
from tests.proof.chaos.ledger import Answer
from tests.proof.chaos.plan import Target, make_plan
from tests.proof.chaos.run import Scale, run

TASKS: Final = 60
KILLS_MIN: Final = 5


@pytest.mark.acceptance
def test_nothing_is_lost_and_nothing_done_twice(
    tmp_path: Path, figures: Callable[[str], None]
) -> None:
    """Workers, sandboxes, APIs and sweeper are killed, the emulator is paused: all is kept."""
    scale = Scale(seed=1, seconds=8, tasks=TASKS, visibility_seconds=20)
    outcome = run(tmp_path / "data", scale)
    figures("chaos: " + "\n  ".join(report.lines(outcome)))
    assert outcome.violations == []
    assert outcome.done.kills.total() >= KILLS_MIN
    assert outcome.done.pauses[Target.EMULATOR] >= 1
    accepted = len(outcome.ledger.accepted())
    told = sum(1 for _ in outcome.ledger.with_answer(Answer.KEPT_UNKNOWN, Answer.KEPT_YES))
    assert accepted <= TASKS <= accepted + told


@pytest.mark.parametrize("minutes", [0.3, 5])
def test_a_plan_is_repeatable_and_hits_everything(minutes: float) -> None:
    """The same seed gives the same plan; each kind is killed, and pauses of one kind stay apart."""
    plan = make_plan(7, minutes * 60)
    assert plan == make_plan(7, minutes * 60)
    assert plan != make_plan(8, minutes * 60)
    kinds = {Target.WORKER, Target.SANDBOX, Target.CHILD, Target.API, Target.SWEEPER}
    assert {kill.target for kill in plan.kills} == kinds
    assert len(plan.kills) >= (20 if minutes == 5 else KILLS_MIN)
    for pauses in (
        *(plan.emulator_pauses, plan.worker_pauses),
        *(plan.child_pauses, plan.queue_outages),
    ):
        for pause, following in itertools.pairwise(pauses):
            assert pause.at_seconds + pause.seconds <= following.at_seconds
    assert all(1 <= pause.seconds <= 5 for pause in plan.emulator_pauses)
