"""What the explorer hears of a use case: why a delivery was ended, and errors that are bugs."""

from __future__ import annotations

from collections.abc import Iterable

from chalicelib.domain.message import Delivery, TaskMessage
from chalicelib.domain.task import Task
from chalicelib.domain.unreadable import TaskUnreadable
from chalicelib.errors import TaskServiceError
from tests.proof.explorer.values import ExplorerError


class ReasonsObserver:
    """Remembers the reasons (`Observer`)."""

    def __init__(self) -> None:
        #: Why deliveries were acknowledged or redelivered, in any run so far.
        self.reasons: set[str] = set()

    def transitioned(self, task: Task) -> None:
        """See `Observer`."""

    def replayed(self, task: Task) -> None:
        """See `Observer`."""

    def removed(self, task: Task) -> None:
        """See `Observer`."""

    def published(self, message: TaskMessage, *, message_id: str) -> None:
        """See `Observer`."""

    def consumed(self, delivery: Delivery) -> None:
        """See `Observer`."""

    def acknowledged(self, delivery: Delivery, *, reason: str) -> None:
        """See `Observer`."""
        self.reasons.add(f"done: {reason}")

    def redelivered(self, delivery: Delivery, *, reason: str, delay_seconds: int | None) -> None:
        """See `Observer`."""
        self.reasons.add(f"redelivered: {reason}")

    def unreadable(self, error: TaskUnreadable) -> None:
        """See `Observer`."""

    def unknown_task(self, delivery: Delivery) -> None:
        """See `Observer`."""

    def problem(self, operation: str, error: Exception, *, task_ids: Iterable[str] = ()) -> None:
        """See `Observer`. An error that is not the service's own is a bug."""
        if not isinstance(error, TaskServiceError):
            raise ExplorerError(f"unexpected while trying to {operation}: {error!r}") from error
