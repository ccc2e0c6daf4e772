"""Logs and metrics: JSON lines by Powertools' logger, metrics in the embedded metric format.

Both go to standard output, which is where Lambda takes them from; neither is a call. A metric of a
transition stands in the line of the transition.
"""

from __future__ import annotations

import contextlib
import logging
import sys
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final

from aws_lambda_powertools import Logger

from chalicelib.adapters.log_lines import (
    FUNCTION_REQUEST_ID,
    LineFormatter,
    metrics_document,
    metrics_line,
)
from chalicelib.domain.message import Delivery, TaskMessage
from chalicelib.domain.task import Task, TaskEvent, TaskStatus
from chalicelib.domain.unreadable import TaskUnreadable

SERVICE: Final = "quantum-tasks"
METRICS_NAMESPACE: Final = "QuantumTasks"

#: The one logger. Its level is set by the composition.
logger: Final = Logger(service=SERVICE, logger_formatter=LineFormatter(use_rfc3339=True, utc=True))

_COUNTED: Final = {
    TaskEvent.SUBMIT: "submitted",
    TaskEvent.COMPLETE: "completed",
    TaskEvent.FAIL: "failed",
    TaskEvent.ABANDON: "failed",
    TaskEvent.CANCEL: "cancelled",
    TaskEvent.SWEEP: "swept",
}


@contextlib.contextmanager
def log_context(**keys: str) -> Iterator[None]:
    """Put these keys on every log line of this thread until the end of the block."""
    logger.thread_safe_append_keys(**keys)
    try:
        yield
    finally:
        logger.thread_safe_remove_keys(keys)


def emit_metrics(*, stage: str, **values: float) -> None:
    """Write metrics as a line of their own."""
    # One write, so that lines of two threads never mix.
    sys.stdout.write(metrics_line(_metrics(stage, values)) + "\n")
    sys.stdout.flush()


def _metrics(stage: str, values: Mapping[str, float]) -> dict[str, Any]:
    return metrics_document(METRICS_NAMESPACE, {"stage": stage, "service": SERVICE}, values)


class TelemetryObserver:
    """Writes what it is told to the log, and counts it."""

    def __init__(self, *, stage: str) -> None:
        """Take the stage's name, a dimension of every metric."""
        self._stage = stage

    def transitioned(self, task: Task) -> None:
        """Log old and new status, and measure what this transition ends."""
        entry = task.history[-1]
        values = _measured(task)
        if values and logger.log_level > logging.INFO:
            emit_metrics(stage=self._stage, **values)
        logger.info(
            "task %s",
            _past_tense(entry.event),
            extra={
                **(_metrics(self._stage, values) if values else {}),
                "task_id": task.task_id,
                "correlation_id": task.correlation_id,
                "old_status": task.previous_status or "none",
                "new_status": task.status,
                "transitioned_at": entry.transitioned_at.isoformat().replace("+00:00", "Z"),
                "attempt": task.attempt or None,
                "notes": entry.notes,
            },
        )

    def replayed(self, task: Task) -> None:
        """Log that a key met its task again."""
        logger.info("submission replayed", extra=_about(task))

    def removed(self, task: Task) -> None:
        """Log that a task was withdrawn before any worker had it."""
        logger.warning("submission withdrawn: its message could not be sent", extra=_about(task))

    def published(self, message: TaskMessage, *, message_id: str) -> None:
        """Log a sent message."""
        logger.info(
            "message published",
            extra={
                "task_id": message.task_id,
                "correlation_id": message.correlation_id,
                "message_id": message_id,
            },
        )

    def consumed(self, delivery: Delivery) -> None:
        """Log a delivery that is taken up, and by which invocation."""
        invocation = logger.thread_safe_get_current_keys().get(FUNCTION_REQUEST_ID)
        about = {**_of_delivery(delivery), FUNCTION_REQUEST_ID: invocation}
        logger.info("message consumed", extra=about)

    def acknowledged(self, delivery: Delivery, *, reason: str) -> None:
        """Log a delivery that is done with. Which message it was, its consumption says."""
        about = _of_delivery(delivery)
        del about["message_id"]
        logger.info("message acknowledged", extra={**about, "reason": reason})

    def redelivered(self, delivery: Delivery, *, reason: str, delay_seconds: int | None) -> None:
        """Log a delivery that failed and will come back, and count it.

        Where the mapping takes failures one by one, Lambda counts no error: an alarm watches this.
        """
        values = {"redelivered": 1.0}
        if logger.log_level > logging.WARNING:
            emit_metrics(stage=self._stage, **values)
        logger.warning(
            "message redelivered",
            extra={
                **_metrics(self._stage, values),
                **_of_delivery(delivery),
                "reason": reason,
                "delay_seconds": delay_seconds,
            },
        )

    def unreadable(self, error: TaskUnreadable) -> None:
        """Log what cannot be read and why, and count it: an alarm watches the number."""
        stored = error.stored
        logger.error(
            "task cannot be read: %s",
            stored.reason,
            extra={
                "task_id": stored.task_id,
                "correlation_id": stored.correlation_id,
                "task_status": stored.status,
                "attempt": stored.attempt,
                "newer_version": stored.is_newer,
            },
        )
        emit_metrics(stage=self._stage, unreadable=1)

    def unknown_task(self, delivery: Delivery) -> None:
        """Log that there is a message and no task: it will be acknowledged."""
        logger.error("a message came for a task that does not exist", extra=_of_delivery(delivery))

    def problem(self, operation: str, error: Exception, *, task_ids: Iterable[str] = ()) -> None:
        """Log what went wrong, with its stack trace."""
        logger.error(
            "could not %s: %s",
            operation,
            error,
            extra={"operation": operation, "task_ids": list(task_ids)},
            exc_info=error,
        )


def _measured(task: Task) -> dict[str, float]:
    """Return what the last transition counts, and the times that it ends."""
    event = task.history[-1].event
    values: dict[str, float] = {}
    if event in _COUNTED:
        values[_COUNTED[event]] = 1
    if event in (TaskEvent.COMPLETE, TaskEvent.FAIL):
        # With the task's end, so that it takes no document of its own: that is 200 bytes.
        waited = (task.started_at or task.submitted_at) - task.submitted_at
        values["queue_wait_ms"] = waited.total_seconds() * 1000
        values["execution_ms"] = _milliseconds(task, TaskEvent.CLAIM)
    return values


def _past_tense(event: TaskEvent) -> str:
    irregular = {
        TaskEvent.SUBMIT: "submitted",
        TaskEvent.ABANDON: "abandoned",
        TaskEvent.SWEEP: "swept",
        TaskEvent.CANCEL: "cancelled",
    }
    return irregular.get(event) or f"{event.removesuffix('e')}ed"


def _about(task: Task) -> dict[str, str | TaskStatus]:
    return {
        "task_id": task.task_id,
        "correlation_id": task.correlation_id,
        "task_status": task.status,
    }


def _of_delivery(delivery: Delivery) -> dict[str, str | int]:
    return {
        "task_id": delivery.message.task_id,
        "correlation_id": delivery.message.correlation_id,
        "message_id": delivery.message_id,
        "receive_count": delivery.receive_count,
    }


def _milliseconds(task: Task, since: TaskEvent) -> float:
    """Return the time from the last such event to the task's last entry."""
    begun = next(e.transitioned_at for e in reversed(task.history[:-1]) if e.event is since)
    return (task.history[-1].transitioned_at - begun).total_seconds() * 1000
