"""Executing a task from one delivery of its message: claim, run, settle, and only then acknowledge.

A delivery is acknowledged only after the store has said yes to whatever ended it. To retry, its
message is hidden and comes back by itself; it is never sent again, which would reset its receive
count and could leave two.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Final

import msgspec

from chalicelib.domain import lifecycle, payloads, unreadable
from chalicelib.domain.ending import Ending, abandonment, acknowledged, failure, release
from chalicelib.domain.lifecycle import RefusedClaim
from chalicelib.domain.message import Acknowledge, Delivery, Disposition, Redeliver
from chalicelib.domain.retry_policy import Backoff, visibility_timeout_seconds
from chalicelib.domain.task import Lease, Task, TaskResult
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
        seconds = seconds_left()
        if seconds < self.policy.seconds_needed:
            # Starting nothing costs no task an attempt for a slow neighbour.
            return Redeliver("too little time left to execute it", 1)
        try:
            return self._handle(delivery, seconds)
        except (StoreUnavailable, StoreFull) as exc:
            self.observer.problem("execute the task", exc, task_ids=[delivery.message.task_id])
            delay = self.policy.outage_backoff.delay_seconds(delivery.receive_count)
            return Redeliver("the database cannot be used", delay)

    def _handle(self, delivery: Delivery, seconds_left: float) -> Disposition:
        """Claim the task, run it, and write how its attempt ended."""
        token = self.new_token()
        try:
            step = self._claim(delivery, token, seconds_left)
        except TaskUnreadable as exc:
            self.observer.unreadable(exc)
            step = self._after_unreadable_claim(delivery, exc.stored, token)
        if isinstance(step, Disposition):
            return step
        ending = step if isinstance(step, Ending) else self._run(step, token)
        return self._settle(ending)

    def _claim(
        self, delivery: Delivery, token: str, seconds_left: float
    ) -> Task | Ending | Disposition:
        """Return the task if this delivery has claimed it, else what is to be done instead."""
        now = self.clock.now()
        expires_at = now + timedelta(seconds=seconds_left + self.policy.margin_seconds)
        claim = lifecycle.claim_if_available(
            delivery.message.task_id,
            lease=Lease(holder=token, expires_at=expires_at),
            now=now,
            attempts_max=self.policy.attempts_max,
        )
        try:
            return self.store.apply(claim)
        except ConditionFailed:
            return self._after_refused_claim(delivery, token)

    def _after_refused_claim(self, delivery: Delivery, token: str) -> Task | Ending | Disposition:
        """Decide by one read: the condition may have failed for this claim's own success."""
        task_id = delivery.message.task_id
        task = self.store.get_without_payloads(task_id)
        now = self.clock.now()
        why = lifecycle.explain_refused_claim(
            task, token=token, now=now, attempts_max=self.policy.attempts_max
        )
        if task is None or why is RefusedClaim.MISSING:
            self.observer.unknown_task(delivery)
            return Acknowledge("no such task")
        if why is RefusedClaim.MINE:
            # Its reply was lost: this reads what the reply would have said.
            whole = self.store.get(task_id)
            return whole if whole is not None and _holds(whole.lease, token) else CHANGED
        if why is RefusedClaim.EXHAUSTED:
            return abandonment(task, now)
        return disposition_of_refused_claim(why, task, now)

    def _run(self, task: Task, token: str) -> Ending:
        """Execute an attempt that this delivery holds, and decide how it ends."""
        self.observer.transitioned(task)
        try:
            result = self._execute(task)
            payloads.check_result_size(result, request=task.request)
        except (PermanentExecutionError, PayloadTooLarge) as exc:
            return failure(task.task_id, task.attempt, str(exc), self.clock.now())
        except TransientExecutionError as exc:
            now = self.clock.now()
            if task.attempt >= self.policy.attempts_max:
                message = f"{exc} (attempt {task.attempt}, the last)"
                return failure(task.task_id, task.attempt, message, now)
            delay = self.policy.backoff.delay_seconds(task.attempt)
            return release(task, token, str(exc), delay_seconds=delay, now=now)
        complete = lifecycle.complete_if_current_attempt(
            task.task_id,
            attempt=task.attempt,
            result=result,
            now=self.clock.now(),
            schema_version=task.request.schema_version,
        )
        return Ending(complete, acknowledged(complete))

    def _execute(self, task: Task) -> TaskResult:
        try:
            return self.executor.execute(
                task.request, time_limit_seconds=self.policy.execution_seconds_max
            )
        except (PermanentExecutionError, TransientExecutionError):
            raise
        except Exception as exc:  # an executor's bug fails an attempt, never the batch
            self.observer.problem("execute the circuit", exc, task_ids=[task.task_id])
            message = f"the executor failed unexpectedly ({type(exc).__name__})"
            raise TransientExecutionError(message) from exc

    def _settle(self, ending: Ending) -> Disposition:
        """Write how the attempt ended. However the task has ended, its message is done with."""
        try:
            task = self.store.apply(ending.transition)
        except ConditionFailed:
            return self._after_refused_settle(ending)
        except TaskUnreadable as exc:
            self.observer.unreadable(exc)  # the write is applied all the same
        else:
            self.observer.transitioned(task)
        return ending.disposition

    def _after_refused_settle(self, ending: Ending) -> Disposition:
        """Decide by one read: the condition may have failed for this settle's own success."""
        try:
            task = self.store.get_without_payloads(ending.transition.task_id)
        except TaskUnreadable as exc:
            self.observer.unreadable(exc)
            return self._leave_unreadable(exc.stored, self.policy.backoff.delay_seconds(1))
        return disposition_of_refused_settle(ending, task, self.clock.now())

    def _after_unreadable_claim(
        self, delivery: Delivery, stored: StoredTask, token: str
    ) -> Ending | Disposition:
        """End at once what this delivery holds and cannot read; leave alone what it does not."""
        if stored.attempt is not None and _holds(stored.lease, token):
            # The settle needs nothing that cannot be read.
            message = f"it cannot be executed: {stored.reason}"
            return failure(stored.task_id, stored.attempt, message, self.clock.now())
        delay = self.policy.backoff.delay_seconds(delivery.receive_count)
        return self._leave_unreadable(stored, delay)

    def _leave_unreadable(self, stored: StoredTask, delay: int) -> Disposition:
        now = self.clock.now()
        exhausted = stored.attempt is not None and stored.attempt >= self.policy.attempts_max
        if exhausted and not (stored.has_ended or stored.is_newer or stored.has_live_lease(now)):
            return self._abandon_unreadable(stored, now)
        return disposition_of_unreadable(stored, delay)

    def _abandon_unreadable(self, stored: StoredTask, now: datetime) -> Disposition:
        error_message = f"{stored.attempt} attempts, the last one never finished; {stored.reason}"
        abandon = unreadable.abandon(stored, error_message=error_message, now=now)
        try:
            self.store.apply_to_unreadable(abandon, stored)
        except ConditionFailed:
            return CHANGED
        return acknowledged(abandon)


# --- decisions ---


#: The next delivery sees how.
CHANGED: Final = Redeliver("the task changed meanwhile", 1)


def disposition_of_refused_claim(why: RefusedClaim, task: Task, now: datetime) -> Disposition:
    """Return what becomes of a delivery that is to write nothing."""
    if why is RefusedClaim.ENDED:
        return Acknowledge(f"duplicate: the task is {task.status}")
    if why is RefusedClaim.LEASED:
        return Redeliver("another attempt is at work", _until_lease_ends(task, now))
    return CHANGED


def disposition_of_refused_settle(ending: Ending, task: Task | None, now: datetime) -> Disposition:
    """Return what becomes of a delivery whose settle was refused, from the task as it is now."""
    if task is None or task.status.is_terminal:
        return Acknowledge(f"the task is {task.status if task else 'gone'} already")
    if isinstance(ending.disposition, Redeliver) and task.lease is None:
        return ending.disposition  # it was this very release
    return Redeliver("another attempt has the task", _until_lease_ends(task, now))


def disposition_of_unreadable(stored: StoredTask, delay_seconds: int) -> Disposition:
    """Return what becomes of a delivery whose task cannot be read and is left as it is."""
    if stored.has_ended:
        return Acknowledge(f"the task is {stored.status} already")
    if stored.is_newer:
        return Redeliver("the task is from a newer version", delay_seconds)
    return Redeliver("the task cannot be read", delay_seconds)


def _holds(lease: Lease | None, token: str) -> bool:
    return lease is not None and lease.holder == token


def _until_lease_ends(task: Task, now: datetime) -> int:
    lease = task.lease
    seconds = 0.0 if lease is None else (lease.expires_at - now).total_seconds()
    return visibility_timeout_seconds(seconds)
