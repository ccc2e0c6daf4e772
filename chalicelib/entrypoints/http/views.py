"""What clients are shown of tasks: from the domain's values to the schemas."""

from __future__ import annotations

import functools
import zlib
from datetime import UTC, datetime
from typing import Any, TypeVar, get_args

import msgspec
from msgspec import structs

from chalicelib.domain.task import Task
from chalicelib.domain.usage import Usage, usage_of
from chalicelib.entrypoints.http.schemas import (
    HistoryView,
    MemberAccepted,
    TaskAccepted,
    TaskSummary,
    TaskView,
)
from chalicelib.use_cases.submit import Submitted

_Shown = TypeVar("_Shown", bound=TaskSummary)


def timestamp(at: datetime) -> str:
    """Return a time as RFC 3339 in UTC with microseconds."""
    return at.astimezone(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")


def accepted(submitted: Submitted, correlation_id: str) -> TaskAccepted:
    """Return the answer to a submission."""
    return TaskAccepted(**_accepted(submitted, correlation_id))


def accepted_member(submitted: Submitted, correlation_id: str) -> MemberAccepted:
    """Return the same for a member of a batch, which has no header to say that it is a replay."""
    return MemberAccepted(**_accepted(submitted, correlation_id), replayed=submitted.replayed)


def _accepted(submitted: Submitted, correlation_id: str) -> dict[str, Any]:
    task = submitted.task
    return {
        "task_id": task.task_id,
        "status": task.status,
        "submitted_at": timestamp(task.submitted_at),
        "message": f"the task {'was accepted before' if submitted.replayed else 'is accepted'}",
        "correlation_id": correlation_id,
    }


def shown(task: Task, kind: type[_Shown]) -> _Shown:
    """Return the task as one kind of view has it: `TaskView`, or `TaskSummary` for a list.

    Each field of the view is read from the attribute of that name, here, of the task, or of its
    request; msgspec holds it to the field's type. A new field of both needs no line here.
    """
    return msgspec.convert(_Source(task), kind, from_attributes=True)


class _Source:
    """A task with the attributes that a view has."""

    def __init__(self, task: Task) -> None:
        self._task = task
        self.submitted_at = timestamp(task.submitted_at)
        self.started_at = None if task.started_at is None else timestamp(task.started_at)
        self.completed_at = None if task.completed_at is None else timestamp(task.completed_at)

    @property
    def usage(self) -> Usage:
        return usage_of(self._task.history)

    @property
    def status_history(self) -> list[HistoryView]:
        return [
            HistoryView(
                status=entry.status,
                transitioned_at=timestamp(entry.transitioned_at),
                notes=entry.notes,
                attempt=entry.attempt,
            )
            for entry in self._task.history
        ]

    def __getattr__(self, name: str) -> object:
        """Return what the task has, or else what was asked for."""
        source = self._task if name in Task.__struct_fields__ else self._task.request
        return getattr(source, name)


def etag_of(task: Task) -> str:
    """Return a validator that changes with every transition, since each leaves an entry.

    It also changes with the view's fields: a client may hold the old view of a task that never
    changes again.
    """
    return f'"{representation_of(TaskView)}.{task.schema_version}.{len(task.history)}"'


@functools.cache
def representation_of(view: type[msgspec.Struct]) -> int:
    """Return a number of the names and types of all that a view shows."""
    return zlib.crc32(repr(_shape(view)).encode())


def _shape(kind: object) -> object:
    if isinstance(kind, type) and issubclass(kind, msgspec.Struct):
        return [(field.name, _shape(field.type)) for field in structs.fields(kind)]
    return [_shape(part) for part in get_args(kind)] or str(kind)
