"""What submits, executes and sweeps, on ports in memory."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from datetime import timedelta
from typing import Any

from msgspec import structs

from chalicelib import composition
from chalicelib.composition import Service
from chalicelib.domain import lifecycle
from chalicelib.domain.message import Acknowledge, Delivery, Redeliver, TaskMessage
from chalicelib.domain.retry_policy import Backoff
from chalicelib.domain.task import Lease, Task
from chalicelib.settings import Settings
from chalicelib.use_cases.execute import ExecuteTask, ExecutionPolicy
from chalicelib.use_cases.submit import Submission, SubmitTask
from chalicelib.use_cases.sweep import SweepPolicy, SweepReport, SweepTasks
from tests.support.corrupting import Corrupt, make_corrupt
from tests.support.fakes import RecordingObserver, ScriptedExecutor, ports_in_memory
from tests.support.faults import Faulty
from tests.support.in_memory import (
    T0,
    FakeClock,
    InMemoryTaskQueue,
    InMemoryTaskStore,
    a_request,
    a_task,
)

ATTEMPTS_MAX = 3
SECONDS_LEFT = 10.0
MARGIN = 2.0
GRACE = 900.0
SWEEPS = SweepPolicy(
    grace_seconds=GRACE,
    interval_seconds_max=3600,
    age_seconds_max=432_000,
    tasks_max=10,
    margin_seconds=1,
)
EXECUTIONS = ExecutionPolicy(
    attempts_max=ATTEMPTS_MAX,
    execution_seconds_max=5,
    margin_seconds=MARGIN,
    backoff=Backoff(base_seconds=8, seconds_max=100, random=lambda: 0.5),
    outage_backoff=Backoff(base_seconds=8, seconds_max=1_000, random=lambda: 0.5, growth=4),
)


class World:
    """One pending task whose message is lost, and all that may happen to it."""

    def __init__(
        self,
        *outcomes: Any,  # noqa: ANN401 - results or errors
        store: InMemoryTaskStore | None = None,
        tasks: int = 1,
    ) -> None:
        self.store = store or InMemoryTaskStore()
        self.clock = FakeClock()
        self.queue = InMemoryTaskQueue(self.clock)
        self.observer = RecordingObserver()
        self.executor = ScriptedExecutor(*outcomes)
        self.task = a_task(sweep_grace_seconds=GRACE)
        for number in range(1, tasks + 1):
            self.store.create_if_absent(
                a_task(f"00000000-0000-4000-8000-{number:012}", sweep_grace_seconds=GRACE)
            )
        self._numbers = itertools.count(1)

    def current(self) -> Task:
        """Return the task as it is stored."""
        return self.store.tasks[self.task.task_id]

    def move_to(self, store: InMemoryTaskStore) -> None:
        """Keep all tasks in another store from now on."""
        store.tasks = self.store.tasks
        self.store = store

    def corrupt(self, how: Corrupt = Corrupt.ITEM, **changed: Any) -> Task:  # noqa: ANN401 - fields
        """Corrupt the task's item, and return what is true of it all the same."""
        self.change(**changed)
        self.store.tasks[self.task.task_id] = task = make_corrupt(self.current(), how)
        return task

    def change(self, **changed: Any) -> None:  # noqa: ANN401 - fields
        """Change fields of the task behind the service's back."""
        self.store.tasks[self.task.task_id] = structs.replace(self.current(), **changed)

    def claim(self, *, seconds: float = 30, holder: str = "another") -> Task:
        """Let another worker claim the task."""
        now = self.clock.now()
        lease = Lease(holder=holder, expires_at=now + timedelta(seconds=seconds))
        return self.store.apply(
            lifecycle.claim_if_available(
                self.task.task_id, lease=lease, now=now, attempts_max=ATTEMPTS_MAX
            )
        )

    def submitter(self, **faults: Any) -> SubmitTask:  # noqa: ANN401 - faults by method
        """Return a submitter whose next call of each method named meets its fault."""
        in_queue = {"send": faults.pop("send")} if "send" in faults else {}
        return SubmitTask(
            store=Faulty(self.store, **faults),
            queue=Faulty(self.queue, **in_queue),
            clock=self.clock,
            observer=self.observer,
            sweep_grace_seconds=GRACE,
            new_task_id=lambda: f"task-{next(self._numbers)}",
        )

    def service(self, *, store: object = None, queue: object = None, **settings: Any) -> Service:  # noqa: ANN401
        """Build the whole service with these settings, and with other ports if they are given."""
        ports = ports_in_memory(
            store=store or self.store,
            queue=queue or self.queue,
            executor=self.executor,
            clock=self.clock,
            observer=self.observer,
        )
        return composition.build(Settings(**settings), ports)

    def worker(self, **faults: Any) -> ExecuteTask:  # noqa: ANN401 - faults by method
        """Return a worker whose next call of each store method named meets its fault."""
        return ExecuteTask(
            store=Faulty(self.store, **faults),
            executor=self.executor,
            clock=self.clock,
            observer=self.observer,
            policy=EXECUTIONS,
            new_token=lambda: f"token-{next(self._numbers)}",
        )

    def deliver(self, receive_count: int = 1, **faults: Any) -> Acknowledge | Redeliver:  # noqa: ANN401
        """Deliver the task's message once."""
        delivery = a_delivery(self.task.task_id, receive_count)
        return self.worker(**faults)(delivery, seconds_left=lambda: SECONDS_LEFT)

    def sweep(
        self,
        *,
        seconds_left: Callable[[], float] = lambda: 60,
        policy: SweepPolicy = SWEEPS,
        **faults: Any,  # noqa: ANN401 - faults by method
    ) -> SweepReport:
        """Run the sweeper once; the next call of each queue method named meets its fault."""
        return SweepTasks(
            store=self.store,
            queue=Faulty(self.queue, **faults),
            clock=self.clock,
            observer=self.observer,
            policy=policy,
        )(seconds_left=seconds_left)


def a_delivery(task_id: str, receive_count: int = 1) -> Delivery:
    """Return a delivery of a task's message."""
    return Delivery(
        message=TaskMessage(task_id=task_id, correlation_id="c", enqueued_at=T0),
        message_id="m",
        receipt_handle="r",
        receive_count=receive_count,
    )


def a_submission(
    key: str | None = None,
    circuit: str = "x",
    owner: str = "local",
    batch_index: int | None = None,
) -> Submission:
    """Return a submission."""
    return Submission(
        request=a_request(circuit),
        owner=owner,
        correlation_id="c",
        idempotency_key=key,
        batch_index=batch_index,
    )
