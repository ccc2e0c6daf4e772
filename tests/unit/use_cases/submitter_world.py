"""The faults that a submitter meets, and a world in which it has no task yet."""

from __future__ import annotations

from chalicelib.domain.task import Task
from chalicelib.errors import QueueUnavailable, StoreFull, StoreUnavailable
from chalicelib.ports import KeptCircuit, PutOutcome
from tests.support.faults import FailAfter, FailBefore
from tests.support.in_memory import InMemoryTaskStore
from tests.support.world import World

REFUSED = FailBefore(StoreUnavailable(in_doubt=False))
IN_DOUBT = FailBefore(StoreUnavailable(in_doubt=True))
REPLY_LOST = FailAfter(StoreUnavailable(in_doubt=True))
FULL = FailBefore(StoreFull())
SEND_REFUSED = FailBefore(QueueUnavailable(in_doubt=False))
SEND_REPLY_LOST = FailAfter(QueueUnavailable(in_doubt=True))


class AfterDoubtStore(InMemoryTaskStore):
    """Stores a task after an attempt that is left in doubt."""

    def create_if_absent(self, task: Task, kept: KeptCircuit | None = None) -> PutOutcome:
        """Store, and say that an earlier attempt may still arrive."""
        super().create_if_absent(task, kept)
        return PutOutcome.CREATED_AFTER_DOUBT


class DoubledStore(InMemoryTaskStore):
    """Applies the first attempt of a put, loses its reply, and refuses the SDK's second."""

    def create_if_absent(self, task: Task, kept: KeptCircuit | None = None) -> PutOutcome:
        """Store, and report what the repeated call saw."""
        super().create_if_absent(task, kept)
        return PutOutcome.EXISTED


def a_world(store: InMemoryTaskStore | None = None) -> World:
    """Return a world without a task."""
    return World(store=store, tasks=0)
