"""A sweeper for the tests of sweeping, and what is around it."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

from chalicelib.domain import lifecycle
from chalicelib.domain.task import Lease, Task
from chalicelib.use_cases.sweep import SweepPolicy, SweepReport, SweepTasks
from tests.support.fakes import RecordingObserver
from tests.support.faults import FailBefore, Faulty
from tests.support.in_memory import FakeClock, InMemoryTaskQueue, InMemoryTaskStore, a_task

GRACE = 900.0
POLICY = SweepPolicy(
    grace_seconds=GRACE,
    interval_seconds_max=3600,
    age_seconds_max=432_000,
    tasks_max=10,
    margin_seconds=1,
)


class World:
    """A sweeper and what is around it, with one pending task."""

    def __init__(self) -> None:
        self.store = InMemoryTaskStore()
        self.clock = FakeClock()
        self.queue = InMemoryTaskQueue(self.clock)
        self.observer = RecordingObserver()
        self.task = a_task(sweep_grace_seconds=GRACE)
        self.store.create_if_absent(self.task)

    def current(self) -> Task:
        """Return the task as it is stored."""
        return self.store.tasks[self.task.task_id]

    def sweep(
        self,
        *,
        seconds_left: Callable[[], float] = lambda: 60,
        policy: SweepPolicy = POLICY,
        **faults: FailBefore,
    ) -> SweepReport:
        """Run the sweeper once."""
        return SweepTasks(
            store=self.store,
            queue=Faulty(self.queue, **faults),
            clock=self.clock,
            observer=self.observer,
            policy=policy,
        )(seconds_left=seconds_left)

    def claim(self, *, seconds: float) -> None:
        """Let a worker claim the task."""
        now = self.clock.now()
        lease = Lease(holder="w", expires_at=now + timedelta(seconds=seconds))
        self.store.apply(
            lifecycle.claim_if_available(self.task.task_id, lease=lease, now=now, attempts_max=5)
        )
