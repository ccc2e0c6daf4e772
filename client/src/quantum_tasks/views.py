"""What a task shows, whichever client it comes from."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from quantum_tasks.engine.looking import Seen
from quantum_tasks.values import HistoryEntry, TaskData, Usage


class TaskView:
    """A task as it was seen last; nothing here asks the service."""

    def __init__(self, seen: Seen) -> None:
        #: What the engine needs for the next request.
        self.seen = seen

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.id} {self.status}>"

    @property
    def data(self) -> TaskData:
        """All that is known, as a value."""
        return self.seen.data

    @property
    def id(self) -> str:
        """The id by which the service knows the task."""
        return self.data.id

    @property
    def status(self) -> str:
        """`pending`, `processing`, `completed`, `failed` or `cancelled`; newer ones may come."""
        return self.data.status

    @property
    def ended(self) -> bool:
        """Whether the task has ended, in whichever way."""
        return self.data.ended

    @property
    def history(self) -> tuple[HistoryEntry, ...]:
        """All transitions, the first one first; empty until the whole task was read."""
        return self.data.history

    @property
    def usage(self) -> Usage:
        """What the task took so far."""
        return self.data.usage

    @property
    def correlation_id(self) -> str | None:
        """What names the submission in the service's log."""
        return self.data.correlation_id

    @property
    def circuit(self) -> str | None:
        """The circuit's text; None until the whole task was read."""
        return self.data.circuit

    @property
    def shots(self) -> int | None:
        """How often the circuit is executed; None until the whole task was read."""
        return self.data.shots

    @property
    def tags(self) -> Mapping[str, str]:
        """The tags given at submission."""
        return self.data.tags

    @property
    def submitted_at(self) -> datetime | None:
        """When the service took the task."""
        return self.data.submitted_at

    @property
    def error_message(self) -> str | None:
        """Why the task failed."""
        return self.data.error_message

    @property
    def replayed(self) -> bool:
        """Whether the submission found a task that was there before."""
        return self.data.replayed

    @property
    def document(self) -> Mapping[str, Any]:
        """The service's own JSON document."""
        return self.data.document
