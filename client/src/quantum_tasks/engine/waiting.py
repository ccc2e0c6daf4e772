"""Waiting for a task's end: exactly as often as the service asks for, and never without end."""

from __future__ import annotations

from typing import Final

from quantum_tasks.engine.effects import Emit, Program, Sleep, now
from quantum_tasks.engine.looking import Seen, look
from quantum_tasks.engine.retrying import OutOfTime, RetryPolicy
from quantum_tasks.errors import BadAnswer, TaskCancelled, TaskFailed, UnknownStatus, WaitTimeout
from quantum_tasks.result import Result
from quantum_tasks.values import GOING_ON, TaskData

#: Where the service does not say when to ask again: 1 s, doubling to a minute.
UNASKED_SECONDS: Final = 1.0
UNASKED_SECONDS_MAX: Final = 60.0


def wait(seen: Seen, *, timeout: float | None, policy: RetryPolicy) -> Program[Seen]:
    """Wait until a task has ended. Each change on the way is emitted, the last one too.

    Raises:
        WaitTimeout: the time is over; the task goes on.
        UnknownStatus: the service is newer than this client.
    """
    deadline = None if timeout is None else (yield from now()) + timeout
    unasked = UNASKED_SECONDS
    try:
        while not ended(seen.data):
            at = yield from now()
            ask_at = at + unasked if seen.ask_at is None else max(at, seen.ask_at)
            unasked = min(UNASKED_SECONDS_MAX, unasked * 2) if seen.ask_at is None else unasked
            yield from sleep_until(ask_at, deadline=deadline, data=seen.data)
            before = seen
            seen = yield from _look_in_time(before, deadline=deadline, policy=policy)
            if seen.data != before.data:
                yield Emit(seen)
    except BaseException as interruption:
        if not isinstance(interruption, Exception):
            interruption.add_note(f"The task goes on: {seen.data.id}")
        raise
    return seen


def ended(data: TaskData) -> bool:
    """Tell whether a task has ended.

    Raises:
        UnknownStatus: the client cannot tell.
    """
    if not data.ended and data.status not in GOING_ON:
        message = f"the task has the status {data.status!r}, which this client does not know"
        raise UnknownStatus(message, task=data)
    return data.ended


def result_of(data: TaskData) -> Result:
    """Return the result of a task that has ended.

    Raises:
        TaskFailed: it has none, since it failed; the message says why.
        TaskCancelled: it has none, since it was cancelled.
    """
    if data.status == "failed":
        message = f"the task failed: {data.error_message or 'the service gives no reason'}"
        raise TaskFailed(message, task=data)
    if data.status == "cancelled":
        message = "the task was cancelled"
        raise TaskCancelled(message, task=data)
    if data.result is None:
        message = f"the task is {data.status}, but the answer has no result"
        error = BadAnswer(message)
        error.task_id = data.id
        raise error
    return data.result


def sleep_until(at: float, *, deadline: float | None, data: TaskData) -> Program[None]:
    """Sleep until a time, or until the deadline if it comes first: asking then is too soon.

    Raises:
        WaitTimeout: the deadline came first.
    """
    end = at if deadline is None else min(at, deadline)
    yield Sleep(max(0.0, end - (yield from now())))
    if deadline is not None and at > deadline:
        raise _timeout(data)


def _look_in_time(seen: Seen, *, deadline: float | None, policy: RetryPolicy) -> Program[Seen]:
    try:
        return (yield from look(seen.data.id, policy=policy, before=seen, deadline=deadline))
    except OutOfTime as exc:
        if deadline is not None:
            yield Sleep(max(0.0, deadline - (yield from now())))
        raise _timeout(seen.data) from exc.__cause__


def _timeout(data: TaskData) -> WaitTimeout:
    message = f"the task is still {data.status}; the wait for it ran out of time"
    return WaitTimeout(message, task=data)
