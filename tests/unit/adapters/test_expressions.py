"""Conditions in DynamoDB's language."""

from __future__ import annotations

from typing import Any

import pytest

from chalicelib.adapters.dynamodb.expressions import clauses_for_unreadable
from chalicelib.domain.task import TaskStatus
from chalicelib.domain.transition import Condition
from tests.support.in_memory import T0

STORED = "2026-01-01T12:00:00.000001+0000"
COMPARED = f"(attribute_not_exists (lease_expires_at) OR lease_expires_at <= {{'S': '{STORED}'}})"


@pytest.mark.parametrize(
    ("lease", "clause"),
    [
        (None, COMPARED),
        ({"S": "2027-01-01T12:00:00.000001+0000"}, COMPARED),
        ({"S": "soon"}, "lease_expires_at = {'S': 'soon'}"),
        ({"N": "7"}, "lease_expires_at = {'N': '7'}"),
    ],
)
def test_a_lease_of_an_unreadable_item_is_compared_as_a_time_or_else_pinned(
    lease: dict[str, str] | None, clause: str
) -> None:
    """A text that is no time compares as text, so it is held to what was seen."""
    raw: dict[str, Any] = {"status": {"S": "processing"}}
    if lease is not None:
        raw["lease_expires_at"] = lease
    condition = Condition(statuses=frozenset(TaskStatus), no_live_lease_at=T0)
    assert clause in repr(clauses_for_unreadable(condition, raw))
    without = Condition(statuses=frozenset(TaskStatus))
    assert "lease_expires_at" not in repr(clauses_for_unreadable(without, raw))


def test_what_was_seen_is_pinned_and_the_owner_is_asked_for() -> None:
    """Status, attempt and due time as they lie there, or missing as they were."""
    raw: dict[str, Any] = {"status": {"S": "processing"}, "attempt": {"S": "x"}}
    said = repr(clauses_for_unreadable(Condition(statuses=frozenset(TaskStatus), owner="me"), raw))
    for clause in (
        "attribute_exists (task_id)",
        "status = {'S': 'processing'}",
        "attempt = {'S': 'x'}",
        "attribute_not_exists (due_at)",
        "owner = {'S': 'me'}",
    ):
        assert clause in said
