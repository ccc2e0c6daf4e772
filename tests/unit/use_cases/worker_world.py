"""A worker for the tests of executing, and what is around it."""

from __future__ import annotations

import itertools
from typing import Any

from chalicelib.domain import lifecycle
from chalicelib.domain.message import Acknowledge, Delivery, Redeliver, TaskMessage
from chalicelib.domain.retry_policy import Backoff
from chalicelib.domain.task import Lease, Task
from chalicelib.domain.transition import Transition
from chalicelib.use_cases.execute import ExecuteTask, ExecutionPolicy
from tests.support.fakes import RecordingObserver, ScriptedExecutor
from tests.support.faults import Faulty
from tests.support.in_memory import T0, FakeClock, InMemoryTaskStore, a_task

ATTEMPTS_MAX = 3
SECONDS_LEFT = 10.0
MARGIN = 2.0


class World:
    """A worker and what is around it, with one pending task."""

    def __init__(self, *outcomes: Any) -> None:  # noqa: ANN401 - results or errors
        self.store = InMemoryTaskStore()
        self.clock = FakeClock()
        self.observer = RecordingObserver()
        self.executor = ScriptedExecutor(*outcomes)
        self.task = a_task()
        self.store.create_if_absent(self.task)
        self._tokens = itertools.count(1)

    def current(self) -> Task:
        """Return the task as it is stored."""
        return self.store.tasks[self.task.task_id]

    def worker(self, **faults: Any) -> ExecuteTask:  # noqa: ANN401 - faults by method
        """Return a worker whose next call of each store method named meets its fault."""
        return ExecuteTask(
            store=Faulty(self.store, **faults),
            executor=self.executor,
            clock=self.clock,
            observer=self.observer,
            policy=ExecutionPolicy(
                attempts_max=ATTEMPTS_MAX,
                execution_seconds_max=5,
                margin_seconds=MARGIN,
                backoff=Backoff(base_seconds=8, seconds_max=100, random=lambda: 0.5),
                outage_backoff=Backoff(
                    base_seconds=8, seconds_max=1_000, random=lambda: 0.5, growth=4
                ),
            ),
            new_token=lambda: f"token-{next(self._tokens)}",
        )

    def deliver(
        self,
        receive_count: int = 1,
        *,
        seconds_left: float = SECONDS_LEFT,
        **faults: Any,  # noqa: ANN401
    ) -> Acknowledge | Redeliver:
        """Deliver the task's message once."""
        return self.worker(**faults)(
            a_delivery(self.task.task_id, receive_count), seconds_left=lambda: seconds_left
        )

    def apply(self, transition: Transition) -> Task:
        """Let another process change the task."""
        return self.store.apply(transition)

    def claim_by_another(self, *, seconds: float = 30) -> Task:
        """Let another worker claim the task."""
        now = self.clock.now()
        lease = Lease(holder="another", expires_at=now.replace(second=now.second + int(seconds)))
        return self.apply(
            lifecycle.claim_if_available(
                self.task.task_id, lease=lease, now=now, attempts_max=ATTEMPTS_MAX
            )
        )


def a_delivery(task_id: str, receive_count: int = 1) -> Delivery:
    """Return a delivery of a task's message."""
    return Delivery(
        message=TaskMessage(task_id=task_id, correlation_id="c", enqueued_at=T0),
        message_id="m",
        receipt_handle="r",
        receive_count=receive_count,
    )
