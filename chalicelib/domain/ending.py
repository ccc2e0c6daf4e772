"""How an attempt ends: the write that records it, and what becomes of its delivery."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final

import msgspec

from chalicelib.domain import lifecycle
from chalicelib.domain.message import Acknowledge, Disposition, Redeliver
from chalicelib.domain.task import Task
from chalicelib.domain.transition import Transition

#: An error message stands in the item twice; it must not make transitions costly.
_ERROR_MESSAGE_CHARACTERS_MAX: Final = 1_000


class Ending(msgspec.Struct, frozen=True):
    """How an attempt is to end: the write, and what becomes of the delivery once it is applied."""

    transition: Transition
    disposition: Disposition


def failure(task_id: str, attempt: float, error_message: str, now: datetime) -> Ending:
    """Return the end of an attempt that has failed for good."""
    fail = lifecycle.fail_if_current_attempt(
        task_id,
        attempt=attempt,
        error_message=error_message[:_ERROR_MESSAGE_CHARACTERS_MAX],
        now=now,
    )
    return Ending(fail, acknowledged(fail))


def release(task: Task, token: str, reason: str, *, delay_seconds: int, now: datetime) -> Ending:
    """Return the end of an attempt that another is to follow."""
    due = (now + timedelta(seconds=delay_seconds)).isoformat(timespec="seconds")
    give_back = lifecycle.release_if_current_attempt(
        task.task_id,
        attempt=task.attempt,
        token=token,
        notes=f"{reason[:_ERROR_MESSAGE_CHARACTERS_MAX]}; next attempt due at {due}",
        now=now,
    )
    return Ending(give_back, Redeliver(reason, delay_seconds))


def abandonment(task: Task, now: datetime) -> Ending:
    """Return the end of a task whose last attempt never finished."""
    error_message = f"{task.attempt} attempts, the last one never finished"
    abandon = lifecycle.abandon_if_unchanged(task, error_message=error_message, now=now)
    return Ending(abandon, acknowledged(abandon))


def acknowledged(transition: Transition) -> Acknowledge:
    """Return what becomes of a delivery whose task this transition ends."""
    return Acknowledge(f"the task is {transition.status}")
