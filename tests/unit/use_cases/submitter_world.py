"""A submitter for the tests of submitting, what is around it, and the faults that it meets."""

from __future__ import annotations

import dataclasses
import itertools
from typing import Any

from chalicelib.domain.task import Task
from chalicelib.errors import QueueUnavailable, StoreFull, StoreUnavailable
from chalicelib.ports import KeptCircuit, PutOutcome
from chalicelib.use_cases.submit import Submission, SubmitTask
from tests.support.fakes import RecordingObserver
from tests.support.faults import FailAfter, FailBefore, Faulty
from tests.support.in_memory import FakeClock, InMemoryTaskQueue, InMemoryTaskStore, a_request

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


@dataclasses.dataclass
class World:
    """A submitter and what is around it."""

    store: InMemoryTaskStore = dataclasses.field(default_factory=InMemoryTaskStore)
    clock: FakeClock = dataclasses.field(default_factory=FakeClock)
    observer: RecordingObserver = dataclasses.field(default_factory=RecordingObserver)

    def __post_init__(self) -> None:
        self.queue = InMemoryTaskQueue(self.clock)
        self._ids = itertools.count(1)

    def submitter(self, **faults: Any) -> SubmitTask:  # noqa: ANN401 - faults by method
        """Return a submitter whose next call of each method named meets its fault."""
        in_queue = {"send": faults.pop("send")} if "send" in faults else {}
        return SubmitTask(
            store=Faulty(self.store, **faults),
            queue=Faulty(self.queue, **in_queue),
            clock=self.clock,
            observer=self.observer,
            sweep_grace_seconds=900,
            new_task_id=lambda: f"task-{next(self._ids)}",
        )


def a_submission(key: str | None = None, circuit: str = "x", owner: str = "local") -> Submission:
    """Return a submission."""
    return Submission(
        request=a_request(circuit), owner=owner, correlation_id="c", idempotency_key=key
    )
