"""One line for each thing that the observer is told of, with its level, words and fields."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

import pytest

from chalicelib.adapters import telemetry
from chalicelib.adapters.telemetry import TelemetryObserver
from chalicelib.domain import lifecycle
from chalicelib.domain.message import Delivery, TaskMessage
from chalicelib.domain.task import Lease, Task
from chalicelib.domain.unreadable import StoredTask, TaskUnreadable
from chalicelib.errors import QueueUnavailable
from tests.support.in_memory import T0, a_result, a_task
from tests.support.logged import Lines
from tests.unit.domain.test_lifecycle import DECISIONS, LATER

OBSERVER = TelemetryObserver(stage="dev")
MESSAGE = TaskMessage(task_id="t", correlation_id="c", enqueued_at=T0)
DELIVERY = Delivery(message=MESSAGE, message_id="m", receipt_handle="r", receive_count=3)
ABOUT_DELIVERY = {"task_id": "t", "correlation_id": "c", "message_id": "m", "receive_count": 3}


def only(lines: Lines) -> dict[str, Any]:
    """Return the one line."""
    (line,) = lines()
    return line


def test_a_submission_that_was_replayed_or_withdrawn_is_told(lines: Lines) -> None:
    """The second as a warning: a client was answered 503."""
    task = a_task()
    OBSERVER.replayed(task)
    OBSERVER.removed(task)
    replayed, removed = lines()
    about = {
        "task_id": task.task_id,
        "correlation_id": task.correlation_id,
        "task_status": "pending",
    }
    assert (replayed["level"], replayed["message"]) == ("INFO", "submission replayed")
    assert (removed["level"], removed["message"]) == (
        "WARNING",
        "submission withdrawn: its message could not be sent",
    )
    for line in (replayed, removed):
        assert about.items() <= line.items()


def test_a_message_that_was_sent_has_its_id(lines: Lines) -> None:
    """And its task's."""
    OBSERVER.published(MESSAGE, message_id="m")
    line = only(lines)
    assert (line["level"], line["message"]) == ("INFO", "message published")
    assert (line["task_id"], line["correlation_id"], line["message_id"]) == ("t", "c", "m")


def test_a_delivery_is_consumed_and_acknowledged_for_a_reason(lines: Lines) -> None:
    """Which message it was, the first line says."""
    OBSERVER.consumed(DELIVERY)
    OBSERVER.acknowledged(DELIVERY, reason="done")
    consumed, acknowledged = lines()
    assert consumed["message"] == "message consumed"
    assert ABOUT_DELIVERY.items() <= consumed.items()
    assert (acknowledged["message"], acknowledged["reason"]) == ("message acknowledged", "done")
    assert acknowledged["receive_count"] == 3
    assert "message_id" not in acknowledged


def test_a_delivery_that_is_given_back_is_counted(lines: Lines) -> None:
    """With how long it is hidden; an alarm watches the number."""
    OBSERVER.redelivered(DELIVERY, reason="busy", delay_seconds=7)
    line = only(lines)
    assert (line["level"], line["message"]) == ("WARNING", "message redelivered")
    assert (line["reason"], line["delay_seconds"], line["redelivered"]) == ("busy", 7, 1)
    assert ABOUT_DELIVERY.items() <= line.items()
    (directive,) = line["_aws"]["CloudWatchMetrics"]
    assert directive["Metrics"] == [{"Name": "redelivered"}]
    assert directive["Dimensions"] == [["stage", "service"]]


def test_a_message_without_a_task_is_an_error(lines: Lines) -> None:
    """It is acknowledged, so this line is all that is left of it."""
    OBSERVER.unknown_task(DELIVERY)
    line = only(lines)
    assert (line["level"], line["message"]) == (
        "ERROR",
        "a message came for a task that does not exist",
    )
    assert ABOUT_DELIVERY.items() <= line.items()
    assert json.dumps(line)


def test_a_task_that_cannot_be_read_is_an_error_and_is_counted(
    lines: Lines, capsys: pytest.CaptureFixture[str]
) -> None:
    """It says why, and what can be told of the task; an alarm watches the number."""
    seen = StoredTask(
        task_id="t",
        reason="shots: 1.5 is not an integer",
        is_newer=True,
        correlation_id="c",
        status="lost",
        attempt=1.5,
    )
    OBSERVER.unreadable(TaskUnreadable(seen, applied=False))
    line = only(lines)
    assert (line["level"], line["message"]) == (
        "ERROR",
        "task cannot be read: shots: 1.5 is not an integer",
    )
    assert (line["task_id"], line["correlation_id"], line["task_status"]) == ("t", "c", "lost")
    assert (line["attempt"], line["newer_version"]) == (1.5, True)
    (metrics,) = [json.loads(each) for each in capsys.readouterr().out.splitlines()]
    assert (metrics["unreadable"], metrics["stage"]) == (1, "dev")
    (directive,) = metrics["_aws"]["CloudWatchMetrics"]
    assert directive["Metrics"] == [{"Name": "unreadable"}]
    assert directive["Namespace"] == "QuantumTasks"


@pytest.mark.parametrize(
    ("event", "words", "counted"),
    [
        ("claim", "claimed", {}),
        ("complete", "completed", {"completed", "queue_wait_ms", "execution_ms"}),
        ("fail", "failed", {"failed", "queue_wait_ms", "execution_ms"}),
        ("release", "released", {}),
        ("abandon", "abandoned", {"failed"}),
        ("cancel", "cancelled", {"cancelled"}),
        ("sweep", "swept", {"swept"}),
    ],
)
def test_each_transition_has_its_words_and_what_it_counts(
    lines: Lines, event: str, words: str, counted: set[str]
) -> None:
    """The names are those of the metrics, whose alarms and graphs know them."""
    claimed = lifecycle.after(a_task(), DECISIONS["claim"](a_task()))
    task = lifecycle.after(claimed, DECISIONS[event](claimed))
    OBSERVER.transitioned(task)
    line = only(lines)
    assert (line["level"], line["message"]) == ("INFO", f"task {words}")
    directives = line.get("_aws", {}).get("CloudWatchMetrics", [])
    named = {metric["Name"] for each in directives for metric in each["Metrics"]}
    assert named == set(counted)
    assert all(line[name] == 1 for name in named if not name.endswith("_ms"))
    assert (line["task_id"], line["correlation_id"]) == (task.task_id, task.correlation_id)
    assert (line["old_status"], line["new_status"]) == ("processing", task.status.value)
    assert line["transitioned_at"] == LATER.isoformat().replace("+00:00", "Z")
    assert line.get("notes") == task.history[-1].notes


def test_a_submission_has_no_status_before_and_no_attempt(lines: Lines) -> None:
    """It is counted."""
    OBSERVER.transitioned(a_task())
    line = only(lines)
    assert (line["message"], line["submitted"]) == ("task submitted", 1)
    assert (line["old_status"], line["new_status"]) == ("none", "pending")
    assert "attempt" not in line


@pytest.mark.parametrize("level", ["DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL"])
def test_a_metric_is_written_once_at_any_level(
    lines: Lines, capsys: pytest.CaptureFixture[str], level: str
) -> None:
    """In the line of what it counts, or on a line of its own where that line is left out."""
    before = telemetry.logger.log_level
    telemetry.logger.setLevel(level)
    try:
        OBSERVER.redelivered(DELIVERY, reason="busy", delay_seconds=7)
        OBSERVER.transitioned(a_task())
    finally:
        telemetry.logger.setLevel(before)
    printed = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    alone = [line for line in printed if "level" not in line]
    for name in ("redelivered", "submitted"):
        assert len([line for line in [*lines(), *alone] if name in line]) == 1


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
    OBSERVER.transitioned(task)
    (line,) = lines()
    assert (line["queue_wait_ms"], line["execution_ms"], line["completed"]) == (2_000, 500, 1)
    assert (line["old_status"], line["new_status"]) == ("processing", "completed")
    assert (line["attempt"], line["stage"]) == (2, "dev")


def test_a_problem_says_what_could_not_be_done_to_which_tasks_and_why(lines: Lines) -> None:
    """With the stack trace, as an error."""
    with pytest.raises(QueueUnavailable) as caught:
        raise QueueUnavailable(in_doubt=True)
    OBSERVER.problem("redeliver the message", caught.value, task_ids=["t-1"])
    text = str(caught.value)
    (line,) = lines()
    assert line["message"] == f"could not redeliver the message: {text}"
    assert (line["level"], line["operation"]) == ("ERROR", "redeliver the message")
    assert line["task_ids"] == ["t-1"]
    assert line["exception_name"] == "QueueUnavailable"
    assert "Traceback" in line["exception"]
