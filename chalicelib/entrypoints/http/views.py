"""What clients are shown of tasks: from the domain's values to the schemas."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import msgspec

from chalicelib.domain.task import Task
from chalicelib.domain.usage import usage_of
from chalicelib.entrypoints.http.schemas import (
    HistoryView,
    ResultView,
    TaskAccepted,
    TaskSummary,
    TaskView,
    UsageView,
)
from chalicelib.use_cases.submit import Submitted


def timestamp(at: datetime) -> str:
    """Return a time as RFC 3339 in UTC with microseconds."""
    return at.astimezone(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")


def accepted(submitted: Submitted, correlation_id: str) -> TaskAccepted:
    """Return the answer to a submission."""
    task = submitted.task
    return TaskAccepted(
        task_id=task.task_id,
        status=task.status,
        submitted_at=timestamp(task.submitted_at),
        message="the task was accepted before" if submitted.replayed else "the task is accepted",
        correlation_id=correlation_id,
    )


def view_of(task: Task) -> TaskView:
    """Return the task as a client sees it."""
    return TaskView(
        **_common(task),
        circuit=task.request.circuit,
        result=None
        if task.result is None
        else msgspec.convert(task.result, ResultView, from_attributes=True),
        status_history=[
            HistoryView(
                status=entry.status,
                transitioned_at=timestamp(entry.transitioned_at),
                notes=entry.notes,
                attempt=entry.attempt,
            )
            for entry in task.history
        ],
    )


def summary_of(task: Task) -> TaskSummary:
    """Return the task as a list shows it."""
    return TaskSummary(**_common(task))


def _common(task: Task) -> dict[str, Any]:
    """Return what a task and its summary share."""
    return {
        "task_id": task.task_id,
        "status": task.status,
        "shots": task.request.shots,
        "tags": task.request.tags,
        "seed": task.request.seed,
        "submitted_at": timestamp(task.submitted_at),
        "started_at": _timestamp_or_none(task.started_at),
        "completed_at": _timestamp_or_none(task.completed_at),
        "attempt": task.attempt,
        "error_message": task.error_message,
        "usage": msgspec.convert(usage_of(task.history), UsageView, from_attributes=True),
        "correlation_id": task.correlation_id,
    }


def _timestamp_or_none(at: datetime | None) -> str | None:
    return None if at is None else timestamp(at)
