"""Executing a task from one delivery of its message: claim, run, settle, and only then acknowledge.

A delivery is acknowledged only after the store has said yes to whatever ended it. To retry, its
message is hidden and comes back by itself; it is never sent again, which would reset its receive
count and could leave two.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Final, assert_never

import msgspec

from chalicelib.domain import lifecycle, payloads, unreadable
from chalicelib.domain.lifecycle import RefusedClaim
from chalicelib.domain.message import Delivery
from chalicelib.domain.retry_policy import Backoff, visibility_timeout_seconds
from chalicelib.domain.task import Lease, Task, TaskResult
from chalicelib.domain.transition import Transition
from chalicelib.domain.unreadable import StoredTask, TaskUnreadable
from chalicelib.errors import (
    ConditionFailed,
    PayloadTooLarge,
    PermanentExecutionError,
    StoreFull,
    StoreUnavailable,
    TransientExecutionError,
)
from chalicelib.ports import Clock, Executor, Observer, TaskStore

#: An error message stands in the item twice; it must not make transitions costly.
_ERROR_MESSAGE_CHARACTERS_MAX: Final = 1_000


class Acknowledge(msgspec.Struct, frozen=True):
    """The delivery is done with: its message may be deleted."""

    reason: str


class Redeliver(msgspec.Struct, frozen=True):
    """The delivery failed: its message must come back, after being hidden for this long."""

    reason: str
    #: None leaves the queue's own visibility timeout as it is.
    delay_seconds: int | None


Disposition = Acknowledge | Redeliver


class ExecutionPolicy(msgspec.Struct, frozen=True, kw_only=True):
    """The bounds of executions."""

    #: Attempts on one task, the first included.
    attempts_max: int
    #: The longest that one execution may take.
    execution_seconds_max: float
    #: Kept free for settling after an execution, and for clocks that differ.
    margin_seconds: float
    #: Between attempts.
    backoff: Backoff
    #: Between deliveries while the database cannot be used. They spend receives and no attempts:
    #: all receives together must outlast an outage, so it grows faster.
    outage_backoff: Backoff
    #: The longest that an execution may wait before its own time begins.
    start_seconds_max: float = 0.0

    @property
    def seconds_needed(self) -> float:
        """What must be left of an invocation for an attempt to begin."""
        return self.start_seconds_max + self.execution_seconds_max + self.margin_seconds


class ExecuteTask(msgspec.Struct, frozen=True, kw_only=True):
    """Does what one delivery asks for."""

    store: TaskStore
    executor: Executor
    clock: Clock
    observer: Observer
    policy: ExecutionPolicy
    #: Makes a token that no other claim will ever have.
    new_token: Callable[[], str]

    def __call__(self, delivery: Delivery, *, seconds_left: Callable[[], float]) -> Disposition:
        """Handle one delivery and return what is to become of it.

        `seconds_left` tells how long this invocation may still run. The lease is that long and a
        margin, since the platform kills the function at its timeout: a lease that has expired
        has no live holder.
        """
        if seconds_left() < self.policy.seconds_needed:
            # Starting nothing costs no task an attempt for a slow neighbour.
            return Redeliver("too little time left to execute it", 1)
        try:
            return self._claim_and_run(delivery, seconds_left())
        except (StoreUnavailable, StoreFull) as exc:
            self.observer.problem("execute the task", exc, task_ids=[delivery.message.task_id])
            delay = self.policy.outage_backoff.delay_seconds(delivery.receive_count)
            return Redeliver("the database cannot be used", delay)

    def _claim_and_run(self, delivery: Delivery, seconds_left: float) -> Disposition:
        now = self.clock.now()
        lease = Lease(
            holder=self.new_token(),
            expires_at=now + timedelta(seconds=seconds_left + self.policy.margin_seconds),
        )
        claim = lifecycle.claim_if_available(
            delivery.message.task_id, lease=lease, now=now, attempts_max=self.policy.attempts_max
        )
        try:
            return self._claim(delivery, claim, lease.holder)
        except TaskUnreadable as exc:
            return self._resolve_unreadable(delivery, exc, lease.holder)

    def _claim(self, delivery: Delivery, claim: Transition, token: str) -> Disposition:
        try:
            task = self.store.apply(claim)
        except ConditionFailed:
            return self._resolve_refused_claim(delivery, token)
        return self._run(task, token)

    def _resolve_refused_claim(self, delivery: Delivery, token: str) -> Disposition:
        task_id = delivery.message.task_id
        task = self.store.get_without_payloads(task_id)
        now = self.clock.now()
        why = lifecycle.explain_refused_claim(
            task, token=token, now=now, attempts_max=self.policy.attempts_max
        )
        if task is None or why is RefusedClaim.MISSING:
            self.observer.unknown_task(delivery)
            return Acknowledge("no such task")
        match why:
            case RefusedClaim.ENDED:
                return Acknowledge(f"duplicate: the task is {task.status}")
            case RefusedClaim.MINE:
                return self._run_after_doubt(task_id, token)
            case RefusedClaim.LEASED:
                return Redeliver("another attempt is at work", _until_lease_ends(task, now))
            case RefusedClaim.EXHAUSTED:
                return self._abandon(task, now)
            case RefusedClaim.RACED:
                return Redeliver("the task changed meanwhile", 1)
            case _:  # pragma: no cover
                assert_never(why)

    def _run_after_doubt(self, task_id: str, token: str) -> Disposition:
        """Execute a claim whose reply was lost: read what it would have returned."""
        task = self.store.get(task_id)
        if task is None or not _holds(task.lease, token):
            return Redeliver("the task changed meanwhile", 1)
        return self._run(task, token)

    def _resolve_unreadable(
        self, delivery: Delivery, error: TaskUnreadable, token: str
    ) -> Disposition:
        """End at once what this delivery holds and cannot read; leave alone what it does not."""
        self.observer.unreadable(error)
        stored = error.stored
        if stored.attempt is not None and _holds(stored.lease, token):
            # The settle needs nothing that cannot be read.
            message = f"it cannot be executed: {stored.reason}"[:_ERROR_MESSAGE_CHARACTERS_MAX]
            return self._settle(
                lifecycle.fail_if_current_attempt(
                    stored.task_id,
                    attempt=stored.attempt,
                    error_message=message,
                    now=self.clock.now(),
                )
            )
        delay = self.policy.backoff.delay_seconds(delivery.receive_count)
        return self._leave_unreadable(stored, delay)

    def _leave_unreadable(self, stored: StoredTask, delay: int) -> Disposition:
        now = self.clock.now()
        if stored.has_ended:
            return Acknowledge(f"the task is {stored.status} already")
        if stored.is_newer:
            return Redeliver("the task is from a newer version", delay)
        exhausted = stored.attempt is not None and stored.attempt >= self.policy.attempts_max
        if exhausted and not stored.has_live_lease(now):
            return self._abandon_unreadable(stored, now)
        return Redeliver("the task cannot be read", delay)

    def _abandon_unreadable(self, stored: StoredTask, now: datetime) -> Disposition:
        error_message = f"{stored.attempt} attempts, the last one never finished; {stored.reason}"
        abandon = unreadable.abandon(stored, error_message=error_message, now=now)
        try:
            self.store.apply_to_unreadable(abandon, stored)
        except ConditionFailed:
            return Redeliver("the task changed meanwhile", 1)
        return Acknowledge(f"the task is {abandon.status}")

    def _run(self, task: Task, token: str) -> Disposition:
        """Execute an attempt that this delivery holds, and settle or release it."""
        self.observer.transitioned(task)
        try:
            result = self._execute(task)
        except PermanentExecutionError as exc:
            return self._fail(task, str(exc))
        except TransientExecutionError as exc:
            if task.attempt >= self.policy.attempts_max:
                return self._fail(task, f"{exc} (attempt {task.attempt}, the last)")
            return self._release(task, token, str(exc))
        return self._complete(task, result)

    def _execute(self, task: Task) -> TaskResult:
        try:
            result = self.executor.execute(
                task.request, time_limit_seconds=self.policy.execution_seconds_max
            )
        except (PermanentExecutionError, TransientExecutionError):
            raise
        except Exception as exc:  # an executor's bug fails an attempt, never the batch
            self.observer.problem("execute the circuit", exc, task_ids=[task.task_id])
            message = f"the executor failed unexpectedly ({type(exc).__name__})"
            raise TransientExecutionError(message) from exc
        return result

    def _complete(self, task: Task, result: TaskResult) -> Disposition:
        complete = lifecycle.complete_if_current_attempt(
            task.task_id, attempt=task.attempt, result=result, now=self.clock.now()
        )
        try:
            payloads.check_result_size(result, circuit=task.request.circuit)
            return self._settle(complete)
        except PayloadTooLarge as exc:
            return self._fail(task, str(exc))

    def _fail(self, task: Task, error_message: str) -> Disposition:
        return self._settle(
            lifecycle.fail_if_current_attempt(
                task.task_id,
                attempt=task.attempt,
                error_message=error_message[:_ERROR_MESSAGE_CHARACTERS_MAX],
                now=self.clock.now(),
            )
        )

    def _abandon(self, task: Task, now: datetime) -> Disposition:
        error_message = f"{task.attempt} attempts, the last one never finished"
        abandon = lifecycle.abandon_if_unchanged(task, error_message=error_message, now=now)
        return self._settle(abandon)

    def _release(self, task: Task, token: str, reason: str) -> Disposition:
        now = self.clock.now()
        delay = self.policy.backoff.delay_seconds(task.attempt)
        due = now + timedelta(seconds=delay)
        why = reason[:_ERROR_MESSAGE_CHARACTERS_MAX]
        release = lifecycle.release_if_current_attempt(
            task.task_id,
            attempt=task.attempt,
            token=token,
            notes=f"{why}; next attempt due at {due.isoformat(timespec='seconds')}",
            now=now,
        )
        return self._settle(release, otherwise=Redeliver(reason, delay))

    def _settle(self, transition: Transition, otherwise: Redeliver | None = None) -> Disposition:
        """Write how the attempt ended. However the task has ended, its message is done with."""
        try:
            task = self.store.apply(transition)
        except ConditionFailed:
            return self._resolve_refused_settle(transition, otherwise)
        except TaskUnreadable as exc:
            self.observer.unreadable(exc)
            return otherwise or Acknowledge(f"the task is {exc.stored.status}")
        self.observer.transitioned(task)
        return otherwise or Acknowledge(f"the task is {task.status}")

    def _resolve_refused_settle(
        self, transition: Transition, otherwise: Redeliver | None
    ) -> Disposition:
        """Decide by one read: the condition may have failed for one's own earlier success."""
        try:
            task = self.store.get_without_payloads(transition.task_id)
        except TaskUnreadable as exc:
            self.observer.unreadable(exc)
            return self._leave_unreadable(exc.stored, self.policy.backoff.delay_seconds(1))
        if task is None or task.status.is_terminal:
            return Acknowledge(f"the task is {task.status if task else 'gone'} already")
        if otherwise is not None and task.lease is None:
            return otherwise
        return Redeliver("another attempt has the task", _until_lease_ends(task, self.clock.now()))


def _holds(lease: Lease | None, token: str) -> bool:
    return lease is not None and lease.holder == token


def _until_lease_ends(task: Task, now: datetime) -> int:
    lease = task.lease
    seconds = 0.0 if lease is None else (lease.expires_at - now).total_seconds()
    return visibility_timeout_seconds(seconds)
