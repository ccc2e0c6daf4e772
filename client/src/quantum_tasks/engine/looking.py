"""A task as it was last read, and reading it again."""

from __future__ import annotations

import dataclasses
from typing import Final

from quantum_tasks.engine import calls
from quantum_tasks.engine.answers import retry_after
from quantum_tasks.engine.effects import Program, Request, Response, now
from quantum_tasks.engine.retrying import RetryPolicy, exchange
from quantum_tasks.errors import BadAnswer, QuantumTasksError
from quantum_tasks.values import TaskData

_NOT_MODIFIED: Final = 304


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """A task as it was seen last, and what the next request for it needs."""

    data: TaskData
    etag: str | None = None
    #: The clock's time before which the service does not want to be asked again.
    ask_at: float | None = None


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Glance:
    """What one answer shows; `wait_seconds` is still relative to it."""

    #: None: unchanged.
    data: TaskData | None
    etag: str | None = None
    wait_seconds: float | None = None

    @classmethod
    def of(cls, response: Response) -> Glance:
        """Read an answer that holds a task, or says that it is unchanged."""
        unchanged = response.status == _NOT_MODIFIED
        return cls(
            data=None if unchanged else calls.read_task(response),
            etag=response.headers.get("etag"),
            wait_seconds=retry_after(response.headers),
        )


def see(glance: Glance, before: Seen | None = None) -> Program[Seen]:
    """Put an answer together with what was known; unchanged changes only when to ask again.

    Raises:
        BadAnswer: it says unchanged, and nothing was known.
    """
    ask_at = None
    if glance.wait_seconds is not None:
        ask_at = (yield from now()) + glance.wait_seconds
    if glance.data is not None:
        return Seen(data=glance.data, etag=glance.etag, ask_at=ask_at)
    if before is None or before.etag is None:
        message = "the answer says that the task is unchanged, though nothing was known of it"
        raise BadAnswer(message)
    return dataclasses.replace(before, ask_at=ask_at)


def look(
    task_id: str,
    *,
    policy: RetryPolicy,
    before: Seen | None = None,
    deadline: float | None = None,
) -> Program[Seen]:
    """Read a task, tersely if it was seen before."""
    request = calls.get_task(task_id, etag=None if before is None else before.etag)
    glance = yield from _exchange(task_id, request, policy=policy, deadline=deadline)
    return (yield from see(glance, before))


def cancel(task_id: str, *, policy: RetryPolicy) -> Program[Seen]:
    """Cancel a task. Cancelling twice is no error, so it may be repeated."""
    glance = yield from _exchange(task_id, calls.cancel_task(task_id), policy=policy)
    return (yield from see(glance))


def _exchange(
    task_id: str, request: Request, *, policy: RetryPolicy, deadline: float | None = None
) -> Program[Glance]:
    try:
        return (yield from exchange(request, read=Glance.of, policy=policy, deadline=deadline))
    except QuantumTasksError as exc:
        exc.task_id = exc.task_id or task_id
        raise
