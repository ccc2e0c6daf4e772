"""The validator of a task's view: it changes when what a view shows does."""

from __future__ import annotations

import msgspec

from chalicelib.entrypoints.http.schemas import TaskSummary, TaskView, UsageView
from chalicelib.entrypoints.http.views import etag_of, representation_of
from tests.support.in_memory import a_task


def test_another_field_is_another_representation_wherever_it_is() -> None:
    """Also inside of a field; a client may hold the old view of a task that has ended."""
    more = msgspec.defstruct("TaskView", [("title", str)], bases=(TaskView,))
    usage = msgspec.defstruct("UsageView", [("cost", int)], bases=(UsageView,))
    inside = msgspec.defstruct("TaskView", [("usage", usage)], bases=(TaskView,))
    optional = msgspec.defstruct("TaskView", [("attempt", int | None)], bases=(TaskView,))
    kinds = (TaskView, TaskSummary, more, inside, optional)
    assert len({representation_of(kind) for kind in kinds}) == len(kinds)
    assert etag_of(a_task()) == f'"{representation_of(TaskView)}.1.1"'
