"""Each clause of a condition, by itself: what holds, and what does not."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from msgspec import structs

from chalicelib.domain.task import Lease, TaskStatus
from chalicelib.domain.transition import Condition
from tests.support.in_memory import T0, a_task

LEASE = Lease(holder="w", expires_at=T0)
LATER = timedelta(microseconds=1)


@pytest.mark.parametrize(
    ("clause", "task", "holds"),
    [
        ({}, {}, True),
        ({"statuses": frozenset([TaskStatus.PENDING])}, {}, True),
        ({"statuses": frozenset([TaskStatus.FAILED])}, {}, False),
        ({"owner": "me"}, {"owner": "me"}, True),
        ({"owner": "me"}, {"owner": "bob"}, False),
        ({"attempt": 2}, {"attempt": 2}, True),
        ({"attempt": 2}, {"attempt": 3}, False),
        ({"attempt": 0}, {"attempt": 1}, False),
        ({"attempt_below": 2}, {"attempt": 1}, True),
        ({"attempt_below": 2}, {"attempt": 2}, False),
        ({"lease_holder": "w"}, {"lease": LEASE}, True),
        ({"lease_holder": "v"}, {"lease": LEASE}, False),
        ({"lease_holder": "w"}, {"lease": None}, False),
        ({"no_live_lease_at": T0}, {"lease": None}, True),
        ({"no_live_lease_at": T0}, {"lease": LEASE}, True),
        ({"no_live_lease_at": T0 - LATER}, {"lease": LEASE}, False),
        ({"sweeps": 1}, {"sweeps": 1}, True),
        ({"sweeps": 0}, {"sweeps": 1}, False),
        ({"schema_version_max": 2}, {"schema_version": 2}, True),
        ({"schema_version_max": 1}, {"schema_version": 2}, False),
        ({"schema_version_max": None}, {"schema_version": 9}, True),
    ],
)
def test_a_clause_holds_up_to_its_bound(
    clause: dict[str, Any],
    task: dict[str, Any],
    holds: bool,  # noqa: FBT001 - a case of the table
) -> None:
    """What is None asks for nothing."""
    condition = Condition(**{"statuses": frozenset(TaskStatus), **clause})
    assert condition.holds_for(structs.replace(a_task(), **task)) is holds
