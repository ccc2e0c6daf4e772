"""What the log says of a task, to the unit."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

import pytest

from chalicelib.adapters.telemetry import TelemetryObserver
from chalicelib.domain import lifecycle
from chalicelib.domain.task import Lease, Task
from chalicelib.errors import QueueUnavailable
from tests.support.in_memory import T0, a_result, a_task
from tests.support.logged import Lines, logged_lines


@pytest.fixture
def lines() -> Iterator[Lines]:
    """Return a function that gives every line logged so far, parsed."""
    with logged_lines() as logged:
        yield logged


def _claimed(task: Task, at: float) -> Task:
    now = T0 + timedelta(seconds=at)
    lease = Lease(holder="w", expires_at=now + timedelta(seconds=1))
    claim = lifecycle.claim_if_available(task.task_id, lease=lease, now=now, attempts_max=5)
    return lifecycle.after(task, claim)


def _completed(task: Task, at: float) -> Task:
    now = T0 + timedelta(seconds=at)
    return lifecycle.after(
        task,
        lifecycle.complete_if_current_attempt(
            task.task_id, attempt=task.attempt, result=a_result(), now=now
        ),
    )


def test_a_task_waited_until_its_first_attempt_and_executed_in_its_last(lines: Lines) -> None:
    """Both in milliseconds: 2 s in the queue; a second attempt that took half a second."""
    task = _completed(_claimed(_claimed(a_task(), 2), 60), 60.5)
    TelemetryObserver(stage="dev").transitioned(task)
    (line,) = lines()
    assert (line["queue_wait_ms"], line["execution_ms"], line["completed"]) == (2_000, 500, 1)
    assert (line["old_status"], line["new_status"]) == ("processing", "completed")
    assert (line["attempt"], line["stage"]) == (2, "dev")


def test_a_problem_says_what_could_not_be_done_to_which_tasks_and_why(lines: Lines) -> None:
    """With the stack trace, as an error."""
    with pytest.raises(QueueUnavailable) as caught:
        raise QueueUnavailable(in_doubt=True)
    TelemetryObserver(stage="dev").problem("redeliver the message", caught.value, task_ids=["t-1"])
    text = str(caught.value)
    (line,) = lines()
    assert line["message"] == f"could not redeliver the message: {text}"
    assert (line["level"], line["operation"]) == ("ERROR", "redeliver the message")
    assert line["task_ids"] == ["t-1"]
    assert line["exception_name"] == "QueueUnavailable"
    assert "Traceback" in line["exception"]
