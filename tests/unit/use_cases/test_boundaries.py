"""Decisions at their bound, to the second and to the attempt."""

from __future__ import annotations

from datetime import timedelta

import pytest

from chalicelib.domain.message import Acknowledge, Redeliver
from chalicelib.domain.task import Lease
from chalicelib.domain.unreadable import StoredTask
from chalicelib.use_cases.sweep import SweepReport
from tests.support.in_memory import T0
from tests.support.world import ATTEMPTS_MAX, GRACE, SWEEPS, World


@pytest.mark.parametrize(
    ("more", "report"),
    [(0.0, SweepReport(seen=1, resent=1)), (-0.01, SweepReport(more=True))],
)
def test_a_sweeper_begins_a_task_while_its_margin_is_left(more: float, report: SweepReport) -> None:
    """Exactly the margin is enough for one; with less the run ends, and says that it did."""
    world = World()
    world.clock.advance(GRACE)
    left = SWEEPS.margin_seconds + more
    assert world.sweep(seconds_left=lambda: left) == report


@pytest.mark.parametrize(
    ("attempt", "lease_seconds", "is_left_alone"),
    [
        (ATTEMPTS_MAX - 1, None, True),
        (ATTEMPTS_MAX, None, False),
        (ATTEMPTS_MAX, 1, True),
        (ATTEMPTS_MAX, -1, False),
        (None, None, True),
    ],
)
def test_an_unreadable_task_is_abandoned_after_its_last_attempt(
    attempt: int | None,
    lease_seconds: int | None,
    is_left_alone: bool,  # noqa: FBT001 - a case of the table
) -> None:
    """Not before, and not while its lease is live: that attempt may still end."""
    world = World()
    lease = None
    if lease_seconds is not None:
        lease = Lease(holder="w", expires_at=T0 + timedelta(seconds=lease_seconds))
    seen = StoredTask(
        task_id=world.task.task_id,
        reason="shots: 1.5 is not an integer",
        is_newer=False,
        owner="me",
        correlation_id="c",
        status="processing",
        attempt=attempt,
        lease=lease,
        submitted_at=T0,
        due_at=None,
        raw={},
    )
    disposition = world.worker()._leave_unreadable(seen, 8)  # noqa: SLF001 - a decision alone
    assert isinstance(disposition, (Acknowledge, Redeliver))
    left_alone = Redeliver("the task cannot be read", 8)
    assert (disposition == left_alone) is is_left_alone
